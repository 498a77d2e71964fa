import { RateLimits } from './rate-limits.ts';
import type { ShardHandle } from './shard-handle.ts';
import type { TaskPool } from './tasks.ts';

/** What shards ask the main thread, because it concerns the whole server or takes long. */
export class Questions {
  readonly #tasks: TaskPool;
  readonly #rates = new RateLimits(() => performance.now());
  /** Full JIDs that do not fit into the directory's entries, by handle. */
  readonly #longJids = new Map<number, string>();

  constructor(tasks: TaskPool) {
    this.#tasks = tasks;
  }

  /** A session whose JID does not fit into the directory's entry; undefined when it has ended. */
  noteLongJid(handle: number, jid: string | undefined): void {
    if (jid === undefined) this.#longJids.delete(handle);
    else this.#longJids.set(handle, jid);
  }

  /** Takes out what {@link noteLongJid} noted. */
  takeLongJid(handle: number): string | undefined {
    const jid = this.#longJids.get(handle);
    this.#longJids.delete(handle);
    return jid;
  }

  /** Answers what a shard asked for under a number. */
  async reply(shard: ShardHandle, id: number, what: string, args: readonly unknown[]): Promise<void> {
    let value: unknown;
    let error: string | undefined;
    try {
      value = await this.answer(what, args);
    } catch (cause) {
      error = String(cause);
    }
    shard.tell({ kind: 'answer', id, value, error });
  }

  /** Answers: a turn in a rate limit, a long JID, or what the task pool finds. Rejects when a task fails. */
  async answer(what: string, args: readonly unknown[]): Promise<unknown> {
    if (what === 'take_turn') {
      const [name, key, intervalMs] = args as [string, string, number];
      return this.#rates.take(name, key, intervalMs);
    }
    if (what === 'long_jid') return this.#longJids.get(args[0] as number);
    return await this.#tasks.run(what, args);
  }
}
