/** Failures in a row after which nobody is asked for a while. */
const FAILURES_MAX = 5;
/** How long, the first time and at most: it doubles as long as the attempt after it fails, too. */
const REST_MS_MIN = 1_000;
const REST_MS_MAX = 30_000;

export interface CircuitOptions {
  readonly nowMs: () => number;
  /** Told when nobody is asked any more, and when all is well again. */
  readonly onChange: (isOpen: boolean) => void;
}

/**
 * Spares a counterpart that is gone, and those who would wait for it:
 *
 * ```
 * closed ──5 failures in a row──▶ open ──after a rest──▶ one attempt ──success──▶ closed
 *                                  ▲                          │
 *                                  └────failure, longer rest──┘
 * ```
 */
export class Circuit {
  readonly #options: CircuitOptions;
  #failures = 0;
  #restMs = REST_MS_MIN;
  #openUntilMs: number | undefined = undefined;
  #isTrying = false;

  constructor(options: CircuitOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#openUntilMs !== undefined;
  }

  /** Whether the counterpart may be asked now. Whoever is told so tells how it went. */
  tryEnter(): boolean {
    if (this.#openUntilMs === undefined) return true;
    if (this.#isTrying || this.#options.nowMs() < this.#openUntilMs) return false;
    this.#isTrying = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#restMs = REST_MS_MIN;
    this.#isTrying = false;
    if (this.#openUntilMs === undefined) return;
    this.#openUntilMs = undefined;
    this.#options.onChange(false);
  }

  failed(): void {
    this.#failures++;
    const wasTrying = this.#isTrying;
    this.#isTrying = false;
    if (this.#openUntilMs === undefined) {
      if (this.#failures < FAILURES_MAX) return;
      this.#openUntilMs = this.#options.nowMs() + this.#restMs;
      this.#options.onChange(true);
    } else if (wasTrying) {
      this.#restMs = Math.min(this.#restMs * 2, REST_MS_MAX);
      this.#openUntilMs = this.#options.nowMs() + this.#restMs;
    }
  }

  /** Nothing was learned about the counterpart. */
  gaveUp(): void {
    this.#isTrying = false;
  }
}
