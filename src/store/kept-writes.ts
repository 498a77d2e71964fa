import {
  KEPT_BATCHES_MAX,
  KEPT_BYTES_MAX,
  KEPT_MAX,
  KEPT_PER_BATCH_BYTES_MAX,
  KEPT_PER_BATCH_MAX,
} from '../limits.ts';
import { StoreUnavailableError } from './failure.ts';
import type { BatchedWrite, WriteBatchId } from './operations/writes.ts';

/** What its author wants to know of a write. */
export interface KeptWrite {
  /** Bytes that it holds. */
  readonly bytes: number;
  /** Called once if it takes long: a try has failed, or it is not done after five seconds. */
  readonly delayed?: () => void;
  /** Called before each further try, while it certainly is not written: whether it need not be any more, because it has found another end. */
  readonly isSettled?: () => boolean;
}

interface Kept extends KeptWrite {
  readonly write: BatchedWrite;
  /** Its place in the order in which they came. */
  readonly place: number;
  readonly sinceMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (cause: unknown) => void;
  isDelayed: boolean;
}

interface Batch {
  readonly id: WriteBatchId;
  readonly writes: readonly Kept[];
  /** A try has ended without anybody knowing how: it may be written. */
  isUnsure: boolean;
}

/** After a failure the next try waits so long, and twice as long after each further one, up to a limit. */
const PAUSE_MS = 100;
const PAUSE_MS_MAX = 2_000;
/** A write that is not done after this is a delayed one. */
const DELAYED_MS = 5_000;

/**
 * Writes of a shard that must not be lost while the store is gone, slow, or its disk is full: they are kept here, within limits, and tried until they are
 * done, in the order they came.
 *
 * ```
 *   add ─▶ waiting ─▶ batch under way ─┬─ done ─▶ each hears its result
 *             ▲            ▲           ├─ certainly not done ─▶ back among those that wait; a pause
 *             │            └───────────┼─ nobody knows ─▶ the same batch again after a pause: the store knows it by its number
 *             └────────────────────────┘
 * ```
 *
 * All that gathers in a turn is one request to the store; several may be under way. After a failure it is one at a time, until one is done.
 */
export class KeptWrites {
  /** Tries after the first, and writes that were refused, since the start. */
  retries = 0;
  refused = 0;
  readonly #request: (batch: WriteBatchId, writes: readonly BatchedWrite[]) => Promise<readonly unknown[]>;
  readonly #nowMs: () => number;
  readonly #shard: number;
  readonly #since: number;
  #waiting: Kept[] = [];
  /** Batches of which nobody knows whether they are written, the earliest first. */
  #unsure: Batch[] = [];
  readonly #underWay = new Set<Batch>();
  #isScheduled = false;
  #number = 0;
  #place = 0;
  #bytes = 0;
  #count = 0;
  /** Tries in a row that have failed. */
  #failures = 0;
  /** Batches are of one write: one of them cannot be done, and it is looked for which. */
  #isSearching = false;
  #pause: NodeJS.Timeout | undefined;

  constructor(
    request: (batch: WriteBatchId, writes: readonly BatchedWrite[]) => Promise<readonly unknown[]>,
    nowMs: () => number,
    [shard, since]: readonly [shard: number, since: number],
  ) {
    this.#request = request;
    this.#nowMs = nowMs;
    this.#shard = shard;
    this.#since = since;
  }

  /** Writes that are kept, and their bytes. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether writes fail, or take long. */
  get isStalled(): boolean {
    if (this.#failures > 0) return true;
    const [first] = this.#underWay;
    const oldest = first?.writes[0] ?? this.#waiting[0];
    return oldest !== undefined && this.#nowMs() - oldest.sinceMs >= DELAYED_MS;
  }

  /** Whether another write of so many bytes would be kept. */
  hasRoom(bytes: number): boolean {
    return this.#count < KEPT_MAX && this.#bytes + bytes <= KEPT_BYTES_MAX;
  }

  /**
   * Keeps a write until it is done. Resolves to its result once that is durable, or to undefined when it was settled otherwise; rejects only if the store cannot do
   * it however often it tries. Undefined: there is no room for it.
   */
  add(write: BatchedWrite, { bytes, delayed, isSettled }: KeptWrite): Promise<unknown> | undefined {
    if (!this.hasRoom(bytes)) {
      this.refused++;
      return undefined;
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const kept: Kept = {
      write,
      place: ++this.#place,
      bytes,
      ...(delayed && { delayed }),
      ...(isSettled && { isSettled }),
      sinceMs: this.#nowMs(),
      resolve,
      reject,
      isDelayed: delayed === undefined,
    };
    this.#waiting.push(kept);
    this.#count++;
    this.#bytes += bytes;
    if (this.#failures > 0) noteDelayed([kept]);
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(() => {
        this.#isScheduled = false;
        this.flush();
      });
    }
    return promise;
  }

  /** Sends what has gathered: whatever else is asked of the store now comes behind it. */
  flush(): void {
    while (this.#pause === undefined && this.#underWay.size < this.#most) {
      const batch = this.#unsure.shift() ?? this.#next();
      if (batch === undefined) return;
      this.#send(batch);
    }
  }

  /** Tells the authors of writes that take long. Called every second or so. */
  expire(): void {
    const since = this.#nowMs() - DELAYED_MS;
    const isLate = ({ sinceMs }: Kept): boolean => sinceMs <= since;
    for (const { writes } of this.#underWay) noteDelayed(writes.filter(isLate));
    noteDelayed(this.#waiting.filter(isLate));
  }

  /** The store is there again: there is no need to wait any longer. */
  retryNow(): void {
    if (this.#pause === undefined) return;
    clearTimeout(this.#pause);
    this.#goOn();
  }

  /** Nothing is tried any more. */
  stop(): void {
    clearTimeout(this.#pause);
  }

  get #most(): number {
    return this.#failures > 0 || this.#isSearching ? 1 : KEPT_BATCHES_MAX;
  }

  #next(): Batch | undefined {
    const waiting = this.#waiting;
    // The store remembers only so many.
    for (const { id } of this.#underWay) if (id[2] <= this.#number + 1 - KEPT_BATCHES_MAX) return undefined;
    const most = this.#isSearching ? 1 : KEPT_PER_BATCH_MAX;
    let count = 0;
    for (let bytes = 0; count < waiting.length && count < most; count++) {
      bytes += waiting[count]!.bytes;
      if (bytes > KEPT_PER_BATCH_BYTES_MAX && count > 0) break;
    }
    if (count === 0) return undefined;
    const id: WriteBatchId = [this.#shard, this.#since, ++this.#number];
    return { id, writes: waiting.splice(0, count), isUnsure: false };
  }

  #send(batch: Batch): void {
    this.#underWay.add(batch);
    this.#request(
      batch.id,
      batch.writes.map(({ write }) => write),
    ).then(
      (results) => this.#done(batch, results),
      (cause: unknown) => this.#failed(batch, cause),
    );
  }

  #done(batch: Batch, results: readonly unknown[]): void {
    this.#underWay.delete(batch);
    this.#failures = 0;
    if (this.#waiting.length === 0) this.#isSearching = false;
    for (let i = 0; i < batch.writes.length; i++) {
      const kept = batch.writes[i]!;
      this.#forget(kept);
      kept.resolve(results[i]);
    }
    this.flush();
  }

  #failed(batch: Batch, cause: unknown): void {
    this.#underWay.delete(batch);
    const failure = cause instanceof StoreUnavailableError ? cause.failure : 'unsure';
    if (failure === 'fault') {
      this.#faulty(batch, cause);
      return;
    }
    if (failure === 'unsure') batch.isUnsure = true;
    if (batch.isUnsure) {
      this.#unsure.push(batch);
      this.#unsure.sort((a, b) => a.id[2] - b.id[2]);
    } else this.#takeBack(batch);
    noteDelayed(batch.writes);
    noteDelayed(this.#waiting);
    if (this.#pause !== undefined) return;
    this.#pause = setTimeout(() => this.#goOn(), Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** this.#failures));
    this.#pause.unref();
    this.#failures++;
  }

  /** One of them cannot be written, and must not keep the others from it. */
  #faulty(batch: Batch, cause: unknown): void {
    if (batch.writes.length > 1) {
      this.#isSearching = true;
      this.#takeBack(batch);
    } else {
      this.#forget(batch.writes[0]!);
      batch.writes[0]!.reject(cause);
    }
    this.flush();
  }

  #takeBack({ writes }: Batch): void {
    this.#waiting = [...writes, ...this.#waiting].sort((a, b) => a.place - b.place);
  }

  #goOn(): void {
    this.#pause = undefined;
    this.retries++;
    this.#waiting = this.#waiting.filter((kept) => {
      if (kept.isSettled === undefined || !kept.isSettled()) return true;
      this.#forget(kept);
      kept.resolve(undefined);
      return false;
    });
    if (this.#count === 0) this.#failures = 0;
    this.flush();
  }

  #forget({ bytes }: Kept): void {
    this.#count--;
    this.#bytes -= bytes;
  }
}

function noteDelayed(writes: readonly Kept[]): void {
  for (const kept of writes) {
    if (kept.isDelayed) continue;
    kept.isDelayed = true;
    kept.delayed!();
  }
}
