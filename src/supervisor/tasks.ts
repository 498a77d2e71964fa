import { Piscina } from 'piscina';

/** Work that waits for a free thread; more is refused at once (threat T27). */
const QUEUE_MAX = 512;
const THREADS_MAX = 2;
const IDLE_MS = 10_000;

/** The pool for work that takes long on a processor: deriving password keys, so that no loop waits for it. */
export class TaskPool {
  readonly #pool: Piscina;

  constructor(entry: URL) {
    this.#pool = new Piscina({
      filename: entry.href,
      minThreads: 0,
      maxThreads: THREADS_MAX,
      idleTimeout: IDLE_MS,
      maxQueue: QUEUE_MAX,
    });
  }

  /** Runs one of the functions of `workers/task.ts`. Rejects when too much waits already. */
  run(name: string, args: unknown): Promise<unknown> {
    return this.#pool.run(args, { name });
  }

  async stop(): Promise<void> {
    await this.#pool.destroy();
  }
}
