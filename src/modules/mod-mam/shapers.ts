import type { Jid, ModuleContext } from '../module.ts';
import { SHAPED_LOOKUPS_MAX, SHAPED_USERS_MAX, SHAPER_WAIT_MS_MAX } from './limits.ts';

/** Operations that may still be made, as of a moment of the monotonic clock; below zero they are owed. */
interface Bucket {
  tokens: number;
  atMs: number;
}

interface Rate {
  readonly maxRate: number;
  readonly burst: number;
}

/** The bucket of all sessions of a shard together. */
const EVERYBODY = '';

/**
 * Slows down whoever asks archives too often: access rules `RULE_shaper` for a session and `RULE_global_shaper` for all of a shard give the name of a shaper, whose
 * units are operations.
 */
export class Shapers {
  readonly #context: ModuleContext;
  readonly #nowMs: () => number;
  readonly #buckets = new Map<string, Bucket>();
  #waiting = 0;

  constructor(context: ModuleContext, nowMs: () => number = () => performance.now()) {
    this.#context = context;
    this.#nowMs = nowMs;
  }

  /** Waits until `jid` may ask again; false if that would take too long, or too many wait. */
  async takeTurn(rule: string, jid: Jid, host: string): Promise<boolean> {
    const own = this.#rate(`${rule}_shaper`, jid, host);
    const all = this.#rate(`${rule}_global_shaper`, jid, host);
    if (own === undefined && all === undefined) return true;
    const ownBucket = own === undefined ? undefined : this.#bucket(`${rule} ${jid.full}`, own);
    const allBucket = all === undefined ? undefined : this.#bucket(`${rule} ${EVERYBODY}`, all);
    const waitMs = Math.max(waitOf(ownBucket, own), waitOf(allBucket, all));
    if (waitMs > SHAPER_WAIT_MS_MAX || (waitMs > 0 && this.#waiting >= SHAPED_LOOKUPS_MAX)) return false;
    if (ownBucket !== undefined) ownBucket.tokens--;
    if (allBucket !== undefined) allBucket.tokens--;
    if (waitMs > 0) await this.#wait(waitMs);
    return true;
  }

  async #wait(ms: number): Promise<void> {
    this.#waiting++;
    await new Promise<void>((resolve) => {
      this.#context.after(Math.ceil(ms), resolve);
    });
    this.#waiting--;
  }

  #rate(rule: string, jid: Jid, host: string): Rate | undefined {
    const name = this.#context.access(rule, jid, host, 'none');
    return typeof name === 'string' ? this.#context.shaper(name) : undefined;
  }

  /** Filled up to now. Those that were used last are at the end of the map. */
  #bucket(key: string, { maxRate, burst }: Rate): Bucket {
    const now = this.#nowMs();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.atMs) * maxRate) / 1_000);
    bucket.atMs = now;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= SHAPED_USERS_MAX) break;
      this.#buckets.delete(oldest);
    }
    return bucket;
  }
}

/** Milliseconds until there is a whole operation. */
function waitOf(bucket: Bucket | undefined, rate: Rate | undefined): number {
  if (bucket === undefined || rate === undefined || bucket.tokens >= 1) return 0;
  return ((1 - bucket.tokens) / rate.maxRate) * 1_000;
}
