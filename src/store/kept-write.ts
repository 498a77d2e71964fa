import type { BatchedWrite } from './operations/writes.ts';

/** What its author wants to know of a write. */
export interface KeptWrite {
  /** Bytes that it holds. */
  readonly bytes: number;
  /** Called once if it takes long: a try has failed, or it is not done after five seconds. */
  readonly delayed?: () => void;
  /** Called before each further try, while it certainly is not written: whether it need not be any more, because it has found another end. */
  readonly isSettled?: () => boolean;
  /**
   * Its first argument is a list, of which each entry may as well be written alone; each counts as one write. If one of them cannot be done it is given up, and this is called; the
   * others are written. The results of parts that are lists are put together.
   */
  readonly lost?: (entry: unknown, cause: unknown) => void;
  /** Its entries were let in while there was room: it is kept even if there is none now. */
  readonly isLetIn?: boolean;
}

/** A write that is kept, or some entries of its list. */
export interface Piece {
  readonly kept: Kept;
  readonly from: number;
  readonly to: number;
}

/** A write that is kept until it is done. */
export class Kept {
  /** Its place in the order in which they came. */
  readonly place: number;
  readonly sinceMs: number;
  readonly bytes: number;
  /** Entries of its list; 1 if it has none. */
  readonly size: number;
  readonly isSettled: (() => boolean) | undefined;
  /** Resolves to its result; rejects if it cannot be done. */
  readonly promise: Promise<unknown>;
  readonly #write: BatchedWrite;
  readonly #lost: KeptWrite['lost'];
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (cause: unknown) => void;
  #delayed: (() => void) | undefined;
  #left: number;
  #result: unknown;

  constructor(
    write: BatchedWrite,
    { bytes, delayed, isSettled, lost }: KeptWrite,
    place: number,
    nowMs: number,
  ) {
    this.#write = write;
    this.place = place;
    this.sinceMs = nowMs;
    this.bytes = bytes;
    this.size = lost === undefined ? 1 : (write[1][0] as readonly unknown[]).length;
    this.isSettled = isSettled;
    this.#delayed = delayed;
    this.#lost = lost;
    this.#left = this.size;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get whole(): Piece {
    return { kept: this, from: 0, to: this.size };
  }

  /** What is asked of the store for entries of it. */
  part(from: number, to: number): BatchedWrite {
    if (to - from === this.size) return this.#write;
    const [operation, [list, ...others]] = this.#write;
    return [operation, [(list as readonly unknown[]).slice(from, to), ...others]];
  }

  /** So many entries of it are written. Returns whether it is all of them. */
  done(count: number, result: unknown): boolean {
    const former = this.#result;
    this.#result = Array.isArray(former) && Array.isArray(result) ? [...former, ...result] : result;
    return this.#finish(count);
  }

  /** One entry of it cannot be done. Returns whether none is left. */
  giveUp(at: number, cause: unknown): boolean {
    if (this.#lost === undefined) {
      this.#reject(cause);
      return true;
    }
    this.#lost((this.#write[1][0] as readonly unknown[])[at], cause);
    return this.#finish(1);
  }

  /** It need not be written. */
  settle(): void {
    this.#resolve(undefined);
  }

  /** Tells its author, once, that it takes long. */
  noteDelayed(): void {
    const delayed = this.#delayed;
    this.#delayed = undefined;
    delayed?.();
  }

  #finish(count: number): boolean {
    this.#left -= count;
    if (this.#left > 0) return false;
    this.#resolve(this.#result);
    return true;
  }
}

/** Entries of a piece, and about how many bytes they hold. */
export function sizeOf({ from, to }: Piece): number {
  return to - from;
}

export function bytesOf({ kept, from, to }: Piece): number {
  return to - from === kept.size ? kept.bytes : (kept.bytes * (to - from)) / kept.size;
}
