import { collectDefaultMetrics, Gauge, Counter as PromCounter, Registry } from 'prom-client';
import { COUNTER_NAMES, Counter, type CounterName } from '../memory/counters.ts';
import { COUNTER_FAMILIES, type CounterFamily } from './counter-families.ts';
import { LABELLED_FAMILIES, type LabelledFamily } from './labelled-families.ts';
import { type ShardCounts, Totals } from './totals.ts';

/** What metrics are made of. */
export interface MetricsSource {
  readonly product: { readonly version: string };
  readonly startedMs: number;
  readonly shards: number;
  /** Number of the first store thread, and how many there are: one for the database, others for further partitions of the archive. */
  readonly storeThread: number;
  readonly stores: number;
  readonly restarts: { readonly shard: number; readonly store: number };
  readonly sessionsMax: number;
  /** The shared counters of a thread. */
  counters(thread: number): Float64Array;
  isShardReady(shard: number): boolean;
  isStoreReady(partition: number): boolean;
  isReady(): boolean;
  ringDepths(): readonly { readonly from: number; readonly to: number; readonly bytes: number }[];
  refusedConnections(): readonly {
    readonly listener: string;
    readonly reason: string;
    readonly count: number;
  }[];
  certificateDays(): readonly { readonly listener: string; readonly domain: string; readonly days: number }[];
  /** What shards count by themselves. A shard that does not answer in time is missing. */
  shardStats(): Promise<readonly ShardCountsByName[]>;
}

/** What a shard counts outside of shared memory. */
export interface ShardCountsByName {
  readonly shard: number;
  readonly hooks: readonly (readonly [hook: string, tag: string, runs: number])[];
  readonly modules: readonly (readonly [name: string, count: number])[];
  /** Counters with labels (`labelled-families.ts`): name and values, joined by line ends. */
  readonly labelled: readonly (readonly [key: string, value: number])[];
  readonly lanes: readonly { readonly to: number; readonly waitingFrames: number }[];
}

/** A metric, for the documentation. */
export interface MetricDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly labels: readonly string[];
  readonly help: string;
}

const PREFIX = 'meerkat_';
const HOOKS_MAX = 20_000;
const MODULE_COUNTERS_MAX = 1_000;
const LABELLED_MAX = 2_000;
/** Separates hook and host type; neither can contain it. */
const SEPARATOR = '\n';

/** The metrics of the server in the text format of Prometheus. Names, labels and meanings are in `docs/metrics.md`. */
export class Metrics {
  readonly #source: MetricsSource;
  readonly #registry = new Registry();
  readonly #described: MetricDescription[] = [];
  readonly #hooks = new Totals(HOOKS_MAX);
  readonly #modules = new Totals(MODULE_COUNTERS_MAX);
  readonly #labelled = new Totals(LABELLED_MAX);
  #lanes: readonly ShardCountsByName[] = [];
  #underWay: Promise<string> | undefined;

  constructor(source: MetricsSource) {
    this.#source = source;
    for (const family of [...COUNTER_FAMILIES, ...unnamedFamilies()]) this.#addFamily(family);
    this.#addServer();
    this.#addThreads();
    this.#addRings();
    this.#addListeners();
    this.#addShardCounts();
    for (const family of LABELLED_FAMILIES) this.#addLabelled(family);
    collectDefaultMetrics({ register: this.#registry, prefix: PREFIX });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The server's own metrics; beside them there are those of the process (`meerkat_process_…`) and of Node.js (`meerkat_nodejs_…`). */
  get described(): readonly MetricDescription[] {
    return this.#described;
  }

  /** All metrics as they are now. Whoever asks while they are being collected gets the same. */
  text(): Promise<string> {
    this.#underWay ??= this.#collect().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #collect(): Promise<string> {
    const stats = await this.#source.shardStats();
    this.#lanes = stats;
    this.#hooks.add(
      stats.map(({ shard, hooks }): ShardCounts => {
        return { shard, counts: hooks.map(([hook, tag, runs]) => [`${hook}${SEPARATOR}${tag}`, runs]) };
      }),
    );
    this.#modules.add(stats.map(({ shard, modules }) => ({ shard, counts: modules })));
    this.#labelled.add(stats.map(({ shard, labelled }) => ({ shard, counts: labelled })));
    return await this.#registry.metrics();
  }

  #addFamily({ name, help, type, of, cells, scale = 1 }: CounterFamily): void {
    const labels = Object.keys(cells[0]!.labels ?? {});
    const threads = this.#threads(of);
    this.#add(type, name, help, [of === 'store' ? 'store' : 'shard', ...labels], (set) => {
      for (const thread of threads) {
        const row = this.#source.counters(thread);
        const name = this.#threadName(thread);
        const by = of === 'store' ? { store: String(thread - this.#source.storeThread) } : { shard: name };
        for (const { cell, labels } of cells) set({ ...by, ...labels }, row[Counter[cell]]! * scale);
      }
    });
  }

  #addServer(): void {
    const { product, startedMs } = this.#source;
    this.#add('gauge', 'build_info', 'What runs here; always 1.', ['version', 'node'], (set) =>
      set({ version: product.version, node: process.versions.node }, 1),
    );
    this.#add('gauge', 'start_time_seconds', 'When the server was started.', [], (set) =>
      set({}, startedMs / 1_000),
    );
    this.#add('gauge', 'ready', 'Whether the server is ready, as /readyz says.', [], (set) =>
      set({}, Number(this.#source.isReady())),
    );
    this.#add('gauge', 'sessions_max', 'Sessions that there is room for.', [], (set) =>
      set({}, this.#source.sessionsMax),
    );
  }

  #addThreads(): void {
    this.#add('gauge', 'shard_up', 'Whether the shard works.', ['shard'], (set) => {
      for (const shard of this.#threads('shards'))
        set({ shard: String(shard) }, Number(this.#source.isShardReady(shard)));
    });
    this.#add('gauge', 'store_up', 'Whether the store works.', ['store'], (set) => {
      for (let store = 0; store < this.#source.stores; store++)
        set({ store: String(store) }, Number(this.#source.isStoreReady(store)));
    });
    this.#add('counter', 'thread_restarts_total', 'Threads that died and were replaced.', ['kind'], (set) => {
      set({ kind: 'shard' }, this.#source.restarts.shard);
      set({ kind: 'store' }, this.#source.restarts.store);
    });
  }

  #addRings(): void {
    this.#add('gauge', 'ring_depth_bytes', 'Bytes that wait in a ring.', ['from', 'to'], (set) => {
      for (const { from, to, bytes } of this.#source.ringDepths())
        set({ from: this.#threadName(from), to: this.#threadName(to) }, bytes);
    });
    this.#add(
      'gauge',
      'ring_waiting_frames',
      'Frames that wait for room in a ring.',
      ['from', 'to'],
      (set) => {
        for (const { shard, lanes } of this.#lanes) {
          for (const { to, waitingFrames } of lanes)
            set({ from: String(shard), to: this.#threadName(to) }, waitingFrames);
        }
      },
    );
  }

  #addListeners(): void {
    const refused = 'Connections refused by the limits of their listener.';
    this.#add('counter', 'connections_refused_total', refused, ['listener', 'reason'], (set) => {
      for (const { listener, reason, count } of this.#source.refusedConnections())
        set({ listener, reason }, count);
    });
    const days = 'Days until the certificate ends.';
    this.#add('gauge', 'tls_certificate_days_left', days, ['listener', 'domain'], (set) => {
      for (const { listener, domain, days } of this.#source.certificateDays())
        set({ listener, domain }, days);
    });
  }

  #addShardCounts(): void {
    this.#add(
      'counter',
      'hook_runs_total',
      'Runs of each hook that has handlers.',
      ['hook', 'host_type'],
      (set) => {
        for (const [key, runs] of this.#hooks.entries()) {
          const [hook = '', tag = ''] = key.split(SEPARATOR);
          set({ hook, host_type: tag }, runs);
        }
      },
    );
    this.#add(
      'counter',
      'module_events_total',
      'What modules count, each under names of its own.',
      ['event'],
      (set) => {
        for (const [event, count] of this.#modules.entries()) set({ event }, count);
      },
    );
  }

  #addLabelled({ name, help, labels }: LabelledFamily): void {
    this.#add('counter', name, help, labels, (set) => {
      for (const [key, value] of this.#labelled.entries()) {
        const [of, ...values] = key.split(SEPARATOR);
        if (of === name) set(Object.fromEntries(labels.map((label, i) => [label, values[i] ?? ''])), value);
      }
    });
  }

  #threads(of: CounterFamily['of']): number[] {
    const { shards, storeThread, stores } = this.#source;
    const all = Array.from({ length: shards }, (_unused, shard) => shard);
    if (of === 'shards') return all;
    const ofStores = Array.from({ length: stores }, (_unused, partition) => storeThread + partition);
    return of === 'store' ? ofStores : [...all, ...ofStores];
  }

  #threadName(thread: number): string {
    const partition = thread - this.#source.storeThread;
    if (partition < 0) return String(thread);
    return partition === 0 ? 'store' : `store ${partition}`;
  }

  /** Adds a metric whose values are looked up when somebody asks for them. */
  #add(
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    labelNames: readonly string[],
    collect: (set: (labels: Record<string, string>, value: number) => void) => void,
  ): void {
    this.#described.push({ name: `${PREFIX}${name}`, type, labels: labelNames, help });
    const settings = {
      name: `${PREFIX}${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    };
    if (type === 'counter') {
      const metric: PromCounter = new PromCounter({
        ...settings,
        collect() {
          metric.reset();
          collect((labels, value) => metric.inc(labels, Math.max(0, value)));
        },
      });
      return;
    }
    const metric: Gauge = new Gauge({
      ...settings,
      collect() {
        metric.reset();
        collect((labels, value) => metric.set(labels, value));
      },
    });
  }
}

/** Counters that nobody has found a better name for. */
function unnamedFamilies(): CounterFamily[] {
  const named = new Set<CounterName>(
    COUNTER_FAMILIES.flatMap((family) => family.cells.map(({ cell }) => cell)),
  );
  return COUNTER_NAMES.filter((cell) => !named.has(cell)).map((cell) => ({
    name: `${cell}_total`,
    help: 'An internal counter.',
    type: 'counter',
    of: 'threads',
    cells: [{ cell }],
  }));
}
