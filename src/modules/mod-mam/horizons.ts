import { GenerationCache } from '../module.ts';
import { READERS_MAX } from './limits.ts';

/**
 * Up to which time owners have read their archives. An answer leaves out what is sent after its query came, and has everything before: so whoever asks next for what comes after
 * the last message that he has misses nothing. A message that waited on its way into the archive, and whose time is one that its owner has read beyond, therefore gets another id.
 */
export class Horizons {
  readonly #byOwner = new GenerationCache<string, number>(READERS_MAX);
  /** Of all owners. */
  #furthest = 0;

  /** An owner (bare JID) reads up to a time, in microseconds since the epoch. */
  read(owner: string, until: number): void {
    if (until > this.#furthest) this.#furthest = until;
    const before = this.#byOwner.get(owner);
    if (before === undefined || until > before) this.#byOwner.set(owner, until);
  }

  /** Whether an owner would miss a message of this time. Most messages are younger than everything that anybody has read: they cost one comparison. */
  isPast(owner: string, micros: number): boolean {
    return micros <= this.#furthest && micros <= (this.#byOwner.get(owner) ?? 0);
  }
}
