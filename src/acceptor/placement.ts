/** What placement looks at: one shard's load. */
export interface ShardLoad {
  readonly shard: number;
  readonly isReady: boolean;
  /** Connections it has, those under way to it included. */
  connections(): number;
}

/** The shard with the fewest connections; the first among equals after the one chosen last, so that a burst spreads. */
export class Placement {
  #last = 0;

  choose(shards: readonly ShardLoad[]): ShardLoad | undefined {
    let best: ShardLoad | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (let i = 1; i <= shards.length; i++) {
      const candidate = shards[(this.#last + i) % shards.length]!;
      if (!candidate.isReady) continue;
      const connections = candidate.connections();
      if (connections >= fewest) continue;
      best = candidate;
      fewest = connections;
    }
    if (best !== undefined) this.#last = shards.indexOf(best);
    return best;
  }
}
