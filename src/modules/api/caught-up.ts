import type { ModuleContext } from './context.ts';

/** How long those who can do without are kept waiting by a shard that does not hear. */
const CATCH_UP_MS_MAX = 1_000;

/**
 * Resolves when all that clients have got so far, from any shard, is on its way to the store before anything that is asked of it then. A message may be quicker
 * than what another shard writes because of it at the end of the same turn: the others are told, flush what they have gathered when they hear it
 * (`onAnnouncement`), and it is there when they have heard. `notice` is what they hear.
 */
export async function othersCaughtUp(context: ModuleContext, notice: unknown = null): Promise<void> {
  context.announce(notice);
  await context.whenHandled();
}

/** The same, but waits a second at most. */
export async function othersCaughtUpSoon(context: ModuleContext): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = context.after(CATCH_UP_MS_MAX, resolve);
  await Promise.race([othersCaughtUp(context), promise]);
  cancel();
}
