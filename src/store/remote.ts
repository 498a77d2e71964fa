import { encodeFrame } from '../frame/codec.ts';
import { FrameKind, type StoreReplyFrame } from '../frame/kinds.ts';
import { STORE_PENDING_BUSY, STORE_PENDING_MAX, STORE_TIMEOUT_MS } from '../limits.ts';
import { type StoreFailure, StoreUnavailableError } from './failure.ts';
import type { KeptState } from './kept-state.ts';
import type { KeptWrite } from './kept-write.ts';
import { KeptWrites } from './kept-writes.ts';
import type { StoreArgs, StoreOperation, StoreResult } from './operations.ts';
import type { Store } from './store.ts';

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (cause: Error) => void;
  /** On the clock of `nowMs`. */
  readonly deadlineMs: number;
}

/**
 * The shard's side of the store: requests go out as frames, answers come back as frames. Every request is answered: by the store, by
 * its deadline, or by the news that the store thread is gone.
 */
export class RemoteStore implements Store {
  readonly #send: (bytes: Buffer) => boolean;
  readonly #nowMs: () => number;
  readonly #pending = new Map<number, Pending>();
  readonly #withheld: (operation: StoreOperation) => Promise<never> | undefined;
  /** Writes that are tried until they are done. */
  readonly kept: KeptWrites;
  #nextId = 1;
  #isDown = false;

  /**
   * `send` hands a frame to the store thread; false when it cannot. `nowMs` is a clock that both threads share. `withheld` may keep a request from being made: what it returns is the
   * answer then. `writer`: the shard, and since when it lives (microseconds).
   */
  constructor(
    send: (bytes: Buffer) => boolean,
    nowMs: () => number,
    withheld: (operation: StoreOperation) => Promise<never> | undefined = () => undefined,
    writer: readonly [shard: number, since: number] = [0, 0],
  ) {
    this.kept = new KeptWrites((...args) => this.#ask('write_all', ...args), nowMs, writer);
    this.#send = send;
    this.#nowMs = nowMs;
    this.#withheld = withheld;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  get isBusy(): boolean {
    return this.#pending.size >= STORE_PENDING_BUSY || this.kept.isBusy;
  }

  /** Whether the store thread is known to be gone. */
  get isDown(): boolean {
    return this.#isDown;
  }

  request<O extends StoreOperation>(operation: O, ...args: StoreArgs<O>): Promise<StoreResult<O>> {
    const withheld = this.#withheld(operation);
    if (withheld !== undefined) return withheld;
    // What was asked to be written before comes before.
    this.kept.flush(true);
    return this.#ask(operation, ...args);
  }

  #ask<O extends StoreOperation>(operation: O, ...args: StoreArgs<O>): Promise<StoreResult<O>> {
    if (this.#isDown) return refused('the store is being restarted');
    if (this.#pending.size >= STORE_PENDING_MAX) return refused('too many requests wait for the store');
    const id = this.#nextId++;
    const deadlineMs = this.#nowMs() + STORE_TIMEOUT_MS;
    const bytes = encodeFrame({ kind: FrameKind.STORE_REQUEST, id, operation, args, deadlineMs });
    if (!this.#send(bytes)) return refused('the way to the store is full');
    return new Promise((resolve, reject) => {
      this.#pending.set(id, {
        resolve: resolve as (value: unknown) => void,
        reject,
        deadlineMs,
      });
    });
  }

  write<O extends StoreOperation>(
    operation: O,
    args: StoreArgs<O>,
    kept: KeptWrite,
  ): Promise<StoreResult<O> | undefined> | undefined {
    // What was let in before is no part of what is being explained.
    const withheld = kept.isLetIn === true ? undefined : this.#withheld(operation);
    if (withheld !== undefined) return withheld;
    return this.kept.add([operation, args], kept) as Promise<StoreResult<O> | undefined> | undefined;
  }

  keptFor(): KeptState {
    return this.kept;
  }

  /** An answer has come. */
  answered(frame: StoreReplyFrame): void {
    const pending = this.#pending.get(frame.id);
    if (pending === undefined) return;
    this.#pending.delete(frame.id);
    if (frame.error === undefined) pending.resolve(frame.value);
    else pending.reject(new StoreUnavailableError(frame.error, frame.value as StoreFailure));
  }

  /** Fails requests whose time is over. They are in order of age. Called about once a second. */
  expire(): void {
    this.kept.expire();
    const now = this.#nowMs();
    for (const [id, pending] of this.#pending) {
      if (pending.deadlineMs > now) return;
      this.#pending.delete(id);
      pending.reject(new StoreUnavailableError(`no answer within ${STORE_TIMEOUT_MS} ms`));
    }
  }

  /** The store thread is gone: whatever it had not answered has failed. */
  down(): void {
    this.#isDown = true;
    const failed = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of failed) pending.reject(new StoreUnavailableError('the store thread died'));
  }

  /** The store thread is there (again). */
  up(): void {
    this.#isDown = false;
    this.kept.retryNow();
  }
}

/** The request was not made. */
function refused(why: string): Promise<never> {
  return Promise.reject(new StoreUnavailableError(why, 'undone'));
}
