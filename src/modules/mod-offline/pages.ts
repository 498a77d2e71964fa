import type { Jid, ModuleContext, OfflineMessage } from '../module.ts';

/** A place among the messages of a user: behind the one of this time and id; null: before all. */
export type Position = readonly [timestamp: number, id: number] | null;

/** Messages in one answer of the store, and their bytes: a page of larger ones is shorter. */
const MESSAGES_MAX = 1_000;
const BYTES_MAX = 262_144;

/** A page of all that is stored for a user; `next` is null behind the last. */
export async function pageOf(
  context: ModuleContext<unknown>,
  { domain, local }: Jid,
  after: Position,
): Promise<{ readonly messages: readonly OfflineMessage[]; readonly next: Position }> {
  const messages = await context.store.request('offline_page', domain, local, after, MESSAGES_MAX, BYTES_MAX);
  const last = messages.at(-1);
  return { messages, next: last === undefined ? null : [last.timestamp, last.id] };
}
