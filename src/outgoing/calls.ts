import { monotonicMs } from '../util/monotonic.ts';
import { Circuit } from './circuit.ts';
import { OutgoingError } from './errors.ts';

/** How a pool logs that its counterpart went, or came back. */
export interface PoolLog {
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
}

export interface CallsOptions {
  /** Of the pool, for logs and errors: `http.auth`. */
  readonly name: string;
  /** Calls that run at once. */
  readonly activeMax: number;
  /** Calls that wait for one of those to end. */
  readonly waitingMax: number;
  /** From asking to the answer, waiting included. */
  readonly timeoutMs: number;
  readonly log: PoolLog;
  readonly nowMs?: () => number;
}

/** Does the work of a call; gives up when the signal says so. */
export type Call<T> = (signal: AbortSignal) => Promise<T>;

interface Waiting {
  start(): void;
  fail(error: OutgoingError): void;
}

/**
 * The calls of one pool: few at once, not too many waiting, none for long, and none at all while the counterpart is gone. What is refused
 * rejects at once with {@link OutgoingError}.
 */
export class Calls {
  readonly #options: CallsOptions;
  readonly #circuit: Circuit;
  readonly #waiting = new Set<Waiting>();
  readonly #aborts = new Set<AbortController>();
  #active = 0;
  #isClosed = false;

  constructor(options: CallsOptions) {
    this.#options = options;
    this.#circuit = new Circuit({
      nowMs: options.nowMs ?? monotonicMs,
      onChange: (isOpen) => this.#changed(isOpen),
    });
  }

  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Runs a call when its turn comes. An {@link OutgoingError} of the call counts against the counterpart, any other error does not: then it
   * answered, if not as hoped.
   */
  run<T>(call: Call<T>): Promise<T> {
    const { name, activeMax, waitingMax, timeoutMs } = this.#options;
    if (this.#isClosed) return Promise.reject(new OutgoingError('closed', `${name} is closed`));
    if (this.#active >= activeMax && this.#waiting.size >= waitingMax) {
      return Promise.reject(new OutgoingError('full', `too much waits for ${name}`));
    }
    if (!this.#circuit.tryEnter()) {
      return Promise.reject(new OutgoingError('down', `${name} did not answer lately and is not asked now`));
    }
    return new Promise<T>((resolve, reject) => {
      const abort = new AbortController();
      const timer = setTimeout(() => {
        if (this.#waiting.delete(waiting))
          waiting.fail(new OutgoingError('timeout', `no turn at ${name} came`));
        else abort.abort(new OutgoingError('timeout', `${name} did not answer within ${timeoutMs} ms`));
      }, timeoutMs);
      const waiting: Waiting = {
        start: () => {
          this.#aborts.add(abort);
          this.#perform(call, abort)
            .then(resolve, reject)
            .finally(() => {
              clearTimeout(timer);
              this.#aborts.delete(abort);
            });
        },
        fail: (error) => {
          clearTimeout(timer);
          this.#circuit.gaveUp();
          reject(error);
        },
      };
      if (this.#active < activeMax) waiting.start();
      else this.#waiting.add(waiting);
    });
  }

  /** Fails what waits and what runs. */
  close(): void {
    this.#isClosed = true;
    const error = new OutgoingError('closed', `${this.#options.name} is closed`);
    for (const waiting of this.#waiting) waiting.fail(error);
    this.#waiting.clear();
    for (const abort of this.#aborts) abort.abort(error);
  }

  async #perform<T>(call: Call<T>, abort: AbortController): Promise<T> {
    this.#active++;
    const { signal } = abort;
    try {
      const aborted = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      const result = await Promise.race([call(signal), aborted]);
      this.#circuit.succeeded();
      return result;
    } catch (error) {
      if (!(error instanceof OutgoingError)) this.#circuit.succeeded();
      else if (error.reason === 'closed') this.#circuit.gaveUp();
      else this.#circuit.failed();
      throw error;
    } finally {
      this.#active--;
      this.#next();
    }
  }

  #next(): void {
    const [waiting] = this.#waiting;
    if (waiting === undefined || this.#isClosed) return;
    this.#waiting.delete(waiting);
    waiting.start();
  }

  #changed(isOpen: boolean): void {
    const { name, log } = this.#options;
    if (isOpen) {
      // Each of them would wait for the same nothing.
      const error = new OutgoingError('down', `${name} does not answer`);
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const one of waiting) one.fail(error);
    }
    if (isOpen)
      log.warn(
        { what: 'outgoing_pool_down', pool: name },
        'a counterpart does not answer and is not asked for a while',
      );
    else log.info({ what: 'outgoing_pool_up', pool: name }, 'a counterpart answers again');
  }
}
