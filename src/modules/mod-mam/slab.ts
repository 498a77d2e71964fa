import type { Stanza } from '../module.ts';

const SLAB_BYTES = 262_144;
/** Longer messages have buffers of their own. */
const SHARED_MAX = 8_192;

/**
 * Memory for messages on their way to the store: many in one piece, because a buffer of its own for each, or the small pieces of Node's pool, cost more than the
 * messages do. They come and go together, so that a piece is soon free.
 */
export class Slab {
  #buffer: Buffer = EMPTY;
  #used = 0;

  /** The message without its addresses, in bytes of its own. */
  write(message: Stanza): Buffer {
    const stanza = message.unstamped;
    const size = stanza.sizeMax('', '');
    if (size > SHARED_MAX) return stanza.toBuffer('', '');
    if (this.#used + size > this.#buffer.length) {
      this.#buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used = stanza.write(this.#buffer, start, '', '');
    return this.#buffer.subarray(start, this.#used);
  }
}

const EMPTY = Buffer.alloc(0);
