import {
  KEPT_BATCHES_MAX,
  KEPT_BATCHES_REMEMBERED,
  KEPT_BUSY,
  KEPT_BYTES_BUSY,
  KEPT_BYTES_MAX,
  KEPT_MAX,
} from '../limits.ts';
import { type StoreFailure, StoreUnavailableError } from './failure.ts';
import { KeptQueue } from './kept-queue.ts';
import type { KeptState } from './kept-state.ts';
import { KeptWaiters } from './kept-waiters.ts';
import { keepTrying } from './kept-work.ts';
import { Kept, type KeptWrite, type Piece, sizeOf } from './kept-write.ts';
import type { BatchedWrite, WriteBatchId } from './operations/writes.ts';

interface Batch {
  readonly id: WriteBatchId;
  readonly pieces: readonly Piece[];
  /** A try has ended without anybody knowing how: it may be written. */
  isUnsure: boolean;
  /** Why it cannot be done, if that is so. */
  fault: { readonly cause: unknown } | undefined;
}

type Request = (
  batch: WriteBatchId,
  writes: readonly BatchedWrite[],
  isSuspect: boolean,
) => Promise<readonly unknown[]>;

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
 *   add ─▶ waiting ─▶ batches under way ─┬─ done ─▶ each hears its result
 *             ▲            ▲             └─ failed ─▶ nothing more is sent; when all that was is answered, and after a pause:
 *             │            ├──── nobody knows ─▶ the same batch again: the store knows it by its number
 *             └────────────┴──── certainly not done ─▶ back to where they waited, with all that came after
 * ```
 *
 * All that gathers in a turn is one request to the store; several may be under way. The store does none whose predecessor it has not done: so of a batch that is certainly not
 * done all later ones are not, either, whatever their answers. After a failure it is one at a time, until one is done.
 */
export class KeptWrites implements KeptState {
  /** Tries after the first, and writes that were refused, since the start. */
  retries = 0;
  refused = 0;
  readonly #request: Request;
  readonly #nowMs: () => number;
  readonly #writer: readonly [shard: number, since: number];
  readonly #waiting = new KeptQueue();
  readonly #waiters = new KeptWaiters();
  /** Without answers, the earliest first. */
  #underWay: Batch[] = [];
  /** Of which nobody knows whether they are written, the earliest first: they go before all that wait. */
  #unsure: Batch[] = [];
  /** That have failed since the way was closed. */
  #failed: Batch[] = [];
  /** Nothing is sent until all that was sent is answered. */
  #isClosed = false;
  #pause: NodeJS.Timeout | undefined;
  #isScheduled = false;
  #number = 0;
  #place = 0;
  #bytes = 0;
  #count = 0;
  /** Work under way, or to be tried again. */
  #works = 0;
  /** Tries in a row that have failed. */
  #failures = 0;
  /** The last that had come when something failed; 0 once it is done. */
  #behindUntil = 0;

  constructor(request: Request, nowMs: () => number, writer: readonly [shard: number, since: number]) {
    this.#request = request;
    this.#nowMs = nowMs;
    this.#writer = writer;
  }

  get count(): number {
    return this.#count + this.#works;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.count >= KEPT_MAX || this.#bytes >= KEPT_BYTES_MAX;
  }

  noteRefused(): void {
    this.refused++;
  }

  get isBusy(): boolean {
    return this.count >= KEPT_BUSY || this.#bytes >= KEPT_BYTES_BUSY;
  }

  get isBehind(): boolean {
    return this.#behindUntil > 0;
  }

  /** Whether writes fail, or take long. */
  get isStalled(): boolean {
    if (this.#failures > 0) return true;
    const oldest = this.#oldest;
    return oldest !== undefined && this.#nowMs() - oldest.sinceMs >= DELAYED_MS;
  }

  get calm(): Promise<void> {
    return this.#waiters.calm;
  }

  settled(): Promise<void> | undefined {
    this.flush(true);
    return this.#oldest === undefined ? undefined : this.#waiters.settled(this.#place);
  }

  onBehind(listener: (isBehind: boolean, cause: unknown) => void): () => void {
    return this.#waiters.onBehind(listener);
  }

  /** Whether another write of so many bytes would be kept. */
  hasRoom(bytes: number): boolean {
    return this.count < KEPT_MAX && this.#bytes + bytes <= KEPT_BYTES_MAX;
  }

  /**
   * Keeps a write until it is done. Resolves to its result once that is durable, or to undefined when it was settled otherwise; rejects only if the store cannot do
   * it however often it tries. Undefined: there is no room for it.
   */
  add(write: BatchedWrite, more: KeptWrite): Promise<unknown> | undefined {
    if (more.isLetIn !== true && !this.hasRoom(more.bytes)) {
      this.noteRefused();
      return undefined;
    }
    const kept = new Kept(write, more, ++this.#place, this.#nowMs());
    this.#waiting.push(kept);
    this.#count += kept.size;
    this.#bytes += kept.bytes;
    if (this.#failures > 0) kept.noteDelayed();
    this.#schedule();
    return kept.promise;
  }

  run(work: () => Promise<unknown>): Promise<void> | undefined {
    return this.runBehind([], work);
  }

  /** {@link run}, behind what `others` have, too. */
  runBehind(others: readonly KeptWrites[], work: () => Promise<unknown>): Promise<void> | undefined {
    if (this.isFull) {
      this.noteRefused();
      return undefined;
    }
    const all = [this, ...others];
    for (const kept of all) kept.flush(true);
    this.#works++;
    return keepTrying(all, work).finally(() => {
      this.#works--;
      this.#progressed();
    });
  }

  /** Sends what has gathered. `isUrgent`: whatever else is asked of the store now comes behind it, even if much is under way, unless writes are {@link isBehind}. */
  flush(isUrgent = false): void {
    while (!this.#isClosed) {
      if (this.#underWay.length >= this.#mostUnderWay(isUrgent)) return;
      const batch = this.#unsure.shift() ?? this.#next();
      if (batch === undefined) return;
      this.#send(batch);
    }
  }

  /** Tells the authors of writes that take long. Called every second or so. */
  expire(): void {
    const since = this.#nowMs() - DELAYED_MS;
    for (const batch of [...this.#underWay, ...this.#unsure, ...this.#failed]) noteDelayed(batch, since);
    this.#waiting.noteDelayed(since);
  }

  /** The store is there again: there is no need to wait any longer. */
  retryNow(): void {
    if (this.#pause === undefined) return;
    clearTimeout(this.#pause);
    this.#pauseOver();
  }

  /** Nothing is tried any more. */
  stop(): void {
    clearTimeout(this.#pause);
  }

  get #oldest(): Kept | undefined {
    // Those that failed came before those that are still under way, which came before the others.
    const batch = this.#failed[0] ?? this.#underWay[0] ?? this.#unsure[0];
    return batch?.pieces[0]?.kept ?? this.#waiting.first;
  }

  #mostUnderWay(isUrgent: boolean): number {
    if (this.#failures > 0 || this.#waiting.isSearching) return 1;
    return isUrgent ? KEPT_BATCHES_REMEMBERED : KEPT_BATCHES_MAX;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  #next(): Batch | undefined {
    const oldest = this.#underWay[0]?.id[2] ?? this.#number + 1;
    if (this.#number + 1 - oldest >= KEPT_BATCHES_REMEMBERED) return undefined;
    const pieces = this.#waiting.take();
    if (pieces.length === 0) return undefined;
    return { id: [...this.#writer, ++this.#number], pieces, isUnsure: false, fault: undefined };
  }

  #send(batch: Batch): void {
    this.#underWay.push(batch);
    const writes = batch.pieces.map(({ kept, from, to }) => kept.part(from, to));
    let answer: Promise<readonly unknown[]>;
    try {
      answer = this.#request(batch.id, writes, this.#waiting.isSearching);
    } catch (cause) {
      answer = Promise.reject(new StoreUnavailableError(String(cause), 'fault'));
    }
    answer.then(
      (results) => this.#done(batch, results),
      (cause: unknown) => this.#hasFailed(batch, cause),
    );
  }

  #done(batch: Batch, results: readonly unknown[]): void {
    this.#answered(batch);
    for (const [i, piece] of batch.pieces.entries()) {
      if (piece.kept.done(sizeOf(piece), results[i])) this.#forget(piece.kept);
    }
    if (!this.#isClosed) this.#failures = 0;
    this.#progressed();
    if (this.#isClosed) this.#reopen();
    else if (this.#waiting.first !== undefined || this.#unsure.length > 0) this.#schedule();
  }

  #hasFailed(batch: Batch, cause: unknown): void {
    this.#answered(batch);
    const failure: StoreFailure = cause instanceof StoreUnavailableError ? cause.failure : 'unsure';
    batch.isUnsure = failure === 'unsure' || (failure === 'undone' && batch.isUnsure);
    batch.fault = failure === 'fault' ? { cause } : undefined;
    this.#failed.push(batch);
    // Those that were sent behind one that cannot be done have failed because of it.
    if (!this.#isClosed && failure !== 'fault') this.#wait();
    this.#isClosed = true;
    if (this.#failures > 0) noteDelayed(batch, this.#nowMs());
    const isFirst = this.#behindUntil === 0;
    this.#behindUntil = this.#place;
    if (isFirst) this.#waiters.tellBehind(true, cause);
    this.#reopen();
  }

  #answered(batch: Batch): void {
    if (this.#underWay[0] === batch) this.#underWay.shift();
    else this.#underWay = this.#underWay.filter((other) => other !== batch);
  }

  #wait(): void {
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** this.#failures);
    this.#failures++;
    this.#waiting.noteDelayed(this.#nowMs());
    this.#pause = setTimeout(() => this.#pauseOver(), pauseMs);
    this.#pause.unref();
  }

  #pauseOver(): void {
    this.#pause = undefined;
    this.#reopen();
  }

  /** Sorts out what has failed, once all is answered and the pause is over. */
  #reopen(): void {
    if (this.#underWay.length > 0 || this.#pause !== undefined) return;
    const all = [...this.#failed, ...this.#unsure].sort((a, b) => a.id[2] - b.id[2]);
    const first = all.findIndex(({ isUnsure }) => !isUnsure);
    this.#failed = [];
    this.#unsure = first < 0 ? all : all.slice(0, first);
    if (first >= 0) this.#takeBack(all.slice(first));
    this.#isClosed = false;
    if (this.#failures > 0) {
      this.retries++;
      for (const kept of this.#waiting.takeSettled()) {
        this.#forget(kept);
        kept.settle();
      }
      if (this.#count === 0) this.#failures = 0;
    }
    this.#progressed();
    this.flush();
  }

  /** The first of these is certainly not done, and so neither are the others: what is in them waits again, but for what cannot be done. */
  #takeBack(batches: readonly Batch[]): void {
    const [{ id, pieces, fault }] = batches as [Batch];
    this.#number = id[2] - 1;
    const isAlone = pieces.length === 1 && sizeOf(pieces[0]!) <= 1;
    const lost = fault !== undefined && isAlone ? pieces[0] : undefined;
    this.#waiting.putBack(batches.flatMap((batch) => batch.pieces).filter((piece) => piece !== lost));
    if (fault === undefined) return;
    if (lost === undefined) {
      this.#waiting.search(pieces);
      return;
    }
    this.#waiting.endSearch();
    if (lost.kept.giveUp(lost.from, fault.cause)) this.#forget(lost.kept);
  }

  #forget({ size, bytes }: Kept): void {
    this.#count -= size;
    this.#bytes -= bytes;
  }

  /** Something is done, or need not be any more. */
  #progressed(): void {
    const oldest = this.#oldest?.place ?? Number.POSITIVE_INFINITY;
    if (this.#behindUntil > 0 && oldest > this.#behindUntil) {
      this.#behindUntil = 0;
      this.#waiters.tellBehind(false, undefined);
    }
    this.#waiters.progressed(oldest, this.count <= KEPT_BUSY / 2 && this.#bytes <= KEPT_BYTES_BUSY / 2);
  }
}

function noteDelayed({ pieces }: Batch, sinceMs: number): void {
  for (const { kept } of pieces) if (kept.sinceMs <= sinceMs) kept.noteDelayed();
}
