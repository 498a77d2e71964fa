import { performance } from 'node:perf_hooks';
import { decodeFrame, encodeFrame } from '../frame/codec.ts';
import { FrameKind } from '../frame/kinds.ts';
import { Counter } from '../memory/counters.ts';
import { failureOf, OutOfOrderError, type StoreFailure } from './failure.ts';
import { READ_ONLY, RUN_LATE, type StoreDriver, type StoreOperation } from './operations.ts';

/** A request that has been run and waits for its commit. */
interface Done {
  readonly thread: number;
  readonly id: number;
  readonly isWrite: boolean;
  readonly error: string | undefined;
  /** Of one that failed a {@link StoreFailure}. */
  readonly value: unknown;
  /** Of a read that ran in the open transaction, and so may have seen what is not written in the end. */
  readonly again: Again | undefined;
}

/** What to run once more. */
interface Again {
  readonly operation: StoreOperation;
  readonly args: never;
}

/** What the server needs from its thread. */
export interface StoreHost {
  readonly counters: Float64Array;
  /** The clock that deadlines are on (`util/monotonic.ts`). */
  nowMs(): number;
  /** Sends an answer; false if it cannot be sent. */
  reply(thread: number, bytes: Buffer): boolean;
  failed(operation: string, cause: unknown): void;
}

/** Requests in one transaction: under load the commit is what costs. */
const BATCH_MAX = 1_024;
/** Between two tries whether writes still fail. */
const PROBE_MS = 2_000;

/**
 * The store thread's work: requests of all shards are run in the order they came, many in one transaction, and answered after its commit.
 * Under load the batches grow by themselves, because requests gather while the disk is busy.
 */
export class StoreServer {
  readonly #driver: StoreDriver;
  readonly #host: StoreHost;
  #batch: Done[] = [];
  #isOpen = false;
  /** Why no transaction could be opened; it is not tried again in the same batch. */
  #refusal: Error | undefined;
  /** On the clock of `nowMs`. */
  #nextProbeMs = 0;

  constructor(driver: StoreDriver, host: StoreHost) {
    this.#driver = driver;
    this.#host = host;
  }

  /** Runs one request. Its answer follows with the next {@link commit}. */
  handle(thread: number, bytes: Buffer, start: number, end: number): void {
    const frame = decodeFrame(bytes, start, end);
    if (frame.kind !== FrameKind.STORE_REQUEST) return;
    const { id } = frame;
    const operation = frame.operation as StoreOperation;
    const isWrite = !READ_ONLY.has(operation);
    this.#host.counters[Counter.store_requests]!++;
    // Whoever asked has been told that it failed. That must stay true.
    if (frame.deadlineMs <= this.#host.nowMs() && !RUN_LATE.has(operation)) {
      this.#batch.push(this.#failure(thread, id, isWrite, operation, 'undone', new Error('too late')));
    } else {
      let hasBegun = !isWrite;
      try {
        if (isWrite) this.#open();
        hasBegun = true;
        const args = frame.args as never;
        const value = this.#driver.run(operation, args);
        const again = this.#isOpen && !isWrite ? { operation, args } : undefined;
        this.#batch.push({ thread, id, isWrite, error: undefined, value, again });
      } catch (cause) {
        const failure = hasBegun ? failureOf(cause) : 'undone';
        this.#batch.push(this.#failure(thread, id, isWrite, operation, failure, cause));
        if (this.#isOpen && !this.#driver.isOpen) this.#undone(cause);
      }
    }
    if (this.#batch.length >= BATCH_MAX) this.commit();
  }

  /** Ends the batch: commits what was written, then answers. */
  commit(): void {
    const batch = this.#batch;
    this.#refusal = undefined;
    if (batch.length === 0) return;
    let error: string | undefined;
    if (this.#isOpen) {
      this.#isOpen = false;
      const from = performance.now();
      try {
        this.#driver.commit();
        this.#host.counters[Counter.store_writes_failing] = 0;
      } catch (cause) {
        error = messageOf(cause);
        this.#host.counters[Counter.store_writes_failing] = 1;
        this.#host.failed('commit', cause);
      }
      this.#measure(performance.now() - from);
    }
    this.#answer(error);
  }

  /** Whether writes fail: the disk is full or broken, or somebody else has the database. */
  get isFailing(): boolean {
    return this.#host.counters[Counter.store_writes_failing] !== 0;
  }

  /** Called a few times a second, between batches. While writes fail it tries now and then whether they still do, also if nobody writes. */
  probe(): void {
    if (!this.isFailing || this.#isOpen || this.#host.nowMs() < this.#nextProbeMs) return;
    this.#nextProbeMs = this.#host.nowMs() + PROBE_MS;
    const driver = this.#driver;
    try {
      driver.begin();
      driver.run('write_probe', []);
      driver.commit();
      this.#host.counters[Counter.store_writes_failing] = 0;
    } catch {
      // An open transaction has nothing in it that counts.
      if (driver.isOpen) this.#end();
    }
  }

  #end(): void {
    try {
      this.#driver.commit();
    } catch (cause) {
      this.#host.failed('commit', cause);
    }
  }

  /** Requests that have come so far. */
  get requests(): number {
    return this.#host.counters[Counter.store_requests]!;
  }

  /** Whether there is work that may wait until nobody asks for anything. */
  get hasWork(): boolean {
    return this.#driver.hasWork === true;
  }

  /** Does some of the work that may wait. Whether there is more of it. If it fails, it is left for another time. */
  rest(): boolean {
    this.commit();
    try {
      if (this.hasWork) this.#driver.work?.();
      return this.hasWork;
    } catch (cause) {
      this.#host.failed('work', cause);
      return false;
    }
  }

  #open(): void {
    if (this.#isOpen) return;
    if (this.#refusal !== undefined) throw this.#refusal;
    try {
      this.#driver.begin();
      this.#isOpen = true;
    } catch (cause) {
      this.#refusal = new Error(messageOf(cause), { cause });
      throw cause;
    }
  }

  /** An error has undone the whole transaction (a full disk does): nothing of the batch is written. What follows begins anew. */
  #undone(cause: unknown): void {
    this.#isOpen = false;
    this.#answer(messageOf(cause));
  }

  /** Answers the batch. `error`: its writes have failed, and nothing of them is there. */
  #answer(error: string | undefined): void {
    const batch = this.#batch;
    this.#batch = [];
    for (const done of batch) {
      if (error === undefined || !done.isWrite || done.error !== undefined) {
        if (done.isWrite && done.error === undefined) this.#host.counters[Counter.store_rows_written]!++;
        this.#send(error === undefined || done.error !== undefined ? done : this.#readAgain(done));
      } else {
        this.#host.counters[Counter.store_failed]!++;
        this.#send({ ...done, error, value: 'undone' satisfies StoreFailure });
      }
    }
  }

  /** What a read says after the writes that it saw were undone. */
  #readAgain(done: Done): Done {
    const { thread, id, again } = done;
    if (again === undefined) return done;
    try {
      return { ...done, value: this.#driver.run(again.operation, again.args) };
    } catch (cause) {
      return this.#failure(thread, id, false, again.operation, failureOf(cause), cause);
    }
  }

  #failure(
    thread: number,
    id: number,
    isWrite: boolean,
    operation: string,
    failure: StoreFailure,
    cause: unknown,
  ): Done {
    const error = messageOf(cause);
    // It is the other one that has failed.
    if (cause instanceof OutOfOrderError)
      return { thread, id, isWrite, error, value: failure, again: undefined };
    this.#host.counters[Counter.store_failed]!++;
    this.#host.failed(operation, cause);
    if (isWrite && failure === 'undone') this.#host.counters[Counter.store_writes_failing] = 1;
    return { thread, id, isWrite, error, value: failure, again: undefined };
  }

  #send({ thread, id, error, value }: Done): void {
    const isSent = this.#host.reply(thread, encodeFrame({ kind: FrameKind.STORE_REPLY, id, error, value }));
    if (isSent || error !== undefined) return;
    // Too large, or too much waits for that shard already. It should not have to wait for its deadline to learn that.
    const failure = 'the answer could not be sent';
    this.#host.counters[Counter.store_failed]!++;
    const unsure: StoreFailure = 'unsure';
    const reply = { kind: FrameKind.STORE_REPLY, id, error: failure, value: unsure } as const;
    this.#host.reply(thread, encodeFrame(reply));
  }

  #measure(ms: number): void {
    const { counters } = this.#host;
    const us = ms * 1000;
    counters[Counter.store_commits]!++;
    counters[Counter.store_commit_us_total]! += us;
    if (us > counters[Counter.store_commit_us_max]!) counters[Counter.store_commit_us_max] = us;
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
