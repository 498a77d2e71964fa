/**
 * Where a turn's output is put together: a few large chunks, in which every connection that is written to has its piece.
 * At the end of the turn each piece leaves in one write (measured: half of a message's cost is its `write`).
 *
 * The memory is used again in the next turn, except for a chunk from which a write is still going on.
 */

const CHUNK_BYTES = 262_144;
/** First piece of a connection in a turn; more is taken in place if nothing was put behind it. */
const PIECE_BYTES = 1_024;

/** One connection's output of the present turn. */
export interface Piece {
  chunk: Buffer | undefined;
  start: number;
  end: number;
  limit: number;
  /** Earlier pieces of the same turn, when one was not enough. */
  before: Buffer[] | undefined;
}

export class OutputArena {
  #chunk: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #used = 0;
  #spare: Buffer | undefined;
  #isPinned = false;

  /** Makes room for `bytes` at `piece.end`. Writing goes to `piece.chunk`; then advance `piece.end`. */
  reserve(piece: Piece, bytes: number): void {
    if (piece.chunk !== undefined) {
      if (piece.limit - piece.end >= bytes) return;
      if (
        piece.chunk === this.#chunk &&
        piece.limit === this.#used &&
        this.#chunk.length - piece.end >= bytes
      ) {
        piece.limit = this.#used = Math.min(this.#chunk.length, piece.end + Math.max(bytes, PIECE_BYTES * 4));
        return;
      }
      piece.before ??= [];
      if (piece.end > piece.start) piece.before.push(piece.chunk.subarray(piece.start, piece.end));
    }
    const size = Math.max(bytes, PIECE_BYTES);
    if (this.#used + size > this.#chunk.length) this.#next(size);
    piece.chunk = this.#chunk;
    piece.start = piece.end = this.#used;
    this.#used += size;
    piece.limit = this.#used;
  }

  /** A write from the present turn's memory goes on after the turn: leave that memory alone. */
  pin(): void {
    this.#isPinned = true;
  }

  /** All pieces were written: the memory is free again, unless pinned. */
  reset(): void {
    if (this.#isPinned) {
      this.#isPinned = false;
      this.#chunk = this.#spare ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
      this.#spare = undefined;
    } else if (this.#chunk.length !== CHUNK_BYTES) this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#used = 0;
  }

  #next(bytes: number): void {
    // Pieces in the old chunk keep it alive until the turn's flush.
    if (bytes <= CHUNK_BYTES && this.#spare !== undefined) {
      this.#chunk = this.#spare;
      this.#spare = undefined;
    } else this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes));
    this.#used = 0;
  }
}
