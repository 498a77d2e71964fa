/** What a thread of the directory's stress test is given. */
export interface Occupancy {
  readonly memory: SharedArrayBuffer;
  readonly sessionsMax: number;
  readonly shard: number;
  readonly shards: number;
  readonly seed: number;
  /** Users with one session on each shard that stays. */
  readonly permanent: number;
}

export interface OccupancyReport {
  readonly complaints: readonly string[];
  readonly operations: number;
  readonly found: number;
  readonly live: number;
}

/** Few users, so that buckets run over. */
export const USERS = 40;

/** The fields of a session. Two users share a bare hash's low half, and with it their bucket. */
export function fieldsOf(user: number, shard: number, number: number) {
  return {
    bareLow: Math.floor(user / 4),
    bareHigh: Math.imul(user + 1, 0x9e3779b1),
    fullLow: Math.imul(number + 1, 0x85ebca6b) ^ shard,
    fullHigh: Math.imul(number + 7, 0xc2b2ae35) ^ user,
    time: 1_700_000_000_000_000 + number * 64 + shard,
    jid: `user${user}@localhost/${shard}-${number}`,
  };
}
