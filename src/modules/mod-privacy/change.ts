import type { ModuleContext, PrivacyChange } from '../module.ts';

/** What all shards are told when lists of an account have changed: by either of the two modules, each under its own name. */
export interface ListsChanged {
  readonly bare: string;
  /** The list whose definition changed; undefined when only another list became the default, or all are gone. */
  readonly list: string | undefined;
  /** JIDs that the default list blocks from now on, and those that it does not any more. */
  readonly blocked: readonly string[];
  readonly unblocked: readonly string[];
  /** All that the blocking command took out of the list. */
  readonly isAllUnblocked?: boolean;
}

/** Everything of a domain is gone. */
export interface DomainCleared {
  readonly domain: string;
}

/**
 * Tells all shards of a change, and waits until each has taken it to heart: what passes a list from then on passes the changed one. Whoever asked for the
 * change is answered after that.
 */
export async function announceChange(
  context: ModuleContext,
  bare: string,
  change: PrivacyChange,
  list: string | undefined,
  more: Partial<ListsChanged> = {},
): Promise<void> {
  const { blocked, unblocked } = change;
  context.announce({ bare, list, blocked, unblocked, ...more } satisfies ListsChanged);
  await context.whenHandled();
}

/** Whether an announcement is about an account of the module's own host type. */
export function isOwnChange(context: ModuleContext, content: unknown): content is ListsChanged {
  const { bare, blocked } = content as Partial<ListsChanged>;
  return (
    bare !== undefined && blocked !== undefined && context.hosts.includes(bare.slice(bare.indexOf('@') + 1))
  );
}
