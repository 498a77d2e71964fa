import type { Accumulator } from '../hooks/accumulator.ts';
import { IQ_TIMEOUT_MS, PENDING_IQS_MAX } from '../limits.ts';
import { randomText } from '../util/random.ts';

/** Called with the answer (an accumulator whose stanza is the IQ result or error), or with undefined when none came in time. */
export type IqCallback = (answer: Accumulator | undefined) => void;

interface Pending {
  /** Only an answer from this address counts (threat T36). */
  readonly from: string;
  readonly callback: IqCallback;
  readonly timer: NodeJS.Timeout;
}

/**
 * Requests that the server sent to clients and that wait for an answer. The id starts with the number of the shard, so that an
 * answer arriving elsewhere finds its way.
 */
export class PendingIqs {
  readonly #shard: number;
  readonly #pending = new Map<string, Pending>();

  constructor(shard: number) {
    this.#shard = shard;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Registers a request to `from`. Returns the id to send it with, or undefined when too many wait already. */
  register(from: string, callback: IqCallback, timeoutMs: number = IQ_TIMEOUT_MS): string | undefined {
    if (this.#pending.size >= PENDING_IQS_MAX) return undefined;
    const id = `s${this.#shard}_${randomText(12, 'base64url')}`;
    const timer = setTimeout(() => {
      this.#pending.delete(id);
      callback(undefined);
    }, timeoutMs);
    timer.unref();
    this.#pending.set(id, { from, callback, timer });
    return id;
  }

  /** Takes an answer. False when nobody waits for it, or not from there. */
  answer(id: string, acc: Accumulator): boolean {
    const pending = this.#pending.get(id);
    if (pending === undefined || pending.from !== acc.from.full) return false;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    pending.callback(acc);
    return true;
  }

  /** The shard whose request has this id; undefined when it is not one of the server's ids. */
  static shardOf(id: string): number | undefined {
    const match = /^s([0-9]{1,3})_/.exec(id);
    return match === null ? undefined : Number(match[1]);
  }
}
