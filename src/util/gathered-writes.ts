/** What {@link GatheredWrites} needs of its owner. */
export interface GatheredWritesHost<Entry, Result> {
  /**
   * Asks for one write of all these entries. Requests that are made one after another arrive in that order. Rejects when it was not done, or nobody knows. `number` counts the
   * requests from 1; what is tried again has the number that it had.
   */
  send(number: number, entries: readonly Entry[]): Promise<Result>;
  /** Calls back at the end of the present turn, before what it led to leaves. */
  atTurnEnd(callback: () => void): void;
  /** Entries are stored. */
  stored(result: Result): void;
  /** A request has failed; it is tried again. `waiting`: how many entries wait now. */
  failed(cause: unknown, waiting: number): void;
}

/** Entries that go together. */
interface Batch<Entry> {
  readonly number: number;
  readonly entries: Entry[];
  bytes: number;
  isUnderWay: boolean;
  readonly stored: Promise<void>;
  readonly resolve: () => void;
}

/** Most entries, and bytes, of one request. */
const BATCH_MAX = 500;
const BATCH_BYTES_MAX = 1_048_576;
/** What may wait for a store that is slow or gone, in one queue. */
export const WAITING_MAX = 20_000;
export const WAITING_BYTES_MAX = 16_777_216;
/** After a failure the next try waits so long, and twice as long after each further one, up to a limit. */
const RETRY_MS = 100;
const RETRY_MS_MAX = 2_000;

/**
 * Writes that are gathered: all of a turn of the loop, or of `delayMs`, become one request. Requests follow one another without waiting for answers; when one fails, it
 * and all after it are sent again in their order, until they are stored.
 *
 * It does not end with the module that began it: what was gathered is stored, whatever becomes of the module.
 */
export class GatheredWrites<Entry, Result = unknown> {
  readonly #host: GatheredWritesHost<Entry, Result>;
  readonly #delayMs: number;
  /** Requests that are not answered, the oldest first; the last one may still be gathered. */
  #batches: Batch<Entry>[] = [];
  #gathering: Batch<Entry> | undefined;
  #number = 0;
  #count = 0;
  #bytes = 0;
  #failures = 0;
  #pause: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `delayMs`: for how long entries are gathered; 0: in each turn. */
  constructor(host: GatheredWritesHost<Entry, Result>, delayMs: number) {
    this.#host = host;
    this.#delayMs = delayMs;
  }

  /** Entries that are not stored yet. */
  get waiting(): number {
    return this.#count;
  }

  /** No more should be added. */
  get isFull(): boolean {
    return this.#count >= WAITING_MAX || this.#bytes >= WAITING_BYTES_MAX;
  }

  /** So much waits that whoever adds more should be held up. */
  get isBusy(): boolean {
    return this.#count >= WAITING_MAX / 2 || this.#bytes >= WAITING_BYTES_MAX / 2;
  }

  /** What is being gathered: entries of it may still be changed, see {@link grew}. */
  get gathering(): readonly Entry[] | undefined {
    return this.#gathering?.entries;
  }

  /** Adds an entry that holds so many bytes. The promise, which never rejects, is the same for all that go together: it resolves when they are stored. */
  add(entry: Entry, bytes: number): Promise<void> {
    const open = this.#gathering;
    if (open !== undefined && (open.entries.length >= BATCH_MAX || open.bytes + bytes > BATCH_BYTES_MAX)) {
      this.flush();
    }
    const batch = this.#gathering ?? this.#open();
    batch.entries.push(entry);
    this.#count++;
    return this.grew(bytes);
  }

  /** The last entries of what is being gathered hold so many bytes more. */
  grew(bytes: number): Promise<void> {
    const batch = this.#gathering!;
    batch.bytes += bytes;
    this.#bytes += bytes;
    return batch.stored;
  }

  /** Sends what was gathered so far. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#gathering;
    if (batch === undefined) return;
    this.#gathering = undefined;
    if (this.#pause === undefined && this.#failures === 0) this.#send(batch);
  }

  /** Resolves when all that was added so far is stored; undefined if it is. */
  settled(): Promise<void> | undefined {
    this.flush();
    return this.#batches.at(-1)?.stored;
  }

  #open(): Batch<Entry> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const batch: Batch<Entry> = {
      number: ++this.#number,
      entries: [],
      bytes: 0,
      isUnderWay: false,
      stored: promise,
      resolve,
    };
    this.#gathering = batch;
    this.#batches.push(batch);
    if (this.#delayMs === 0) this.#host.atTurnEnd(() => this.flush());
    else {
      this.#timer = setTimeout(() => this.flush(), this.#delayMs);
      this.#timer.unref();
    }
    return batch;
  }

  #send(batch: Batch<Entry>): void {
    batch.isUnderWay = true;
    this.#host.send(batch.number, batch.entries).then(
      (result) => this.#done(batch, result),
      (cause: unknown) => this.#failed(batch, cause),
    );
  }

  #done(batch: Batch<Entry>, result: Result): void {
    this.#batches = this.#batches.filter((one) => one !== batch);
    this.#count -= batch.entries.length;
    this.#bytes -= batch.bytes;
    batch.resolve();
    this.#host.stored(result);
    if (this.#failures > 0) this.#goOn(0);
  }

  #failed(batch: Batch<Entry>, cause: unknown): void {
    batch.isUnderWay = false;
    const pauseMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.max(0, this.#failures - 1));
    if (this.#failures === 0) this.#failures = 1;
    if (this.#goOn(pauseMs)) this.#host.failed(cause, this.#count);
  }

  /** After a failure: once none is under way any more, those that are left are sent again, in their order. Returns whether that is going to happen. */
  #goOn(pauseMs: number): boolean {
    if (this.#pause !== undefined || this.#batches.some((batch) => batch.isUnderWay)) return false;
    if (this.#batches.every((batch) => batch === this.#gathering)) {
      this.#failures = 0;
      return false;
    }
    this.#pause = setTimeout(() => this.#again(), pauseMs);
    this.#pause.unref();
    return true;
  }

  #again(): void {
    this.#pause = undefined;
    this.#failures++;
    for (const batch of this.#batches) if (batch !== this.#gathering) this.#send(batch);
  }
}
