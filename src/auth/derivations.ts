import type { DerivedKeys, PasswordTasks, ScramHash } from './scram.ts';

/** Tasks that one thread has in the pool at once: at 1.5 ms each, 0.4 s of one core's work is waiting at most. */
export const DERIVATIONS_IN_FLIGHT_MAX = 256;

/** All places are taken. A login ends with `temporary-auth-failure`, and may be tried again. */
export class DerivationsBusy extends Error {
  override readonly name = 'DerivationsBusy';
}

/** The way to the task pool: bounds what is under way (T27), and lets equal requests share one run. */
export class Derivations {
  readonly #tasks: PasswordTasks;
  readonly #inFlightMax: number;
  readonly #running = new Map<string, Promise<DerivedKeys | undefined>>();
  #inFlight = 0;

  constructor(tasks: PasswordTasks, inFlightMax = DERIVATIONS_IN_FLIGHT_MAX) {
    this.#tasks = tasks;
    this.#inFlightMax = inFlightMax;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Keys from a password; undefined when it is unusable. Requests with the same `key` at the same time are one: it must stand for all
   * the arguments. Rejects with {@link DerivationsBusy} or with what the pool says.
   */
  derive(
    key: string,
    password: string,
    hash: ScramHash,
    salt: Buffer,
    iterations: number,
  ): Promise<DerivedKeys | undefined> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const started = this.#run(() => this.#tasks.derive(password, hash, salt, iterations)).then(keysOf);
    this.#running.set(key, started);
    const done = () => this.#running.delete(key);
    started.then(done, done);
    return started;
  }

  /** Fresh credentials in text form, likewise bounded but never shared. */
  makePasswordDetails(
    password: string,
    hashes: readonly ScramHash[],
    iterations: number,
  ): Promise<string | undefined> {
    return this.#run(() => this.#tasks.makePasswordDetails(password, hashes, iterations));
  }

  async #run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#inFlight >= this.#inFlightMax) {
      throw new DerivationsBusy(`${this.#inFlight} password derivations are under way`);
    }
    this.#inFlight++;
    try {
      return await task();
    } finally {
      this.#inFlight--;
    }
  }
}

type MaybeKeys = Awaited<ReturnType<PasswordTasks['derive']>>;

/** Structured cloning turned the buffers into plain Uint8Arrays. */
function keysOf(keys: MaybeKeys): DerivedKeys | undefined {
  return keys && { storedKey: asBuffer(keys.storedKey), serverKey: asBuffer(keys.serverKey) };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
