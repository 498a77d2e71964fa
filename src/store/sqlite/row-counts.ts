import { GenerationCache } from '../../util/generation-cache.ts';

/** Users whose counts are remembered. */
const USERS_MAX = 16_384;

/**
 * How many rows users have in a table, as far as it must be known to keep them below a limit: counting anew for each row costs more than the row. What is remembered may be too
 * high (rows that were deleted, transactions that were undone), never too low; what seems too high is counted.
 */
export class RowCounts {
  readonly #counts = new GenerationCache<string, number>(USERS_MAX);
  readonly #count: (domain: string, username: string) => number;

  constructor(count: (domain: string, username: string) => number) {
    this.#count = count;
  }

  /** A row was added. Returns by how many rows the user has more than `most`. */
  excess(domain: string, username: string, most: number): number {
    const key = `${username}@${domain}`;
    const known = this.#counts.get(key);
    const count = known === undefined || known >= most ? this.#count(domain, username) : known + 1;
    this.#counts.set(key, count);
    return Math.max(0, count - most);
  }
}
