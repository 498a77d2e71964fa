import {
  type Jid,
  type ModuleContext,
  NS_PRIVATE,
  type PortableEntry,
  type PortableOutcome,
  serialize,
} from '../module.ts';
import { store, stored } from './storage.ts';

/** Elements from another server. Those that are there stay: one for each name in a namespace. */
export async function takeEntries(
  context: ModuleContext,
  user: Jid,
  entries: readonly PortableEntry[],
): Promise<PortableOutcome[]> {
  const outcomes: PortableOutcome[] = [];
  for (const { element } of entries) {
    if (element.ns === '' || element.ns === NS_PRIVATE) {
      outcomes.push({ code: 'invalid', text: 'it has no namespace of its own' });
      continue;
    }
    const own = (await stored(context, user, [element.ns])).get(element.ns) ?? [];
    const other = own.find(({ name }) => name === element.name);
    if (other !== undefined) {
      const isSame = serialize(other) === serialize(element);
      outcomes.push(isSame ? 'known' : { code: 'differs', text: 'something else is there, and stays' });
      continue;
    }
    const refusal = await store(context, user, [...own, element]);
    outcomes.push(refusal === undefined ? 'taken' : { code: 'full', text: 'the private storage is full' });
  }
  return outcomes;
}
