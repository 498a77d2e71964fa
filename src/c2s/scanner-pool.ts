import { Scanner } from '../xml/scanner.ts';

/** Scanners kept for later; more are made and forgotten as needed. */
const SPARE_MAX = 64;
/** A scanner whose tables grew beyond this is not kept. */
const TOKEN_WORDS_KEPT = 16_384;

/**
 * Scanners for a thread's connections. One that is between two elements belongs to nobody; a connection keeps one only while an element is
 * unfinished.
 */
export class ScannerPool {
  /** The scanner that every read starts with. */
  hot = new Scanner();
  readonly #spare: Scanner[] = [];

  /** Hands the hot scanner over to a connection; another takes its place. */
  takeHot(): Scanner {
    const taken = this.hot;
    this.hot = this.#spare.pop() ?? new Scanner();
    return taken;
  }

  /** Takes a scanner back. */
  give(scanner: Scanner): void {
    // Its connection may have ended inside an element.
    scanner.reset();
    if (this.#spare.length < SPARE_MAX && scanner.tokens.length <= TOKEN_WORDS_KEPT)
      this.#spare.push(scanner);
  }
}
