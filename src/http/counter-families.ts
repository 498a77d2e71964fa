import type { CounterName } from '../memory/counters.ts';

/** A metric made from cells of the shared counters. */
export interface CounterFamily {
  /** Without the prefix `meerkat_`. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** Whose cells: those of each shard, of the store thread, or of all these threads. */
  readonly of: 'shards' | 'store' | 'threads';
  /** What a cell's value is multiplied with: metrics are in seconds and bytes. */
  readonly scale?: number;
  readonly cells: readonly {
    readonly cell: CounterName;
    readonly labels?: Readonly<Record<string, string>>;
  }[];
}

const KINDS = ['message', 'presence', 'iq', 'other'] as const;
const OUTCOMES = ['delivered', 'forwarded', 'stored', 'bounced', 'dropped'] as const;
const US = 1e-6;

/**
 * The metrics of the shared counters. All label values are from lists that are closed when the server starts (threat T75). A counter that
 * is not named here is exported under its own name.
 */
export const COUNTER_FAMILIES: readonly CounterFamily[] = [
  gauge('sessions', 'Bound sessions.', 'shards', 'sessions'),
  gauge('connections', 'Client connections, logged in or not.', 'shards', 'connections'),
  gauge(
    'connections_unauthenticated',
    'Client connections that have no session yet.',
    'shards',
    'connections_unauthenticated',
  ),
  counter('session_logins_total', 'Sessions opened.', 'shards', 'sm_session_logins'),
  counter('session_logouts_total', 'Sessions ended.', 'shards', 'sm_session_logouts'),
  counter('received_bytes_total', 'Bytes read from clients.', 'shards', 'bytes_in'),
  counter('sent_bytes_total', 'Bytes written to clients.', 'shards', 'bytes_out'),
  {
    name: 'stanzas_received_total',
    help: 'Stanzas from clients, by kind.',
    type: 'counter',
    of: 'shards',
    cells: KINDS.map((kind) => ({ cell: `${kind}_in` as const, labels: { kind } })),
  },
  {
    name: 'stanzas_sent_total',
    help: 'Stanzas written to clients, by kind.',
    type: 'counter',
    of: 'shards',
    cells: KINDS.map((kind) => ({ cell: `${kind}_out` as const, labels: { kind } })),
  },
  {
    name: 'stanzas_routed_total',
    help: 'How routing ended on a shard, by kind of stanza and outcome. What is forwarded ends anew on the other shard.',
    type: 'counter',
    of: 'shards',
    cells: OUTCOMES.flatMap((outcome) =>
      KINDS.map((kind) => ({ cell: `route_${outcome}_${kind}` as const, labels: { kind, outcome } })),
    ),
  },
  {
    name: 'messages_entered_total',
    help: 'Messages that began a way on a shard, by source. Their sum less that of all outcomes of messages is what is under way.',
    type: 'counter',
    of: 'shards',
    cells: [
      { cell: 'messages_from_clients', labels: { source: 'client' } },
      { cell: 'messages_from_server', labels: { source: 'server' } },
      { cell: 'messages_from_shards', labels: { source: 'shard' } },
      { cell: 'messages_copied', labels: { source: 'copy' } },
      { cell: 'messages_taken_back', labels: { source: 'session' } },
    ],
  },
  counter('stanza_errors_sent_total', 'Stanzas answered with an error.', 'shards', 'stanza_error_out'),
  counter(
    'router_stanzas_dropped_total',
    'Stanzas that filter_local_packet dropped.',
    'shards',
    'router_stanza_dropped',
  ),
  counter('router_no_route_total', 'Stanzas that no routing module took.', 'shards', 'router_no_route_found'),
  counter('router_failures_total', 'Routing modules that failed.', 'shards', 'router_failed'),
  counter(
    'messages_bounced_total',
    'Messages to absent users that nobody stored.',
    'shards',
    'sm_message_bounced',
  ),
  counter('stanzas_rerouted_total', 'Stanzas whose session was gone when they came.', 'shards', 'rerouted'),
  counter('hook_failures_total', 'Hook handlers that failed.', 'shards', 'hook_failed'),
  counter('hook_suspensions_total', 'Hook handlers that answered later.', 'shards', 'hook_suspended'),
  {
    name: 'logins_total',
    help: 'Attempts to log in, by result.',
    type: 'counter',
    of: 'shards',
    cells: [
      { cell: 'c2s_auth_success', labels: { result: 'success' } },
      { cell: 'c2s_auth_failed', labels: { result: 'failure' } },
    ],
  },
  counter(
    'slow_readers_closed_total',
    'Connections closed because their client did not read.',
    'shards',
    'c2s_slow_reader_closed',
  ),
  counter(
    'congested_turns_total',
    'Turns in which a shard stopped reading from clients, because a ring was full.',
    'shards',
    'congested_turns',
  ),
  gauge('store_pending_requests', 'Requests that wait for the store.', 'shards', 'store_queue'),
  gauge('kept_writes', 'Writes that wait for the store or are under way to it.', 'shards', 'kept_writes'),
  gauge('kept_write_bytes', 'Their bytes.', 'shards', 'kept_bytes'),
  gauge(
    'kept_writes_stalled',
    'Whether such writes fail or take long: the disk is full or slow, or the store is away.',
    'shards',
    'kept_stalled',
  ),
  counter('kept_write_retries_total', 'Times that such writes were tried again.', 'shards', 'kept_retries'),
  counter(
    'kept_writes_refused_total',
    'What was refused because too many were kept already: writes, and messages that had led to some. Their senders were told so.',
    'shards',
    'kept_refused',
  ),
  gauge('heap_used_bytes', 'JavaScript heap in use.', 'shards', 'heap_used_bytes'),
  {
    name: 'loop_delay_seconds',
    help: 'How late the event loop was within the last second.',
    type: 'gauge',
    of: 'threads',
    scale: US,
    cells: [
      { cell: 'loop_delay_p50_us', labels: { quantile: '0.5' } },
      { cell: 'loop_delay_p99_us', labels: { quantile: '0.99' } },
      { cell: 'loop_delay_max_us', labels: { quantile: '1' } },
    ],
  },
  counter('heartbeats_total', 'Signs of life.', 'threads', 'heartbeat'),
  counter('ring_sent_frames_total', 'Frames sent to other threads.', 'threads', 'ring_frames_out'),
  counter('ring_received_frames_total', 'Frames from other threads.', 'threads', 'ring_frames_in'),
  counter('ring_sent_bytes_total', 'Bytes of frames sent to other threads.', 'threads', 'ring_bytes_out'),
  counter(
    'ring_overflow_frames_total',
    'Frames that had to wait for room in a ring.',
    'threads',
    'ring_overflow_frames',
  ),
  counter('ring_overflow_bytes_total', 'Their bytes.', 'threads', 'ring_overflow_bytes'),
  counter(
    'ring_refused_frames_total',
    'Frames refused because too much waited already, or the thread is gone.',
    'threads',
    'ring_overflow_refused',
  ),
  counter('ring_corrupt_total', 'Rings that had to be reset.', 'threads', 'ring_corrupt'),
  counter('doorbells_total', 'Times that another thread had to be woken.', 'threads', 'doorbell_rung'),
  counter('store_requests_total', 'Requests that reached the store.', 'store', 'store_requests'),
  counter('store_failures_total', 'Requests that the store could not carry out.', 'store', 'store_failed'),
  gauge(
    'store_writes_failing',
    'Whether the last write failed: the disk is full or broken, or another process has the database.',
    'store',
    'store_writes_failing',
  ),
  counter('store_commits_total', 'Transactions.', 'store', 'store_commits'),
  {
    ...counter('store_commit_seconds_total', 'Time spent in commits.', 'store', 'store_commit_us_total'),
    scale: US,
  },
  {
    ...gauge(
      'store_commit_seconds_max',
      'The longest commit since the store started.',
      'store',
      'store_commit_us_max',
    ),
    scale: US,
  },
  counter(
    'store_rows_written_total',
    'Requests that were part of a transaction.',
    'store',
    'store_rows_written',
  ),
];

function counter(name: string, help: string, of: CounterFamily['of'], cell: CounterName): CounterFamily {
  return { name, help, type: 'counter', of, cells: [{ cell }] };
}

function gauge(name: string, help: string, of: CounterFamily['of'], cell: CounterName): CounterFamily {
  return { name, help, type: 'gauge', of, cells: [{ cell }] };
}
