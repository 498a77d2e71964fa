import { KEPT_PER_BATCH_BYTES_MAX, KEPT_PER_BATCH_MAX } from '../limits.ts';
import { bytesOf, type Kept, type Piece, sizeOf } from './kept-write.ts';

/**
 * Writes that wait to be sent, in the order in which they came. While it is looked for one that cannot be done, those among which it is go in small parts: each failure halves
 * them, until it is alone.
 */
export class KeptQueue {
  #pieces: Piece[] = [];
  /** Most entries of a request while it is searched, and the place of the last write that may be it. */
  #most = 0;
  #until = 0;

  get first(): Kept | undefined {
    return this.#pieces[0]?.kept;
  }

  /** Whether it is looked for a write that cannot be done. */
  get isSearching(): boolean {
    return this.#most > 0;
  }

  push(kept: Kept): void {
    this.#pieces.push(kept.whole);
  }

  /** They come before all others again. */
  putBack(pieces: readonly Piece[]): void {
    this.#pieces = [...pieces, ...this.#pieces];
  }

  /** One of these, which are several entries, cannot be done. */
  search(pieces: readonly Piece[]): void {
    this.#most = Math.max(1, Math.ceil(pieces.reduce((sum, piece) => sum + sizeOf(piece), 0) / 2));
    this.#until = pieces.at(-1)!.kept.place;
  }

  endSearch(): void {
    this.#most = 0;
  }

  /** Takes what goes together in one request; empty if nothing waits. */
  take(): Piece[] {
    const first = this.first;
    if (first === undefined || first.place > this.#until) this.#most = 0;
    return this.isSearching ? this.#takeSuspects() : this.#takeMany();
  }

  #takeMany(): Piece[] {
    const pieces = this.#pieces;
    let count = 0;
    for (let entries = 0, bytes = 0; count < pieces.length; count++) {
      const piece = pieces[count]!;
      entries += sizeOf(piece);
      bytes += bytesOf(piece);
      if (count > 0 && (entries > KEPT_PER_BATCH_MAX || bytes > KEPT_PER_BATCH_BYTES_MAX)) break;
    }
    return pieces.splice(0, count);
  }

  #takeSuspects(): Piece[] {
    const taken: Piece[] = [];
    for (let room = this.#most; room > 0; ) {
      const piece = this.#pieces[0];
      if (piece === undefined || piece.kept.place > this.#until) break;
      const { kept, from, to } = piece;
      const middle = Math.min(to, from + room);
      taken.push({ kept, from, to: middle });
      room -= middle - from;
      if (middle === to) this.#pieces.shift();
      else this.#pieces[0] = { kept, from: middle, to };
    }
    return taken;
  }

  /** Takes out those that need not be written any more. */
  takeSettled(): Kept[] {
    const settled: Kept[] = [];
    this.#pieces = this.#pieces.filter(({ kept }) => {
      if (kept.isSettled === undefined || !kept.isSettled()) return true;
      settled.push(kept);
      return false;
    });
    return settled;
  }

  /** Tells the authors of those that have been here since before. */
  noteDelayed(sinceMs: number): void {
    for (const { kept } of this.#pieces) {
      if (kept.sinceMs > sinceMs) return;
      kept.noteDelayed();
    }
  }
}
