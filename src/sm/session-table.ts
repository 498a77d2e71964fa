import type { LocalSession } from './local-session.ts';

/** Bits of a session's number in frames and in the directory, without the sign. */
const NUMBER_BITS = 31;

/**
 * The sessions of this shard by number. A number holds the session's place, so that looking one up is an array access, and how often the place was
 * given before: what was sent to a session that has ended does not find the next one in its place.
 */
export class SessionTable {
  readonly #sessions: (LocalSession | undefined)[] = [];
  /** The number that each place has now, or will have next. */
  readonly #numbers: number[] = [];
  readonly #free: number[] = [];
  readonly #placeMask: number;
  readonly #numberMask: number;
  #count = 0;

  /** `sessionsMax`: of the whole server. As many again may be reserved at a time. */
  constructor(sessionsMax: number) {
    const placeBits = 33 - Math.clz32(sessionsMax - 1);
    this.#placeMask = 2 ** placeBits - 1;
    this.#numberMask = 2 ** NUMBER_BITS - 1;
  }

  get count(): number {
    return this.#count;
  }

  /** A number for a session that will be {@link set} next. */
  reserve(): number {
    const place = this.#free.pop();
    if (place !== undefined) return this.#numbers[place]!;
    const fresh = this.#sessions.push(undefined) - 1;
    this.#numbers.push(fresh);
    return fresh;
  }

  /** Gives an unused number back. */
  cancel(number: number): void {
    this.#release(number & this.#placeMask);
  }

  set(number: number, session: LocalSession): void {
    this.#sessions[number & this.#placeMask] = session;
    this.#count++;
  }

  /** Another object stands for the session with this number from now on. */
  exchange(number: number, session: LocalSession): void {
    this.#sessions[number & this.#placeMask] = session;
  }

  get(number: number): LocalSession | undefined {
    const place = number & this.#placeMask;
    return this.#numbers[place] === number ? this.#sessions[place] : undefined;
  }

  remove(number: number): void {
    if (this.get(number) === undefined) return;
    const place = number & this.#placeMask;
    this.#sessions[place] = undefined;
    this.#release(place);
    this.#count--;
  }

  #release(place: number): void {
    this.#numbers[place] = (this.#numbers[place]! + this.#placeMask + 1) & this.#numberMask;
    this.#free.push(place);
  }

  *[Symbol.iterator](): IterableIterator<LocalSession> {
    for (const session of this.#sessions) if (session !== undefined) yield session;
  }
}
