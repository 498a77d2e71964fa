import { Counter, counterRow } from '../memory/counters.ts';
import { CertificateDates, certificatesOf } from '../observe/certificates.ts';
import { Liveness } from '../observe/liveness.ts';
import type { Unreadiness } from '../observe/readiness.ts';
import type { ShardStats } from '../shard/commands.ts';
import type { Server } from '../supervisor/server.ts';

/** A shard that has not answered by then is left out. */
const STATS_MS_MAX = 1_000;

/** A listener that counts whom it refused. */
interface RefusingListener {
  readonly name: string;
  readonly refused: Readonly<Record<string, number>>;
}

/** What metrics, health checks and `meerkat stats` want to know of the server. */
export class ServerFacts {
  readonly #server: Server;
  readonly #http: readonly RefusingListener[];
  readonly #dates = new CertificateDates();
  readonly #liveness: Liveness;
  /** Set once the readiness line was written. */
  isStarted = false;

  constructor(server: Server, http: readonly RefusingListener[]) {
    this.#server = server;
    this.#http = http;
    this.#liveness = new Liveness(
      this.shards,
      (shard) => this.counters(shard)[Counter.heartbeat]!,
      () => performance.now(),
    );
  }

  /** Reads when certificates end; after every reload again. */
  async readCertificates(): Promise<void> {
    const { c2s, http } = this.#server.config.listen;
    this.#dates.read(certificatesOf([...c2s, ...http], await this.#server.prepare()));
  }

  stop(): void {
    this.#liveness.stop();
  }

  // ── for health checks ───────────────────────────────────────────────────────────────────────────────────────────

  deadShards(): number[] {
    return this.#liveness.dead();
  }

  unreadiness(): Unreadiness[] {
    const server = this.#server;
    if (server.isStopping) return ['draining'];
    if (!this.isStarted) return ['starting'];
    return [
      ...(server.areShardsReady ? [] : (['shard'] as const)),
      ...(server.isStoreReady ? [] : (['store'] as const)),
      ...(this.areWritesFailing() ? (['storage'] as const) : []),
    ];
  }

  /** Whether the store cannot write, or shards wait long for what it is to write. */
  areWritesFailing(): boolean {
    for (let partition = 0; partition < this.stores; partition++) {
      const counters = this.counters(this.storeThread + partition);
      if (counters[Counter.store_writes_failing] !== 0) return true;
    }
    for (let shard = 0; shard < this.shards; shard++) {
      if (this.counters(shard)[Counter.kept_stalled] !== 0) return true;
    }
    return false;
  }

  // ── for metrics ──────────────────────────────────────────────────────────────────────────────────────────

  get product(): Server['product'] {
    return this.#server.product;
  }

  get startedMs(): number {
    return this.#server.startedMs;
  }

  get shards(): number {
    return this.#server.config.general.shards;
  }

  get storeThread(): number {
    return this.#server.storeThread;
  }

  get stores(): number {
    return this.#server.stores;
  }

  get restarts(): Server['restarts'] {
    return this.#server.restarts;
  }

  get sessionsMax(): number {
    return this.#server.config.general.maxSessions;
  }

  get sessions(): number {
    return this.#server.directory.count();
  }

  counters(thread: number): Float64Array {
    return counterRow(this.#server.memory.handles.counters, thread);
  }

  isShardReady(shard: number): boolean {
    return this.#server.shards[shard]?.isReady ?? false;
  }

  /** Whether a store works, or all do. */
  isStoreReady(partition?: number): boolean {
    return partition === undefined ? this.#server.isStoreReady : this.#server.isPartitionReady(partition);
  }

  isReady(): boolean {
    return this.unreadiness().length === 0;
  }

  ringDepths(): { from: number; to: number; bytes: number }[] {
    return this.#server.memory.depths();
  }

  refusedConnections(): { listener: string; reason: string; count: number }[] {
    const { c2s } = this.#server.config.listen;
    const counts = [
      ...this.#server.acceptors.map(({ refused }, i) => ({ listener: c2s[i]!.name, refused })),
      ...this.#http.map(({ name, refused }) => ({ listener: name, refused })),
    ];
    return counts.flatMap(({ listener, refused }) =>
      Object.entries(refused).map(([reason, count]) => ({ listener, reason, count })),
    );
  }

  certificateDays(): ReturnType<CertificateDates['daysLeft']> {
    return this.#dates.daysLeft(Date.now());
  }

  async shardStats(): Promise<ShardStats[]> {
    const ready = this.#server.shards.filter((shard) => shard.isReady);
    const stats = await Promise.all(ready.map((shard) => inTime(shard.request('stats'))));
    return stats.filter((one) => one !== undefined) as ShardStats[];
  }
}

async function inTime(work: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), STATS_MS_MAX);
  });
  try {
    return await Promise.race([work, late]);
  } catch {
    // It ended meanwhile.
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
