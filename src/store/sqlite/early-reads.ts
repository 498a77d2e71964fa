/** Marks that are remembered; beyond it the earliest are forgotten. */
const EARLY_READS_MAX = 4_096;

/** A mark of a message that was not there. */
export interface EarlyRead {
  /** When it was set: the message is older. Microseconds since the epoch. */
  readonly timestamp: number;
  readonly msgId: string;
  /** The time of the message, if its id tells. */
  readonly until: number;
}

/**
 * Marks that have come before the message that they are about. Shards write for themselves, so one may be ahead of another one; not for long, which is why this is not in the database.
 */
export class EarlyReads {
  /** By conversation; the earliest first. */
  readonly #reads = new Map<string, EarlyRead>();

  note(domain: string, username: string, peer: string, read: EarlyRead): void {
    const key = keyOf(domain, username, peer);
    this.#reads.delete(key);
    this.#reads.set(key, read);
    if (this.#reads.size <= EARLY_READS_MAX) return;
    for (const [earliest] of this.#reads) {
      this.#reads.delete(earliest);
      return;
    }
  }

  /** The mark that was set in a conversation after a message of this time was sent, which is only now stored. */
  of(domain: string, username: string, peer: string, timestamp: number): EarlyRead | undefined {
    if (this.#reads.size === 0) return undefined;
    const read = this.#reads.get(keyOf(domain, username, peer));
    return read !== undefined && timestamp < read.timestamp ? read : undefined;
  }
}

/** No part of a bare JID has a line break. */
function keyOf(domain: string, username: string, peer: string): string {
  return `${username}@${domain}\n${peer}`;
}
