import { performance } from 'node:perf_hooks';
import { decodeFrame, encodeFrame } from '../frame/codec.ts';
import { FrameKind } from '../frame/kinds.ts';
import { Counter } from '../memory/counters.ts';
import { READ_ONLY, type StoreDriver, type StoreOperation } from './operations.ts';

/** A request that has been run and waits for its commit. */
interface Done {
  readonly thread: number;
  readonly id: number;
  readonly error: string | undefined;
  readonly value: unknown;
}

/** Writes in one transaction; more only add latency. */
const BATCH_MAX = 256;

/**
 * The store thread's work: requests of all shards are run in the order they came, many in one transaction, and answered after its commit.
 * Under load the batches grow by themselves, because requests gather while the disk is busy.
 */
export class StoreServer {
  readonly #driver: StoreDriver;
  readonly #reply: (thread: number, bytes: Buffer) => void;
  readonly #counters: Float64Array;
  readonly #failed: (operation: string, cause: unknown) => void;
  #batch: Done[] = [];
  #isOpen = false;

  constructor(
    driver: StoreDriver,
    counters: Float64Array,
    reply: (thread: number, bytes: Buffer) => void,
    failed: (operation: string, cause: unknown) => void,
  ) {
    this.#driver = driver;
    this.#counters = counters;
    this.#reply = reply;
    this.#failed = failed;
  }

  /** Runs one request. Its answer follows with the next {@link commit}. */
  handle(thread: number, bytes: Buffer, start: number, end: number): void {
    const frame = decodeFrame(bytes, start, end);
    if (frame.kind !== FrameKind.STORE_REQUEST) return;
    const { id } = frame;
    const operation = frame.operation as StoreOperation;
    this.#counters[Counter.store_requests]!++;
    try {
      if (!READ_ONLY.has(operation) && operation !== 'backup' && !this.#isOpen) {
        this.#driver.begin();
        this.#isOpen = true;
      }
      const value = this.#driver.run(operation, frame.args as never);
      if (value instanceof Promise) this.#answerLater(thread, id, operation, value);
      else this.#batch.push({ thread, id, error: undefined, value });
    } catch (cause) {
      this.#counters[Counter.store_failed]!++;
      this.#failed(operation, cause);
      this.#batch.push({ thread, id, error: messageOf(cause), value: null });
    }
    if (this.#batch.length >= BATCH_MAX) this.commit();
  }

  /** Ends the batch: commits what was written, then answers. */
  commit(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    let error: string | undefined;
    if (this.#isOpen) {
      this.#isOpen = false;
      const from = performance.now();
      try {
        this.#driver.commit();
      } catch (cause) {
        error = messageOf(cause);
        this.#counters[Counter.store_failed]! += batch.length;
        this.#failed('commit', cause);
      }
      this.#measure(performance.now() - from, batch.length);
    }
    for (const done of batch) this.#send(error === undefined ? done : { ...done, error, value: null });
  }

  #answerLater(thread: number, id: number, operation: string, value: Promise<unknown>): void {
    value.then(
      (result) => this.#send({ thread, id, error: undefined, value: result }),
      (cause: unknown) => {
        this.#failed(operation, cause);
        this.#send({ thread, id, error: messageOf(cause), value: null });
      },
    );
  }

  #send({ thread, id, error, value }: Done): void {
    this.#reply(thread, encodeFrame({ kind: FrameKind.STORE_REPLY, id, error, value }));
  }

  #measure(ms: number, rows: number): void {
    const us = ms * 1000;
    this.#counters[Counter.store_commits]!++;
    this.#counters[Counter.store_commit_us_total]! += us;
    this.#counters[Counter.store_rows_written]! += rows;
    if (us > this.#counters[Counter.store_commit_us_max]!) this.#counters[Counter.store_commit_us_max] = us;
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
