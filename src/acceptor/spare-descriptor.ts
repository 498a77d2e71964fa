import { closeSync, openSync } from 'node:fs';

/**
 * One descriptor held in reserve. When none is left for `accept`, it is given up for a moment, so that waiting connections can be taken and
 * closed instead of staying in the backlog for ever (threat T19).
 */
export class SpareDescriptor {
  #fd: number | undefined;

  constructor() {
    this.take();
  }

  /** Takes (back) the descriptor; silently not, while there is none. */
  take(): void {
    if (this.#fd !== undefined) return;
    try {
      this.#fd = openSync('/dev/null', 'r');
    } catch {
      // None left: the next connection that ends makes room.
    }
  }

  giveUp(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}
