import { Element } from '../xml/element.ts';
import { escapeValue } from '../xml/writer.ts';
import { type Jid, parseJid } from './jid.ts';
import { NS_STANZA_IDS } from './namespaces.ts';
import { Stanza } from './stanza.ts';

/** Ids that others give a message (XEP-0359). */

/**
 * The message without ids that somebody else gave it in the name of one of `owners` (XEP-0359 §3, rule 2), however often, with whatever prefix, and
 * however the address is written; undefined when there is none. Ids in the name of others stay.
 */
export function withoutIdsBy(stanza: Stanza, owners: readonly Jid[]): Stanza | undefined {
  if (!stanza.mayContain('stanza-id')) return undefined;
  const { element } = stanza;
  const children = element.children.filter((child) => typeof child === 'string' || !isIdBy(child, owners));
  if (children.length === element.children.length) return undefined;
  return Stanza.of(new Element(element.name, element.ns, element.attributes, children));
}

/** Whether the message has an id in the name of `owner`. */
export function hasIdBy(stanza: Stanza, owner: Jid): boolean {
  if (!stanza.mayContain('stanza-id')) return false;
  return stanza.element.elements().some((child) => isIdBy(child, [owner]));
}

function isIdBy(element: Element, owners: readonly Jid[]): boolean {
  if (element.name !== 'stanza-id' || element.ns !== NS_STANZA_IDS) return false;
  const by = parseJid(element.attribute('by') ?? '');
  return by !== undefined && owners.some((owner) => by.bare === owner.bare);
}

/** The element that tells an id (XEP-0359 §3) as XML. `by`: whoever has given it. */
export function stanzaIdXml(by: Jid, id: string): string {
  return `<stanza-id xmlns='${NS_STANZA_IDS}' by='${escapeValue(by.bare)}' id='${escapeValue(id)}'/>`;
}
