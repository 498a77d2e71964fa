import { monotonicMs } from '../util/monotonic.ts';

/** How long a removal is remembered: no message is on its way to be stored for longer. */
const REMEMBERED_MS = 60_000;
/** Removals that are remembered; beyond it the earliest are forgotten. */
const REMOVED_MAX = 10_000;

interface Removal {
  /** Microseconds since the epoch, as messages have it. */
  readonly timestamp: number;
  /** On the monotonic clock. */
  readonly ms: number;
}

/**
 * Accounts, and domains with all of theirs, whose messages were removed a moment ago. A message that was sent before and is stored after would be kept for
 * whoever has the name next.
 */
export class Removed {
  /** By account or domain; the earliest first. */
  readonly #removals = new Map<string, Removal>();

  get isEmpty(): boolean {
    return this.#removals.size === 0;
  }

  /**
   * What was sent up to now to the account, or without `username` to all of the domain, is not to be stored any more. Returns the moment, in microseconds since the
   * epoch.
   */
  note(domain: string, username?: string): number {
    const key = keyOf(domain, username);
    const ms = monotonicMs();
    // A shard counts on within a millisecond.
    const timestamp = Date.now() * 1000 + 999;
    this.#removals.delete(key);
    this.#removals.set(key, { timestamp, ms });
    for (const [name, removal] of this.#removals) {
      if (this.#removals.size <= REMOVED_MAX && ms - removal.ms < REMEMBERED_MS) break;
      this.#removals.delete(name);
    }
    return timestamp;
  }

  /** Whether a message of that time was sent to an account that was there before. */
  covers(domain: string, username: string, timestamp: number): boolean {
    if (this.#removals.size === 0) return false;
    return this.#isAfter(keyOf(domain, username), timestamp) || this.#isAfter(keyOf(domain), timestamp);
  }

  #isAfter(key: string, timestamp: number): boolean {
    const removal = this.#removals.get(key);
    // However the clock was set meanwhile: not for longer than that.
    if (removal === undefined || monotonicMs() - removal.ms >= REMEMBERED_MS) return false;
    return timestamp <= removal.timestamp;
  }
}

function keyOf(domain: string, username = ''): string {
  return `${username}@${domain}`;
}
