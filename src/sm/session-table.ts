import type { LocalSession } from './local-session.ts';

/** The sessions of this shard by number. Numbers are small and used again, so that looking one up is an array access. */
export class SessionTable {
  readonly #sessions: (LocalSession | undefined)[] = [];
  readonly #free: number[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** A number for a session that will be {@link set} next. */
  reserve(): number {
    return this.#free.pop() ?? this.#sessions.push(undefined) - 1;
  }

  /** Gives an unused number back. */
  cancel(number: number): void {
    this.#free.push(number);
  }

  set(number: number, session: LocalSession): void {
    this.#sessions[number] = session;
    this.#count++;
  }

  get(number: number): LocalSession | undefined {
    return this.#sessions[number];
  }

  remove(number: number): void {
    if (this.#sessions[number] === undefined) return;
    this.#sessions[number] = undefined;
    this.#free.push(number);
    this.#count--;
  }

  *[Symbol.iterator](): IterableIterator<LocalSession> {
    for (const session of this.#sessions) if (session !== undefined) yield session;
  }
}
