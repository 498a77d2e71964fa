import { Counter, type CounterName } from '../memory/counters.ts';
import type { ServerFacts } from './server-facts.ts';

type ByKind = Record<'message' | 'presence' | 'iq' | 'other', number>;

/** The server at a glance: what `meerkat stats` shows. Counts are since the start of their thread. */
export interface Stats {
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly isReady: boolean;
  readonly notReadyBecause: readonly string[];
  readonly sessions: number;
  readonly sessionsMax: number;
  readonly connections: number;
  readonly unauthenticated: number;
  readonly logins: { readonly success: number; readonly failure: number };
  readonly stanzas: { readonly received: ByKind; readonly sent: ByKind };
  readonly routed: Record<'delivered' | 'forwarded' | 'stored' | 'bounced' | 'dropped', ByKind>;
  readonly bytes: { readonly received: number; readonly sent: number };
  readonly rings: {
    readonly frames: number;
    readonly bytes: number;
    readonly waitingBytes: number;
    readonly overflowFrames: number;
    readonly refusedFrames: number;
  };
  readonly store: {
    readonly isReady: boolean;
    readonly pending: number;
    /** Writes that shards keep until they are done. */
    readonly kept: { readonly count: number; readonly bytes: number; readonly isStalled: boolean };
    readonly requests: number;
    readonly failures: number;
    readonly commits: number;
    readonly meanCommitUs: number;
    readonly maxCommitUs: number;
    readonly loopDelayP99Us: number;
  };
  readonly restarts: { readonly shard: number; readonly store: number };
  readonly residentBytes: number;
  readonly shards: readonly ShardSummary[];
}

export interface ShardSummary {
  readonly shard: number;
  readonly isReady: boolean;
  readonly sessions: number;
  readonly connections: number;
  readonly heapUsedBytes: number;
  readonly loopDelayP50Us: number;
  readonly loopDelayP99Us: number;
  readonly loopDelayMaxUs: number;
}

export function statsOf(facts: ServerFacts): Stats {
  const shards = Array.from({ length: facts.shards }, (_unused, shard) => facts.counters(shard));
  const stores = Array.from({ length: facts.stores }, (_unused, i) => facts.counters(facts.storeThread + i));
  const sum = (name: CounterName): number => shards.reduce((total, row) => total + row[Counter[name]]!, 0);
  const ofStores = (name: CounterName): number =>
    stores.reduce((total, row) => total + row[Counter[name]]!, 0);
  const most = (name: CounterName): number => Math.max(...stores.map((row) => row[Counter[name]]!));
  const commits = ofStores('store_commits');
  const byKind = (name: (kind: keyof ByKind) => CounterName): ByKind => ({
    message: sum(name('message')),
    presence: sum(name('presence')),
    iq: sum(name('iq')),
    other: sum(name('other')),
  });
  const reasons = facts.unreadiness();
  return {
    version: facts.product.version,
    node: process.versions.node,
    pid: process.pid,
    uptimeMs: Date.now() - facts.startedMs,
    isReady: reasons.length === 0,
    notReadyBecause: reasons,
    sessions: facts.sessions,
    sessionsMax: facts.sessionsMax,
    connections: sum('connections'),
    unauthenticated: sum('connections_unauthenticated'),
    logins: { success: sum('c2s_auth_success'), failure: sum('c2s_auth_failed') },
    stanzas: { received: byKind((kind) => `${kind}_in`), sent: byKind((kind) => `${kind}_out`) },
    routed: {
      delivered: byKind((kind) => `route_delivered_${kind}`),
      forwarded: byKind((kind) => `route_forwarded_${kind}`),
      stored: byKind((kind) => `route_stored_${kind}`),
      bounced: byKind((kind) => `route_bounced_${kind}`),
      dropped: byKind((kind) => `route_dropped_${kind}`),
    },
    bytes: { received: sum('bytes_in'), sent: sum('bytes_out') },
    rings: {
      frames: sum('ring_frames_out') + ofStores('ring_frames_out'),
      bytes: sum('ring_bytes_out') + ofStores('ring_bytes_out'),
      waitingBytes: facts.ringDepths().reduce((total, { bytes }) => total + bytes, 0),
      overflowFrames: sum('ring_overflow_frames') + ofStores('ring_overflow_frames'),
      refusedFrames: sum('ring_overflow_refused') + ofStores('ring_overflow_refused'),
    },
    store: {
      isReady: facts.isStoreReady(),
      pending: sum('store_queue'),
      kept: { count: sum('kept_writes'), bytes: sum('kept_bytes'), isStalled: sum('kept_stalled') > 0 },
      requests: ofStores('store_requests'),
      failures: ofStores('store_failed'),
      commits,
      meanCommitUs: commits === 0 ? 0 : Math.round(ofStores('store_commit_us_total') / commits),
      maxCommitUs: Math.round(most('store_commit_us_max')),
      loopDelayP99Us: most('loop_delay_p99_us'),
    },
    restarts: { ...facts.restarts },
    residentBytes: process.memoryUsage.rss(),
    shards: shards.map((row, shard) => ({
      shard,
      isReady: facts.isShardReady(shard),
      sessions: row[Counter.sessions]!,
      connections: row[Counter.connections]!,
      heapUsedBytes: row[Counter.heap_used_bytes]!,
      loopDelayP50Us: row[Counter.loop_delay_p50_us]!,
      loopDelayP99Us: row[Counter.loop_delay_p99_us]!,
      loopDelayMaxUs: row[Counter.loop_delay_max_us]!,
    })),
  };
}
