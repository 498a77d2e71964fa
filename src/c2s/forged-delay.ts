import { Element } from '../xml/element.ts';
import type { Scanner } from '../xml/scanner.ts';
import { KIND_MASK, OPEN, TOKEN_WORDS } from '../xml/tokens.ts';
import { parseJid } from '../xmpp/jid.ts';
import { NS_DELAY } from '../xmpp/namespaces.ts';
import { Stanza } from '../xmpp/stanza.ts';
import type { C2s } from './c2s.ts';

/**
 * The stanza that was just read, without any `<delay/>` in the name of this server or of anybody else on it: recipients trust those of their own
 * server (XEP-0203 §5, threat T41). One that names its sender, or nobody, is the sender's own word, and stays.
 */
export function withoutForgedDelays(c2s: C2s, scanner: Scanner, buffer: Buffer, stanza: Stanza): Stanza {
  if (!namesDelay(scanner, buffer)) return stanza;
  const { element } = stanza;
  const children = element.children.filter((child) => typeof child === 'string' || !isForged(c2s, child));
  if (children.length === element.children.length) return stanza;
  return Stanza.of(new Element(element.name, element.ns, element.attributes, children));
}

/** Whether an element inside is called `delay`: a look at the tokens, so that ordinary stanzas get no tree. */
function namesDelay({ base, tokens, tokenWords }: Scanner, buffer: Buffer): boolean {
  for (let t = TOKEN_WORDS; t < tokenWords; t += TOKEN_WORDS) {
    if ((tokens[t]! & KIND_MASK) !== OPEN) continue;
    const colon = tokens[t + 3]!;
    const start = colon < 0 ? tokens[t + 1]! : colon + 1;
    const end = tokens[t + 2]!;
    if (end - start === 5 && buffer.latin1Slice(base + start, base + end) === 'delay') return true;
  }
  return false;
}

function isForged(c2s: C2s, child: Element): boolean {
  if (child.name !== 'delay' || child.ns !== NS_DELAY) return false;
  const from = parseJid(child.attribute('from')?.trim() ?? '');
  return from !== undefined && from.bare !== c2s.jid.bare && isServed(c2s, from.domain);
}

/** Whether a domain is one of this server, or below one: rooms and other services are there. */
function isServed({ host }: C2s, domain: string): boolean {
  for (let name = domain; name !== ''; name = name.slice(name.indexOf('.') + 1)) {
    if (host.domain(name) !== undefined) return true;
    if (!name.includes('.')) return false;
  }
  return false;
}
