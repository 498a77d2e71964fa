import { parseElement } from '../xmpp/trusted-xml.ts';

/** The text of all bodies of a stored message, one after another (there may be one for each language); empty without. Throws if it does not parse. */
export function bodyText(packet: Buffer): string {
  const message = parseElement(packet, 0, packet.length);
  let text = '';
  for (const child of message.children) {
    if (typeof child === 'string' || child.name !== 'body' || child.ns !== message.ns) continue;
    text += text === '' ? child.text() : ` ${child.text()}`;
  }
  return text;
}
