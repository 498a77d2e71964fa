import {
  type Element,
  type Jid,
  type ModuleContext,
  parseChildren,
  StanzaError,
  serialize,
} from '../module.ts';

/** What one account may keep: namespaces, and bytes of their names and XML together. */
export const NAMESPACES_MAX = 500;
const BYTES_MAX = 524_288;

/** What is stored under namespaces, as elements; a namespace without anything is left out. Rejects when the store cannot answer. */
export async function stored(
  context: ModuleContext,
  user: Jid,
  namespaces: readonly string[],
): Promise<Map<string, Element[]>> {
  const found = await context.store.request('private_get', user.domain, user.local, [...new Set(namespaces)]);
  return new Map(found.map(([ns, xml]) => [ns, parseChildren(xml)]));
}

/**
 * Stores elements. Those of one namespace are kept together, and replace what was there (XEP-0049 §3). Returns why they are refused; rejects when the store
 * cannot.
 */
export async function store(
  context: ModuleContext,
  user: Jid,
  elements: readonly Element[],
): Promise<StanzaError | undefined> {
  if (elements.length > NAMESPACES_MAX)
    return new StanzaError('not-acceptable', `At most ${NAMESPACES_MAX} elements`);
  const entries = new Map<string, string>();
  for (const element of elements) {
    entries.set(element.ns, (entries.get(element.ns) ?? '') + serialize(element));
  }
  const { domain, local } = user;
  const result = await context.store.request(
    'private_set',
    domain,
    local,
    [...entries],
    NAMESPACES_MAX,
    BYTES_MAX,
  );
  if (result === 'stored') return undefined;
  context.count('refused');
  return new StanzaError('resource-constraint', 'Your private storage is full');
}

/** Whether elements of a namespace can be stored (XEP-0049 §3). */
export function isStorable({ ns }: Element, own: string): boolean {
  return ns !== '' && ns !== own;
}
