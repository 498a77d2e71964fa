/** Keys remembered over all limits; the oldest are forgotten first. */
const KEYS_MAX = 100_000;

/**
 * Server-wide limits of the kind «one in so many seconds for each source»: registrations, for instance. They are kept by the main thread, so
 * that it does not matter which shard asks.
 */
export class RateLimits {
  readonly #nowMs: () => number;
  /** When the place of a key is free again. */
  readonly #until = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Takes the place of `key`: true if it was free. */
  take(limit: string, key: string, periodMs: number): boolean {
    if (periodMs === Number.POSITIVE_INFINITY || periodMs <= 0) return true;
    const now = this.#nowMs();
    const name = `${limit} ${key}`;
    const until = this.#until.get(name);
    if (until !== undefined && until > now) return false;
    this.#until.delete(name);
    if (this.#until.size >= KEYS_MAX) this.#forget(now);
    this.#until.set(name, now + periodMs);
    return true;
  }

  #forget(now: number): void {
    for (const [name, until] of this.#until) if (until <= now) this.#until.delete(name);
    for (const name of this.#until.keys()) {
      if (this.#until.size < KEYS_MAX) return;
      this.#until.delete(name);
    }
  }
}
