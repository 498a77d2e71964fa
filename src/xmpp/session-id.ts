/** Identity of a session: comparable, and meaningful on every shard. */
export interface SessionId {
  /** Microseconds since the epoch when the session was bound; the larger one is the newer session. */
  readonly time: number;
  readonly shard: number;
  /** Number of the session on its shard. */
  readonly number: number;
}

/** Whether `a` was bound before `b`; shard and number decide between equal times. */
export function isOlder(a: SessionId, b: SessionId): boolean {
  if (a.time !== b.time) return a.time < b.time;
  return a.shard !== b.shard ? a.shard < b.shard : a.number < b.number;
}

export function isSameSession(a: SessionId, b: SessionId): boolean {
  return a.number === b.number && a.shard === b.shard && a.time === b.time;
}
