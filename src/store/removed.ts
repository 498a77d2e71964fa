/** How long a removal is remembered: no message is on its way to be stored for longer. */
const REMEMBERED_US = 60_000_000;
/** Removals that are remembered; beyond it the earliest are forgotten. */
const REMOVED_MAX = 10_000;

/**
 * Accounts, and domains with all of theirs, whose messages were removed a moment ago. A message that was sent before and is stored after would be kept for
 * whoever has the name next.
 */
export class Removed {
  /** When, in microseconds since the epoch, by account or domain; the earliest first. */
  readonly #at = new Map<string, number>();

  /** What was sent up to now to the account, or without `username` to all of the domain, is not to be stored any more. */
  note(domain: string, username?: string): void {
    // A shard counts on within a millisecond.
    const now = Date.now() * 1000 + 999;
    const key = keyOf(domain, username);
    this.#at.delete(key);
    this.#at.set(key, now);
    for (const [name, at] of this.#at) {
      if (this.#at.size <= REMOVED_MAX && now - at < REMEMBERED_US) break;
      this.#at.delete(name);
    }
  }

  /** Whether a message of that time was sent to an account that was there before. */
  covers(domain: string, username: string, timestamp: number): boolean {
    if (this.#at.size === 0) return false;
    return (
      timestamp <= Math.max(this.#at.get(keyOf(domain, username)) ?? 0, this.#at.get(keyOf(domain)) ?? 0)
    );
  }
}

function keyOf(domain: string, username = ''): string {
  return `${username}@${domain}`;
}
