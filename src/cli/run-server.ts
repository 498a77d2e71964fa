import { mkdirSync } from 'node:fs';
import { ConnectionLimits } from '../acceptor/connection-limits.ts';
import { adminCommands } from '../admin/commands.ts';
import { AdminError } from '../admin/errors.ts';
import { Reloader, refuseUnusable } from '../admin/reload.ts';
import { ServerFacts } from '../admin/server-facts.ts';
import { AdminSocket } from '../admin/socket.ts';
import { statsOf } from '../admin/stats.ts';
import { TraceHub } from '../admin/trace-hub.ts';
import type { Config } from '../config/config.ts';
import type { LoadResult } from '../config/load.ts';
import { HttpListener } from '../http/listener.ts';
import { Metrics } from '../http/metrics.ts';
import type { Logger } from '../observe/log.ts';
import type { TraceLine } from '../shard/tracing.ts';
import { knownLayouts, prepareArchive } from '../store/sqlite/archive-layout.ts';
import { lockDirectory, StorageInUseError } from '../store/sqlite/database.ts';
import { type CertificateReport, checkCertificates } from '../supervisor/certificates.ts';
import type { Listening } from '../supervisor/client-listeners.ts';
import { limitsOf } from '../supervisor/listener-limits.ts';
import { Server } from '../supervisor/server.ts';
import { ENTRIES } from './entries.ts';
import { PRODUCT } from './product.ts';

/** How long the last things may take after the drain limit. */
const AFTER_DRAIN_MS = 3_000;

/** Takes the storage directory for this process, and gives it back. Throws `storage_in_use` or `storage_failed`. */
export function takeStorage(directory: string): () => void {
  // Whatever the server writes (keys of accounts, messages, sockets) is nobody else's business.
  process.umask(0o077);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lock = lockDirectory(directory);
    return () => lock.release();
  } catch (cause) {
    const { message } = cause as Error;
    if (cause instanceof StorageInUseError) throw new AdminError('storage_in_use', message);
    throw new AdminError('storage_failed', `cannot use ${directory}: ${message}`);
  }
}

/**
 * Makes the archive one of as many partitions as the configuration says, or leaves it as it was if there is one; the caller holds the storage directory. Throws
 * `start_failed`.
 */
export function archiveLayouts({ storage }: Config, isLeft = false): readonly number[] {
  const { directory, durability } = storage;
  try {
    const known = isLeft ? knownLayouts(directory)?.at(-1)?.partitions : undefined;
    return prepareArchive(directory, known ?? storage.partitions, durability);
  } catch (cause) {
    throw startError(cause);
  }
}

/**
 * The whole server: the supervised threads with their client listeners, and around them what operators use: HTTP listeners, admin socket, traces,
 * reload, stop.
 */
export class RunningServer {
  readonly #server: Server;
  readonly #log: Logger;
  readonly #load: () => LoadResult;
  readonly #releaseStorage: () => void;
  readonly #http: HttpListener[] = [];
  readonly #httpLimits: ConnectionLimits[] = [];
  readonly #hub: TraceHub;
  readonly #facts: ServerFacts;
  readonly #reloader: Reloader;
  readonly #admin: AdminSocket;
  #stopping: Promise<number> | undefined;
  #whenStopped!: (status: number) => void;
  /** Resolves to the exit status when the server has stopped. */
  readonly stopped = new Promise<number>((resolve) => {
    this.#whenStopped = resolve;
  });

  /** Takes the storage directory; nothing else happens before {@link start}. `load` reads the configuration again, for reloads. */
  constructor(config: Config, load: () => LoadResult, log: Logger) {
    this.#log = log;
    this.#load = load;
    this.#releaseStorage = takeStorage(config.storage.directory);
    const server = new Server(config, ENTRIES, log, PRODUCT, this.#prepareArchive(config));
    this.#server = server;
    this.#facts = new ServerFacts(server, this.#http);
    this.#hub = new TraceHub(server);
    server.onTrace = (lines) => this.#hub.received(lines as TraceLine[]);
    this.#reloader = new Reloader({
      get config() {
        return server.config;
      },
      load: () => this.#load(),
      checkCertificates: (changed) => this.#checkCertificates(changed),
      apply: (changed) => this.#apply(changed),
    });
    this.#admin = new AdminSocket(config.admin.socket, this.#commands(), log);
  }

  /** The directory is given back if that fails. */
  #prepareArchive(config: Config): readonly number[] {
    try {
      return archiveLayouts(config);
    } catch (cause) {
      this.#releaseStorage();
      throw cause;
    }
  }

  /** Starts everything. Resolves to where it listens, once all listeners accept. If something fails, the rest is stopped again. */
  async start(): Promise<Listening[]> {
    try {
      const certificates = await this.#checkCertificates(this.#server.config);
      refuseUnusable(certificates, 'the server cannot start');
      for (const { listener, file, text } of certificates.warnings)
        this.#log.warn({ what: 'certificate_warning', listener, file }, text);
      const http = await this.#startHttp();
      await this.#facts.readCertificates();
      const c2s = await this.#server.start();
      await this.#admin.listen();
      this.#facts.isStarted = true;
      return [...c2s, ...http];
    } catch (cause) {
      await this.#end().catch(() => {});
      throw startError(cause);
    }
  }

  /** Reloads, for SIGHUP: the log says what came of it. */
  async reload(): Promise<void> {
    try {
      const { changes, warnings } = await this.#reloader.reload();
      this.#log.info({ what: 'reloaded', changes }, 'the configuration was reloaded');
      const waiting = changes.filter(({ effect }) => effect === 'restart').map(({ path }) => path);
      if (waiting.length > 0)
        this.#log.warn({ what: 'restart_needed', options: waiting }, 'some changes need a restart');
      if (warnings !== '')
        this.#log.warn({ what: 'config_warning', warnings: warnings.split('\n') }, 'warnings');
    } catch (cause) {
      if (!(cause instanceof AdminError)) throw cause;
      const { code, message } = cause;
      this.#log.error(
        { what: 'reload_failed', code, problems: message.split('\n') },
        'the configuration was not reloaded; everything stays as it was',
      );
    }
  }

  /** Stops in order. Resolves to the exit status: 0, unless something was not done in time. */
  stop(): Promise<number> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<number> {
    this.#log.info({ what: 'stopping' }, 'the server stops');
    const { drainTimeoutMs } = this.#server.config.general;
    const timer = setTimeout(() => {
      this.#log.fatal({ what: 'stop_timed_out' }, 'stopping took too long; the process ends as it is');
      process.exit(1);
    }, drainTimeoutMs + AFTER_DRAIN_MS);
    const isFlushed = await this.#end();
    clearTimeout(timer);
    this.#log.info({ what: 'stopped' }, 'the server has stopped');
    const status = isFlushed ? 0 : 1;
    this.#whenStopped(status);
    return status;
  }

  async #end(): Promise<boolean> {
    this.#admin.stopListening();
    const isFlushed = await this.#server.stop();
    await Promise.all(this.#http.map((listener) => listener.close()));
    this.#facts.stop();
    this.#releaseStorage();
    this.#admin.close();
    return isFlushed;
  }

  async #startHttp(): Promise<Listening[]> {
    const metrics = new Metrics(this.#facts);
    const selfSigned = await this.#server.prepare();
    const listening: Listening[] = [];
    for (const config of this.#server.config.listen.http) {
      if (config.shaper !== undefined)
        this.#log.warn({ what: 'shaper_unused', listener: config.name }, 'HTTP listeners have no shaper');
      const limits = new ConnectionLimits(limitsOf(config), () => performance.now());
      this.#httpLimits.push(limits);
      const content = { health: this.#facts, metrics };
      const listener = new HttpListener(config, content, limits, selfSigned, this.#log);
      const { address, port } = await listener.listen();
      this.#http.push(listener);
      listening.push({ kind: 'http', host: address, port });
    }
    return listening;
  }

  async #checkCertificates(config: Config): Promise<CertificateReport> {
    return checkCertificates(config, await this.#server.prepare(config), Date.now());
  }

  async #apply(config: Config): Promise<void> {
    const selfSigned = await this.#server.prepare();
    await this.#server.reload(config);
    for (const [i, listener] of config.listen.http.entries()) {
      this.#http[i]!.reload(listener, selfSigned);
      this.#httpLimits[i]!.change(limitsOf(listener));
    }
    await this.#facts.readCertificates();
  }

  #commands(): ReturnType<typeof adminCommands> {
    const server = this.#server;
    return adminCommands({
      get config() {
        return server.config;
      },
      product: PRODUCT,
      onAnyShard: (command, args) => server.onAnyShard(command, args),
      onAllShards: (command, args) => server.onAllShards(command, args),
      onShard: (shard, command, args) => server.shards[shard]!.request(command, args),
      stats: () => statsOf(this.#facts),
      trace: (bare, show) => this.#hub.subscribe(bare, show),
      backup: (file) => server.backup(file),
      reload: () => this.#reloader.reload(),
      stop: () => void this.stop(),
    });
  }
}

function startError(cause: unknown): AdminError {
  if (cause instanceof AdminError) return cause;
  const { code, syscall, message } = cause as NodeJS.ErrnoException;
  const isListening = syscall === 'listen' || code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL';
  return new AdminError(
    isListening ? 'listen_failed' : 'start_failed',
    `the server cannot start: ${message}`,
  );
}
