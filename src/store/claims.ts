import type { Claimant } from './operations.ts';

/**
 * Who has a user's offline messages in hand. Messages stay stored until their session confirms that it has delivered them; meanwhile no
 * other session of the user gets them. Claims live in memory only: after a crash nobody has any.
 */
export class Claims {
  readonly #claims = new Map<string, Claimant>();

  /** Takes the user's messages for `claimant`. The other session that has them, if one does: then nothing changes. */
  take(domain: string, username: string, claimant: Claimant): Claimant | undefined {
    const key = `${username}@${domain}`;
    const holder = this.#claims.get(key);
    if (holder !== undefined && !isSame(holder, claimant)) return holder;
    this.#claims.set(key, claimant);
    return undefined;
  }

  /** Whether `claimant` has the user's messages. */
  holds(domain: string, username: string, claimant: Claimant): boolean {
    const holder = this.#claims.get(`${username}@${domain}`);
    return holder !== undefined && isSame(holder, claimant);
  }

  /** `from` goes on as `to`. False if it has nothing. */
  pass(domain: string, username: string, from: Claimant, to: Claimant): boolean {
    if (!this.holds(domain, username, from)) return false;
    this.#claims.set(`${username}@${domain}`, to);
    return true;
  }

  release(domain: string, username: string, claimant: Claimant): boolean {
    if (!this.holds(domain, username, claimant)) return false;
    return this.#claims.delete(`${username}@${domain}`);
  }

  /** Gives up whatever sessions had that were older than `diedAt` when their shard died. */
  releaseShard(shard: number, diedAt: number): number {
    let released = 0;
    for (const [key, claimant] of this.#claims) {
      if (claimant[0] === shard && claimant[2] <= diedAt && this.#claims.delete(key)) released++;
    }
    return released;
  }
}

function isSame(a: Claimant, b: Claimant): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2];
}
