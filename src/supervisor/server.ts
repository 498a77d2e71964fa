import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CertificateConfig, Config } from '../config/config.ts';
import { Counter, counterRow } from '../memory/counters.ts';
import { SessionDirectory } from '../memory/directory.ts';
import { type Logger, setLogLevel } from '../observe/log.ts';
import type { FromShard, ShardBoot } from '../shard/boot.ts';
import { monotonicMs } from '../util/monotonic.ts';
import { within } from '../util/within.ts';
import { askAll, askAny } from './ask-shards.ts';
import { runBackup } from './backup.ts';
import { CleanUps } from './clean-ups.ts';
import { ClientListeners, type Listening } from './client-listeners.ts';
import { Heartbeat } from './heartbeat.ts';
import { type MadeFiles, makeFiles } from './made-files.ts';
import { Questions } from './questions.ts';
import { Restarts } from './restarts.ts';
import { ShardConfig } from './shard-config.ts';
import { ShardHandle } from './shard-handle.ts';
import { SharedMemory } from './shared-memory.ts';
import { StoreHandle } from './store-handle.ts';
import { TaskPool } from './tasks.ts';

/** Files that threads start from. */
export interface ThreadEntries {
  readonly shard: URL;
  readonly store: URL;
  readonly task: URL;
}

/** The main thread's whole business: memory, threads, listeners, and looking after all of them. */
export class Server {
  readonly startedMs = Date.now();
  readonly log: Logger;
  readonly product: { readonly name: string; readonly version: string };
  readonly shards: ShardHandle[] = [];
  readonly directory: SessionDirectory;
  readonly memory: SharedMemory;
  #config: Config;
  /** The database's, and those of further partitions of the archive. */
  readonly #stores: StoreHandle[] = [];
  readonly #layouts: readonly number[];
  readonly #entries: ThreadEntries;
  readonly #tasks: TaskPool;
  readonly #heartbeat = new Heartbeat(() => performance.now());
  readonly #listeners: ClientListeners;
  readonly #restarts: Restarts;
  readonly #cleanUps: CleanUps;
  readonly #questions: Questions;
  readonly #shardConfig: ShardConfig;
  /** Private to this user: whoever may enter can wake threads, and nothing more. */
  readonly #bellDirectory = mkdtempSync(join(tmpdir(), 'meerkat-'));
  #made: MadeFiles | undefined;
  /** What keys that live as long as the server are made from; never on a disk. */
  readonly #runSecret = randomBytes(64);
  readonly #clockOffsetUs = Date.now() * 1_000 - monotonicMs() * 1_000;
  /** Accounts whose stanzas are traced. */
  #watched: readonly string[] = [];
  /** How often threads were started again. */
  readonly restarts = { shard: 0, store: 0 };
  #isStopping = false;
  #drained: (() => void) | undefined;
  /** Hears the steps of traced stanzas. */
  onTrace: (lines: readonly unknown[]) => void = () => {};

  /** `layouts`: among how many partitions the archive's conversations were distributed, earlier and now. */
  constructor(
    config: Config,
    entries: ThreadEntries,
    log: Logger,
    product: Server['product'],
    layouts: readonly number[] = [1],
  ) {
    this.#config = config;
    this.#layouts = layouts;
    this.#entries = entries;
    this.log = log;
    this.product = product;
    this.memory = new SharedMemory(config, this.stores);
    this.directory = new SessionDirectory(this.memory.handles.directory, config.general.maxSessions);
    this.#tasks = new TaskPool(entries.task);
    this.#questions = new Questions(this.#tasks);
    this.#listeners = new ClientListeners(log, this.shards);
    this.#restarts = new Restarts(log);
    this.#cleanUps = new CleanUps(this.shards, log);
    this.#shardConfig = new ShardConfig(log, this.shards);
  }

  get config(): Config {
    return this.#config;
  }

  /** The first store thread; the others follow. */
  get storeThread(): number {
    return this.#config.general.shards;
  }

  /** How many store threads there are: as many as partitions of the archive, those of earlier times included. */
  get stores(): number {
    return Math.max(...this.#layouts);
  }

  /** Whether all stores work. */
  get isStoreReady(): boolean {
    return this.#stores.length === this.stores && this.#stores.every((store) => store.isReady);
  }

  /** Whether one of them does. */
  isPartitionReady(partition: number): boolean {
    return this.#stores[partition]?.isReady ?? false;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  get acceptors(): ClientListeners['acceptors'] {
    return this.#listeners.acceptors;
  }

  /** Whether everything works: the store and all shards are there, and the server is not stopping. */
  get isReady(): boolean {
    return !this.#isStopping && this.isStoreReady && this.areShardsReady;
  }

  get areShardsReady(): boolean {
    const { shards } = this.#config.general;
    return this.shards.length === shards && this.shards.every((shard) => shard.isReady);
  }

  /**
   * Makes what the first start makes, and a configuration with other listeners may need: the certificate for listeners that have none. Returns
   * where that is, or would be. Called by {@link start}, if not before.
   */
  async prepare(config = this.#config): Promise<CertificateConfig> {
    const storage = this.#config.storage;
    this.#made = await makeFiles({ ...config, storage }, this.log, this.#made);
    return this.#made.selfSigned;
  }

  /** Starts store and shards, then the client listeners. Rejects when one of them cannot. */
  async start(): Promise<Listening[]> {
    await this.prepare();
    // The first one says what is wrong with the storage directory, if something is.
    await this.#startStore(0);
    const others = Array.from({ length: this.stores - 1 }, (_unused, i) => this.#startStore(i + 1));
    await Promise.all(others);
    const count = this.#config.general.shards;
    await Promise.all(Array.from({ length: count }, (_unused, shard) => this.#startShard(shard)));
    return await this.#listeners.listen(this.#config.listen.c2s);
  }

  // ── threads ────────────────────────────────────────────────────────────────────────────────────────────────

  #startStore(partition: number): Promise<void> {
    const thread = this.storeThread + partition;
    return new Promise((resolve, reject) => {
      let hasStarted = false;
      const store = new StoreHandle(
        this.#entries.store,
        {
          thread,
          partition,
          shared: this.memory.handles,
          peers: this.memory.peersOf(thread),
          bellDirectory: this.#bellDirectory,
          directory: this.#config.storage.directory,
          durability: this.#config.storage.durability,
          loglevel: this.#config.general.loglevel,
        },
        {
          ready: () => {
            hasStarted = true;
            this.#watch(thread, () => void store.kill());
            resolve();
          },
          ended: (cause) => {
            if (!hasStarted) reject(cause ?? new Error('the store thread ended at once'));
            else this.#storeEnded(partition, cause);
          },
        },
      );
      this.#stores[partition] = store;
    });
  }

  #storeEnded(partition: number, cause: Error | undefined): void {
    const thread = this.storeThread + partition;
    this.#heartbeat.forget(`thread ${thread}`);
    if (this.#isStopping) return;
    this.restarts.store++;
    this.log.error({ err: cause, what: 'store_died', partition }, 'a store thread died; it is started again');
    for (const shard of this.shards) shard.tell({ kind: 'peer_lost', thread });
    this.memory.renew(thread);
    this.#restarts.again(thread, async () => {
      await this.#startStore(partition);
      for (const shard of this.shards) {
        shard.tell({ kind: 'peer_ready', peer: this.memory.peer(shard.shard, thread) });
      }
    });
  }

  #startShard(shard: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let hasStarted = false;
      const boot = this.#bootOf(shard);
      this.shards[shard] = new ShardHandle(this.#entries.shard, boot, {
        ready: (handle) => {
          hasStarted = true;
          this.#watch(shard, () => void handle.kill());
          if (boot.config !== this.#config) this.#shardConfig.catchUp(handle, this.#config);
          if (this.#watched.length > 0) handle.request('trace', { bares: this.#watched }).catch(() => {});
          resolve();
        },
        ended: (handle, cause) => {
          if (!hasStarted) reject(cause ?? new Error(`shard ${shard} ended at once`));
          else this.#shardEnded(handle, cause);
        },
        message: (handle, message) => this.#heard(handle, message),
      });
    });
  }

  #bootOf(shard: number): ShardBoot {
    return {
      shard,
      shards: this.#config.general.shards,
      storeThread: this.storeThread,
      layouts: this.#layouts,
      shared: this.memory.handles,
      peers: this.memory.peersOf(shard),
      bellDirectory: this.#bellDirectory,
      config: this.#config,
      seed: this.memory.seed,
      ...this.#made!,
      runSecret: this.#runSecret,
      clockOffsetUs: this.#clockOffsetUs,
      product: this.product,
      startedMs: this.startedMs,
    };
  }

  /** A shard died: its sessions leave the directory, the others are told, one of them cleans up, and it is replaced. */
  #shardEnded(handle: ShardHandle, cause: Error | undefined): void {
    const { shard } = handle;
    this.#heartbeat.forget(`thread ${shard}`);
    if (this.#isStopping) {
      this.#checkDrained();
      return;
    }
    this.restarts.shard++;
    const diedAt = Date.now() * 1_000 + 999;
    const sessions = this.directory.removeShard(shard);
    this.log.error(
      { err: cause, what: 'shard_died', shard, sessions: sessions.length },
      'a shard died; it is replaced',
    );
    for (const [listener, address, count] of handle.openConnections()) {
      for (let i = 0; i < count; i++) this.#listeners.released(listener, address);
    }
    // Those, too, that are being started: they have its rings.
    for (const other of this.shards) other.tell({ kind: 'peer_lost', thread: shard });
    for (const store of this.#stores) store.tell({ kind: 'peer_lost', thread: shard });
    this.memory.renew(shard);
    const known = sessions.flatMap(({ handle: entry, jid, number, time }) => {
      const full = jid ?? this.#questions.takeLongJid(entry);
      return full === undefined ? [] : [{ jid: full, number, time }];
    });
    this.#cleanUps.after({ shard, diedAt, sessions: known });
    this.#restarts.again(shard, async () => {
      for (const [partition, store] of this.#stores.entries())
        store.tell({ kind: 'peer_ready', peer: this.memory.peer(this.storeThread + partition, shard) });
      await this.#startShard(shard);
      for (const other of this.shards) {
        if (other.shard !== shard)
          other.tell({ kind: 'peer_ready', peer: this.memory.peer(other.shard, shard) });
      }
      this.#cleanUps.shardReady();
    });
  }

  #watch(thread: number, lost: () => void): void {
    const row = counterRow(this.memory.handles.counters, thread);
    this.#heartbeat.watch(
      `thread ${thread}`,
      () => row[Counter.heartbeat]!,
      () => {
        this.log.error({ what: 'heartbeat_lost', thread }, 'a thread does not answer any more; it is killed');
        lost();
      },
    );
  }

  // ── what shards say ────────────────────────────────────────────────────────────────────────────────────────

  #heard(shard: ShardHandle, message: FromShard): void {
    switch (message.kind) {
      case 'connection_closed':
        this.#listeners.released(message.listener, message.address);
        break;
      case 'ask':
        void this.#questions.reply(shard, message.id, message.what, message.args as readonly unknown[]);
        break;
      case 'trace':
        this.onTrace(message.lines);
        break;
      case 'long_jid':
        this.#questions.noteLongJid(message.handle, message.jid);
        break;
      case 'drained':
        shard.isDrained = true;
        this.#checkDrained();
        break;
      default:
        break;
    }
  }

  // ── commands ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs a command on one shard, any that is ready. */
  onAnyShard(command: string, args: unknown = {}): Promise<unknown> {
    return askAny(this.shards, command, args);
  }

  /** Runs a command on every shard that is ready. Shards that end meanwhile answer nothing. */
  onAllShards(command: string, args: unknown = {}): Promise<unknown[]> {
    return askAll(this.shards, command, args);
  }

  /** Has the stanzas of these accounts (bare JIDs) traced; {@link onTrace} hears of them. */
  async watch(bares: readonly string[]): Promise<void> {
    this.#watched = bares;
    await this.onAllShards('trace', { bares });
  }

  /** Copies the database to a file while it is in use. Returns its size. */
  backup(file: string): Promise<number> {
    return runBackup(this.#entries.task, this.#config.storage.directory, file);
  }

  /** Takes over a changed configuration, in all shards or in none. */
  async reload(config: Config): Promise<void> {
    await this.#shardConfig.change(config, () => {
      this.#config = config;
    });
    const { loglevel } = config.general;
    setLogLevel(this.log, loglevel);
    for (const store of this.#stores) store.tell({ kind: 'loglevel', loglevel });
    this.#listeners.setLimits(config.listen.c2s);
  }

  /** Ends a shard at once, as a crash would; it is replaced. */
  killShard(shard: number): Promise<number> {
    return this.shards[shard]!.kill();
  }

  /** Ends a store thread at once, as a crash would; it is started again. */
  killStore(partition = 0): Promise<number> {
    return this.#stores[partition]?.kill() ?? Promise.resolve(0);
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Stops in order: no new connections, `system-shutdown` to clients, the store flushed. Takes at most the drain limit; false if the store was
   * not done by then.
   */
  async stop(): Promise<boolean> {
    if (this.#isStopping) return true;
    this.#isStopping = true;
    const deadlineMs = performance.now() + this.#config.general.drainTimeoutMs;
    this.#heartbeat.stop();
    this.#listeners.close();
    this.#restarts.stop();
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    for (const shard of this.shards) shard.tell({ kind: 'drain' });
    this.#checkDrained();
    await within(drained, (deadlineMs - performance.now()) * CLIENTS_SHARE);
    // What the ended sessions still asked of the store is in its rings: it comes before the end.
    const flushed = Promise.all(this.#stores.map((store) => store.stop()));
    const isFlushed = await within(flushed, deadlineMs - performance.now());
    if (!isFlushed)
      this.log.error({ what: 'drain_timed_out' }, 'the store was not done within the drain limit');
    await Promise.all(this.shards.map((shard) => shard.stop()));
    await this.#tasks.stop();
    rmSync(this.#bellDirectory, { recursive: true, force: true });
    return isFlushed;
  }

  #checkDrained(): void {
    if (this.shards.every((shard) => !shard.isReady || shard.isDrained)) this.#drained?.();
  }
}

/** Of the drain limit, what clients get to go; the rest is for the store. */
const CLIENTS_SHARE = 0.7;
