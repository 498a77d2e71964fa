/** What a {@link LatestQueue} is made with. */
export interface LatestQueueOptions<T> {
  /** Pieces of work that are done beside each other. */
  readonly activeMax: number;
  /** Pieces that wait, and what they take together; of more the oldest are dropped. */
  readonly waitingMax: number;
  readonly bytesMax: number;
  /** Does one. Whatever it rejects with is its own matter: it should catch it. */
  work(item: T): Promise<unknown>;
  /** So many were dropped. */
  dropped(count: number): void;
}

/** Pieces taken from the front before the array is made shorter. */
const SHIFT_AT = 256;

interface Waiting<T> {
  readonly item: T;
  readonly bytes: number;
}

/** Work for somebody who may be slow or gone: it waits in order, within limits, and what is new is worth more than what is old. Nobody waits for it. */
export class LatestQueue<T> {
  readonly #options: LatestQueueOptions<T>;
  /** In order, from `#first` on. */
  #waiting: Waiting<T>[] = [];
  #first = 0;
  #bytes = 0;
  #active = 0;
  #isClosed = false;

  constructor(options: LatestQueueOptions<T>) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length - this.#first;
  }

  get active(): number {
    return this.#active;
  }

  /** Adds a piece of work that takes about so many bytes of memory while it waits. */
  push(item: T, bytes: number): void {
    if (this.#isClosed) {
      this.#options.dropped(1);
      return;
    }
    this.#waiting.push({ item, bytes });
    this.#bytes += bytes;
    this.#start();
    this.#bound();
  }

  /** What waits is dropped, and no more is begun. */
  close(): void {
    this.#isClosed = true;
    if (this.waiting > 0) this.#options.dropped(this.waiting);
    this.#waiting = [];
    this.#first = 0;
    this.#bytes = 0;
  }

  #bound(): void {
    const { waitingMax, bytesMax, dropped } = this.#options;
    let count = 0;
    while (this.waiting > waitingMax || (this.#bytes > bytesMax && this.waiting > 0)) {
      this.#take();
      count++;
    }
    if (count > 0) dropped(count);
  }

  #start(): void {
    while (this.#active < this.#options.activeMax && this.waiting > 0) void this.#run(this.#take());
  }

  #take(): T {
    const { item, bytes } = this.#waiting[this.#first++]!;
    this.#bytes -= bytes;
    if (this.#first >= SHIFT_AT || this.#first === this.#waiting.length) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
    }
    return item;
  }

  async #run(item: T): Promise<void> {
    this.#active++;
    try {
      await this.#options.work(item);
    } catch {
      // It was the work's own matter.
    } finally {
      this.#active--;
      this.#start();
    }
  }
}
