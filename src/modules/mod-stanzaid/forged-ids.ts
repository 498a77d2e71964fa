import { Element, type Jid, type ModuleContext, NS_STANZA_IDS, Stanza } from '../module.ts';

/**
 * The message without ids that somebody else gave it in the name of one of `owners` (XEP-0359 §3, rule 2), however often, with whatever prefix, and
 * however the address is written; undefined when there is none. Ids in the name of others stay.
 */
export function withoutForgedIds(
  context: ModuleContext,
  stanza: Stanza,
  owners: readonly Jid[],
): Stanza | undefined {
  if (!stanza.mayContain('stanza-id')) return undefined;
  const { element } = stanza;
  const children = element.children.filter((child) => {
    return typeof child === 'string' || !isIdBy(context, child, owners);
  });
  if (children.length === element.children.length) return undefined;
  return Stanza.of(new Element(element.name, element.ns, element.attributes, children));
}

/** Whether the message has an id in the name of `owner`. */
export function hasIdBy(context: ModuleContext, stanza: Stanza, owner: Jid): boolean {
  if (!stanza.mayContain('stanza-id')) return false;
  return stanza.element.elements().some((child) => isIdBy(context, child, [owner]));
}

function isIdBy(context: ModuleContext, element: Element, owners: readonly Jid[]): boolean {
  if (element.name !== 'stanza-id' || element.ns !== NS_STANZA_IDS) return false;
  const by = context.jid(element.attribute('by') ?? '');
  return by !== undefined && owners.some((owner) => by.bare === owner.bare);
}
