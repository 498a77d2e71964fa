/**
 * Counters in shared memory: one row per thread, so that counting is a plain addition and reading needs no message.
 *
 * Every cell has one writer. A reader may see a value a moment old; a 64-bit float cannot be torn on the machines we run on.
 */

/** Every counter and gauge, in the order of its cell. Names are the metrics' names without the `meerkat_` prefix. */
export const COUNTER_NAMES = [
  'sessions',
  'connections',
  'connections_unauthenticated',
  'sm_session_logins',
  'sm_session_logouts',
  'bytes_in',
  'bytes_out',
  'message_in',
  'presence_in',
  'iq_in',
  'other_in',
  'message_out',
  'presence_out',
  'iq_out',
  'other_out',
  'stanza_error_out',
  // Ends of routing: one block for each outcome, in it one cell for each kind of stanza in the order of `StanzaKind`.
  'route_delivered_message',
  'route_delivered_presence',
  'route_delivered_iq',
  'route_delivered_other',
  'route_forwarded_message',
  'route_forwarded_presence',
  'route_forwarded_iq',
  'route_forwarded_other',
  'route_stored_message',
  'route_stored_presence',
  'route_stored_iq',
  'route_stored_other',
  'route_bounced_message',
  'route_bounced_presence',
  'route_bounced_iq',
  'route_bounced_other',
  'route_dropped_message',
  'route_dropped_presence',
  'route_dropped_iq',
  'route_dropped_other',
  // Where messages come from that are routed on a shard: with the outcomes above the two sides of one account.
  'messages_from_clients',
  'messages_from_server',
  'messages_from_shards',
  'messages_copied',
  'messages_taken_back',
  'router_stanza_dropped',
  'router_no_route_found',
  'router_failed',
  'sm_message_bounced',
  'rerouted',
  'hook_failed',
  'hook_suspended',
  'c2s_auth_success',
  'c2s_auth_failed',
  'c2s_slow_reader_closed',
  'ring_frames_out',
  'ring_frames_in',
  'ring_bytes_out',
  'ring_overflow_frames',
  'ring_overflow_bytes',
  'ring_overflow_refused',
  'ring_corrupt',
  'doorbell_rung',
  'congested_turns',
  'heartbeat',
  'loop_delay_p50_us',
  'loop_delay_p99_us',
  'loop_delay_max_us',
  'heap_used_bytes',
  'store_queue',
  // Writes that shards keep until the store has done them.
  'kept_writes',
  'kept_bytes',
  'kept_stalled',
  'kept_retries',
  'kept_refused',
  'store_requests',
  'store_failed',
  'store_commits',
  'store_commit_us_total',
  'store_commit_us_max',
  'store_rows_written',
  'store_writes_failing',
] as const;

export type CounterName = (typeof COUNTER_NAMES)[number];

/** The cell of each counter. A constant object, so that the compiler can fold `Counter.message_in` to a number. */
export const Counter = Object.freeze(
  Object.fromEntries(COUNTER_NAMES.map((name, index) => [name, index])),
) as Readonly<Record<CounterName, number>>;

/** A row fills whole cache lines. */
const ROW = (COUNTER_NAMES.length + 7) & ~7;

export function createCounters(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * ROW * 8);
}

/** The row of one thread, for its own counting: `counters[Counter.message_in]++`. */
export function counterRow(memory: SharedArrayBuffer, thread: number): Float64Array {
  return new Float64Array(memory, thread * ROW * 8, COUNTER_NAMES.length);
}
