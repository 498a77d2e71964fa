import { type MetricDescription, Metrics, type MetricsSource } from '../src/http/metrics.ts';

const HEAD = `\
<!-- Written by docs/metrics-page.ts from src/http/metrics.ts and src/http/counter-families.ts. Change it there, then: npm run docs -->

# Metrics

Every \`[[listen.http]]\` serves these at \`/metrics\` in the text format of Prometheus, and \`/livez\` and \`/readyz\` beside them
([operations.md](operations.md#health-checks)). A counter of a thread begins at zero again when
the thread is replaced; \`rate()\` knows that of counters. Times are in seconds, sizes in bytes.

The values of all labels come from lists that are closed when the server starts or reloads; nothing that a client sends becomes one:

| Label | Values |
|---|---|
| \`shard\` | the number of a shard; \`store\` for the store thread, where it counts the same |
| \`from\`, \`to\` | as \`shard\`: the two ends of a ring |
| \`kind\` | \`message\`, \`presence\`, \`iq\`, \`other\`; of threads: \`shard\`, \`store\` |
| \`outcome\` | how routing ended: \`delivered\`, \`forwarded\` (to another shard, where it ends anew), \`stored\`, \`bounced\`, \`dropped\` |
| \`source\` | where a message came from: a \`client\`, the \`server\` itself (errors, answers, copies of modules, what was stored), another \`shard\`, a \`copy\` for another session, a \`session\` that ended before its client had it |
| \`result\` | \`success\`, \`failure\` |
| \`mechanism\` | a SASL mechanism that there is; \`unknown\` for all others |
| \`method\` | an authentication method, as in the configuration |
| \`question\` | \`scram_keys\`, \`check_password\`, \`accepts_certificate\` (these three are logins), \`does_user_exist\`, \`try_register\`, \`set_password\`, \`remove_user\` |
| \`answer\` | \`yes\`, \`no\`, \`failed\`: the method could not answer |
| \`quantile\` | \`0.5\`, \`0.99\`, \`1\` (the maximum) |
| \`hook\`, \`host_type\` | a hook of [hooks.md](hooks.md), and the host type, or \`global\` |
| \`event\` | a name that a module counts under |
| \`listener\` | its place in the configuration: \`listen.c2s[0]\` |
| \`reason\` | \`total\`, \`address\`, \`prefix\`, \`rate\`: the limit that was reached; \`overload\`: no shard could take it, or no descriptor was left |
| \`domain\` | the domain that a certificate is for; \`*\` for all that have none of their own |`;

const AFTER = `\
Beside them there are the usual ones of the process (\`meerkat_process_cpu_seconds_total\`, \`meerkat_process_resident_memory_bytes\`,
\`meerkat_process_open_fds\`, …) and of Node.js on the main thread (\`meerkat_nodejs_eventloop_lag_seconds\`, \`meerkat_nodejs_gc_duration_seconds\`, …).`;

/** A server that does not run: enough to ask which metrics there are. */
const NOBODY: MetricsSource = {
  product: { version: '' },
  startedMs: 0,
  shards: 1,
  stores: 1,
  storeThread: 1,
  restarts: { shard: 0, store: 0 },
  sessionsMax: 0,
  counters: () => new Float64Array(),
  isShardReady: () => false,
  isStoreReady: () => false,
  isReady: () => false,
  ringDepths: () => [],
  refusedConnections: () => [],
  certificateDays: () => [],
  shardStats: () => Promise.resolve([]),
};

/** The page `docs/metrics.md`. */
export function metricsPage(): string {
  return `${[HEAD, table(new Metrics(NOBODY).described), AFTER].join('\n\n')}\n`;
}

function table(metrics: readonly MetricDescription[]): string {
  const rows = metrics
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, type, labels, help }) => {
      const names = labels.map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${type} | ${names} | ${help} |`;
    });
  return ['| Metric | Type | Labels | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}
