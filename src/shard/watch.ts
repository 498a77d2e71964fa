import { getHeapStatistics } from 'node:v8';
import { HEARTBEAT_MS } from '../limits.ts';
import { Counter } from '../memory/counters.ts';
import { watchLoopDelay } from '../observe/loop-delay.ts';
import type { Connections } from './connections.ts';
import type { Existence } from './existence.ts';
import type { Stores } from './stores.ts';

/** How often connections are looked at: logins that take too long, clients that do not read. */
const CONNECTIONS_CHECK_MS = 250;
const STORE_CHECK_MS = 1_000;

export interface WatchSurroundings {
  readonly counters: Float64Array;
  readonly connections: Connections;
  readonly stores: Stores;
  readonly existence: Existence;
  touch(): void;
}

/** Starts what a shard does by the clock, as long as it lives: the heartbeat, looking for what has taken too long, measuring itself. */
export function keepWatch({ counters, connections, stores, existence, touch }: WatchSurroundings): void {
  setInterval(() => {
    connections.expireLogins();
    connections.dropSlow();
  }, CONNECTIONS_CHECK_MS).unref();
  setInterval(() => {
    stores.expire();
    existence.expire();
    counters[Counter.store_queue] = stores.pendingCount;
    const { kept } = stores;
    counters[Counter.kept_writes] = kept.count;
    counters[Counter.kept_bytes] = kept.bytes;
    counters[Counter.kept_stalled] = Number(kept.isStalled);
    counters[Counter.kept_retries] = kept.retries;
    counters[Counter.kept_refused] = kept.refused;
    counters[Counter.heap_used_bytes] = getHeapStatistics().used_heap_size;
  }, STORE_CHECK_MS).unref();
  watchLoopDelay(({ p50Us, p99Us, maxUs }) => {
    counters[Counter.loop_delay_p50_us] = p50Us;
    counters[Counter.loop_delay_p99_us] = p99Us;
    counters[Counter.loop_delay_max_us] = maxUs;
  });
  setInterval(() => {
    counters[Counter.heartbeat]!++;
    touch();
  }, HEARTBEAT_MS);
}
