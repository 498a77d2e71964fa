import type { Accumulator, C2sParams } from '../module.ts';
import { type Importance, placeOf } from './importance.ts';

/** A stanza that waits. */
interface Entry {
  readonly acc: Accumulator;
  readonly bytes: number;
  /** See {@link placeOf}; empty for one that no other may replace. */
  readonly place: string;
}

/** What waits for all clients of a shard. */
export interface Pool {
  bytes: number;
}

/** The stanzas that wait for one client, in the order they came. Those that are on their way out count until they are through. */
export class Waiting {
  readonly session: C2sParams;
  isInactive = true;
  #entries: Entry[] = [];
  #bytes = 0;
  readonly #pool: Pool;

  constructor(session: C2sParams, pool: Pool) {
    this.session = session;
    this.#pool = pool;
  }

  get count(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get all(): Accumulator[] {
    return this.#entries.map(({ acc }) => acc);
  }

  /** Adds a stanza; one whose place it takes goes. The stanza is the caller's to retain. */
  add(acc: Accumulator, importance: Importance): void {
    const place =
      importance === 'last_presence' || importance === 'last_state' ? placeOf(acc, importance) : '';
    if (place !== '') this.#remove((entry) => entry.place === place);
    const bytes = acc.stanza!.sizeMax('', '');
    this.#entries.push({ acc, bytes, place });
    this.#grow(bytes);
  }

  /** A message has come: what its sender was just doing is of no interest any more. */
  forgetState(acc: Accumulator): void {
    const place = placeOf(acc, 'last_state');
    this.#remove((entry) => entry.place === place);
  }

  /** A stanza waits no more: it goes on, or is gone. */
  remove(acc: Accumulator): void {
    this.#remove((entry) => entry.acc === acc);
  }

  #remove(isIt: (entry: Entry) => boolean): void {
    const index = this.#entries.findIndex(isIt);
    if (index < 0) return;
    this.#grow(-this.#entries[index]!.bytes);
    this.#entries.splice(index, 1);
  }

  /** It is over: whoever has taken what waits looks after it. */
  leavePool(): void {
    this.#pool.bytes -= this.#bytes;
    this.#bytes = 0;
    this.#entries = [];
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    this.#pool.bytes += bytes;
  }
}
