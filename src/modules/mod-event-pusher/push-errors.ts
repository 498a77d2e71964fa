import { type Accumulator, GenerationCache, NS_CLIENT } from '../module.ts';

/** Accounts with a node that gave errors last, of which a shard remembers how many. */
const ACCOUNTS_MAX = 10_000;

/** Errors that come from the way to the service, and say nothing about the node: they would also be of type `cancel`. */
const ON_THE_WAY: ReadonlySet<string> = new Set([
  'remote-server-not-found',
  'remote-server-timeout',
  'service-unavailable',
  'internal-server-error',
]);
/** What is final whatever type the service gives it. */
const FINAL: ReadonlySet<string> = new Set(['item-not-found', 'gone']);

/**
 * What an answer to a publication says: told; `gone`: the service does not want that node to be told any more, since it is not there (`cancel`), or since nobody may publish there
 * (`auth`, which is how a service withdraws a registration, XEP-0357 §8); `error`: it may pass, or come of this one notification.
 */
export function meaningOf({ stanza }: Accumulator): 'ok' | 'gone' | 'error' {
  if (stanza!.type !== 'error') return 'ok';
  const error = stanza!.element.child('error', NS_CLIENT);
  const names = error?.elements().map(({ name }) => name) ?? [];
  if (names.some((name) => ON_THE_WAY.has(name))) return 'error';
  const type = error?.attribute('type');
  return type === 'cancel' || type === 'auth' || names.some((name) => FINAL.has(name)) ? 'gone' : 'error';
}

interface Streak {
  readonly since: number;
  readonly count: number;
}

/** How many errors that may pass nodes have given one after another: with enough of them, over a while, a node is no more (XEP-0357 §7.1). */
export class PushErrors {
  readonly #inARowMax: number;
  readonly #micros: number;
  /** By bare JID of the user, then by service and node. */
  readonly #streaks = new GenerationCache<string, Map<string, Streak>>(ACCOUNTS_MAX);

  /** `inARowMax` errors end a node, if there are `seconds` between the first and the last. */
  constructor(inARowMax: number, seconds: number) {
    this.#inARowMax = inARowMax;
    this.#micros = seconds * 1_000_000;
  }

  /** A node (by `key`) has given one more at this time (microseconds). Whether that was the last one. */
  add(user: string, key: string, now: number): boolean {
    let own = this.#streaks.get(user);
    if (own === undefined) {
      own = new Map();
      this.#streaks.set(user, own);
    }
    const before = own.get(key);
    const streak = { since: before?.since ?? now, count: (before?.count ?? 0) + 1 };
    own.set(key, streak);
    return streak.count >= this.#inARowMax && now - streak.since >= this.#micros;
  }

  /** It was told. */
  passed(user: string, key: string): void {
    this.#streaks.get(user)?.delete(key);
  }

  /** The user has changed his nodes: all begin anew. */
  forget(user: string): void {
    this.#streaks.delete(user);
  }
}
