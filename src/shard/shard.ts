import type { Socket } from 'node:net';
import { PasswordVerifier } from '../auth/password-verifier.ts';
import { C2s } from '../c2s/c2s.ts';
import type { Config, ShaperConfig } from '../config/config.ts';
import type { HookRegistry } from '../hooks/registry.ts';
import { JID_CACHE_MAX } from '../limits.ts';
import { counterRow } from '../memory/counters.ts';
import { SessionDirectory } from '../memory/directory.ts';
import { createLimitedLog, type Logger, setLogLevel } from '../observe/log.ts';
import { ALL_SHARDS } from '../sm/outbox.ts';
import { SessionManager } from '../sm/session-manager.ts';
import { RemoteStore } from '../store/remote.ts';
import type { Store } from '../store/store.ts';
import { monotonicMs } from '../util/monotonic.ts';
import type { Jid } from '../xmpp/jid.ts';
import { JidCache } from '../xmpp/jid-cache.ts';
import { StoredAccounts } from './account-store.ts';
import { AccountService } from './accounts.ts';
import { DirectoryAnonymousSessions } from './anonymous-sessions.ts';
import { Asker, passwordTasks } from './ask.ts';
import type { FromShard, ShardBoot, ToShard } from './boot.ts';
import { cleanUpAfter, type LostSession } from './clean-up.ts';
import { Clock } from './clock.ts';
import { type ComponentNotice, Components } from './components.ts';
import { Configuration } from './configuration.ts';
import { Connections } from './connections.ts';
import { registerCoreHooks } from './core-hooks.ts';
import { Domains } from './domains.ts';
import { Draining } from './draining.ts';
import { DryRun } from './dry-run.ts';
import { Existence } from './existence.ts';
import { Fences } from './fences.ts';
import { FrameReceiver } from './frames.ts';
import { createHookRegistry } from './hook-registry.ts';
import { HostTypes } from './host-types.ts';
import { comeIntoForce } from './in-force.ts';
import { LabelledCounts } from './labelled-counts.ts';
import { Logins } from './login.ts';
import { ModuleCommands } from './module-commands.ts';
import { ModuleMechanisms } from './module-mechanisms.ts';
import { Notices } from './notices.ts';
import { Peers } from './peers.ts';
import { PermanentKeys } from './permanent-keys.ts';
import { Pools, type TaggedPools } from './pools.ts';
import { PortableParts } from './portable-parts.ts';
import { ShardRemoteSessions } from './remote-sessions.ts';
import { Removals } from './removals.ts';
import { followAccounts } from './removed-accounts.ts';
import { Revocations } from './revocations.ts';
import { Routing } from './routing.ts';
import type { ShardServices } from './services.ts';
import { SessionStates } from './session-states.ts';
import { Sessions } from './sessions.ts';
import { StoredMessages } from './stored-messages.ts';
import { Stores } from './stores.ts';
import { StreamsHost } from './streams-host.ts';
import { Subhosts } from './subhosts.ts';
import { TakeOvers } from './take-overs.ts';
import { Threads } from './threads.ts';
import { Tls } from './tls.ts';
import { Tracing } from './tracing.ts';
import { keepWatch } from './watch.ts';

/** How the main thread is told something. */
export type PostToMain = (message: FromShard) => void;

/**
 * One shard: the sessions that the acceptor gave it, and everything that their stanzas go through. This is where the parts are tied
 * together; each of them is in a file of its own.
 */
export class Shard implements ShardServices {
  readonly shard: number;
  readonly counters: Float64Array;
  readonly jids = new JidCache(JID_CACHE_MAX);
  readonly log: Logger;
  readonly registry: HookRegistry;
  readonly routing: Routing;
  readonly components: Components;
  readonly subhosts: Subhosts;
  readonly sm: SessionManager;
  readonly stores: Stores;
  readonly store: Store;
  readonly asker: Asker;
  readonly accounts: AccountService;
  readonly dryRun = new DryRun();
  readonly mechanisms = new ModuleMechanisms();
  readonly removals = new Removals();
  readonly revocations = new Revocations();
  readonly hostTypes: HostTypes;
  readonly login: Logins;
  readonly tls: Tls;
  readonly product: { readonly name: string; readonly version: string };
  readonly runSecret: Uint8Array;
  readonly configuration: Configuration;
  readonly connections: Connections;
  readonly keys: PermanentKeys;
  readonly tracing: Tracing;
  readonly domains: Domains;
  readonly notices: Notices;
  readonly moduleCommands = new ModuleCommands();
  readonly portableParts = new PortableParts();
  readonly sessions: Sessions;
  readonly threads: Threads;
  readonly storedMessages: StoredMessages;
  readonly takeOvers: TakeOvers;
  readonly #post: PostToMain;
  readonly #clock: Clock;
  readonly #existence = new Existence(({ name }) => this.hostTypes.auth(name)?.auth.isOwn ?? true);
  readonly #fences: Fences;
  readonly #frames: FrameReceiver;
  readonly #peers: Peers;
  readonly #moduleCounters = new Map<string, number>();
  readonly counts = new LabelledCounts();
  #nextRef = 0;
  readonly #draining: Draining;

  constructor(boot: ShardBoot, post: PostToMain) {
    this.#post = post;
    this.shard = boot.shard;
    this.product = boot.product;
    this.runSecret = boot.runSecret;
    this.#clock = new Clock(boot.clockOffsetUs);
    this.log = createLimitedLog(boot.config.general.loglevel, `shard ${boot.shard}`);
    this.counters = counterRow(boot.shared.counters, boot.shard);
    this.counters.fill(0);

    this.threads = new Threads(boot, {
      counters: this.counters,
      log: this.log,
      frame: (thread, bytes, start, end) => this.#frames.handle(thread, bytes, start, end),
      resumeYielded: () => this.connections.resumeYielded(),
      flush: () => {
        this.connections.flush();
        // What was to be written in this turn leaves with it.
        this.stores.flush();
      },
      congestionEnded: () => this.connections.congestionEnded(),
    });
    this.notices = new Notices((notice, payload) => this.threads.tell(notice, payload), this.dryRun);
    this.keys = new PermanentKeys((name) => this.#unknownKey(name));
    // The session manager's own (`sm/addressed.ts`).
    this.keys.register('sm', 'addressed', { encode: (value) => value, decode: (data) => data });
    this.keys.register('sm', 'want_addressed', { encode: (value) => value, decode: (data) => data });
    this.#fences = new Fences(this.threads, () => this.routing.delivery.reroutes);
    const remote = new ShardRemoteSessions(this.threads, boot.shards, this.keys, this.#fences);
    const { maxSessions } = boot.config.general;
    const directory = new SessionDirectory(boot.shared.directory, maxSessions);
    directory.adopt(boot.shard);
    this.sm = new SessionManager(boot.shard, directory, boot.seed, remote);
    const writer = [boot.shard, this.timestamp()] as const;
    this.stores = new Stores(boot.layouts, (partition) => {
      return new RemoteStore(
        (bytes) => this.threads.toStore(partition, bytes),
        monotonicMs,
        (operation) =>
          this.dryRun.isActive ? this.dryRun.never('store', `would ask: ${operation}`) : undefined,
        writer,
      );
    });
    this.store = this.stores.store;
    this.tracing = new Tracing(boot.shard, post);
    this.asker = new Asker(post);
    this.sessions = new Sessions({
      shard: boot.shard,
      sm: this.sm,
      counters: this.counters,
      timestamp: () => this.timestamp(),
      sessionsMax: (jid, domain) => this.domains.sessionsMax(jid, domain),
      longJid: (handle, jid) => post({ kind: 'long_jid', handle, jid }),
      askLongJid: (handle) => this.asker.ask('long_jid', handle),
      jids: this.jids,
      replacedWaitMs: (domain) => this.domains.replacedWaitMs(domain),
      log: this.log,
    });
    this.registry = createHookRegistry(this.counters, this.log, () => this.config);
    this.hostTypes = new HostTypes({
      registry: this.registry,
      log: this.log,
      accounts: new StoredAccounts(this.store),
      passwords: new PasswordVerifier(passwordTasks(this.asker)),
      anonymous: new DirectoryAnonymousSessions(this.sm),
      pools: new Pools(this.log, (name, by) => this.countFor(name, by)),
      countFor: (name) => this.countFor(name, 1),
      counts: this.counts,
      registerCore: (hostType, auth, config) =>
        registerCoreHooks(this.registry, hostType, auth, config, this.#existence, () => this),
    });
    this.domains = new Domains({
      hostTypes: this.hostTypes,
      hosts: () => this.configuration.hosts,
      routing: () => this.routing,
      subhosts: () => this.subhosts,
    });
    const otherShards = ((1 << boot.shards) - 1) & ~(1 << boot.shard);
    this.accounts = new AccountService({
      hostTypeAuth: (name) => this.hostTypes.auth(name),
      nextRef: () => this.nextRef(),
      timestamp: () => this.timestamp(),
      announce: (notice, bareOrDomain) => this.notices.announce(notice, bareOrDomain),
      whenHandled: async () => this.sm.remote.fence(ALL_SHARDS),
      whenIdle: async (bare) => {
        await Promise.all([this.#fences.held(bare), this.#fences.settled(otherShards, { to: bare })]);
      },
      excuse: ({ number, time }) => {
        const session = this.sm.table.get(number);
        if (session instanceof C2s && session.sid.time === time) session.handling = undefined;
      },
      exists: (hostType, jid) => this.#existence.has(hostType, jid, 'stored'),
      closeSessions: (jid, text) => this.closeSessions(jid, text),
      revoke: (hostType, jid) => this.revocations.revoke(hostType.name, jid),
    });
    this.routing = new Routing(
      {
        shard: boot.shard,
        counters: this.counters,
        log: this.log,
        globals: this.hostTypes.globals,
        sm: this.sm,
        existence: this.#existence,
        findDomain: (domain) => this.domains.route(domain),
        isOwnSubdomain: (domain) => this.domains.isOwnSubdomain(domain),
        forwardAnswer: (shard, acc) => this.threads.answer(shard, acc),
      },
      boot.config.general.routingModules,
    );
    this.subhosts = new Subhosts(this.hostTypes.globals, () => this.routing.routes);
    this.components = new Components({
      shard: boot.shard,
      globals: this.hostTypes.globals,
      subhosts: this.subhosts,
      routing: () => this.routing,
      isTaken: (domain) => this.domains.route(domain) !== undefined,
      access: (rule, jid) => this.domains.access(rule, jid, this.defaultDomain),
      tell: (notice, component, shard) => this.threads.tell(notice, component, shard),
      forward: (shard, acc) => remote.toComponent(shard, acc),
    });
    this.tls = new Tls(this.log, boot.selfSigned);
    this.configuration = new Configuration(boot.config, {
      hostTypes: this.hostTypes,
      subhosts: this.subhosts,
      tls: this.tls,
      services: this,
      inForce: (inForce) => this.#inForce(inForce),
    });
    this.login = new Logins({
      secret: Buffer.from(boot.secret),
      tlsFacts: this.tls,
      counts: this.counts,
      mechanisms: this.mechanisms,
      domain: (name) => this.domains.hosted(name),
      hostTypeAuth: (name) => this.hostTypes.auth(name),
      access: (rule, jid, domain) => this.domains.access(rule, jid, domain.name),
    });
    this.connections = new Connections({
      counters: this.counters,
      c2s: new StreamsHost(this),
      listener: (index) => this.configuration.listener(index),
      touch: () => this.touch(),
      isCongested: () => this.threads.outbox.isCongested,
      nowMs: () => this.monotonicMs(),
      connectionClosed: (listener, address) => {
        post({ kind: 'connection_closed', listener, address });
        this.#draining.connectionClosed();
      },
    });
    this.#draining = new Draining({
      connections: this.connections,
      delivery: this.routing.delivery,
      stores: this.stores,
      threads: this.threads,
      sm: this.sm,
      streams: () => this.streams(),
      drained: () => post({ kind: 'drained' }),
    });
    this.takeOvers = new TakeOvers({
      shard: boot.shard,
      shards: boot.shards,
      sm: this.sm,
      delivery: this.routing.delivery,
      threads: this.threads,
      jids: this.jids,
      sessions: this.sessions,
      states: new SessionStates({ holders: (name) => this.hostTypes.contexts(name), log: this.log }),
      log: this.log,
      hostTypeOf: (domain) => this.domains.hosted(domain)?.hostType.name,
      isDraining: () => this.#draining.isActive,
      lostSession: (jid, { number, time }) =>
        void this.cleanUp(boot.shard, [{ jid: jid.full, number, time }]),
      routeAgain: (acc) => void this.routing.routeAgain(acc),
      goesAfterSession: (acc) => this.routing.goesAfterSession(acc),
      takenBack: (acc) => this.routing.outcomes.takenBack(acc),
      forwarded: (acc) => this.routing.outcomes.ended(acc, 'forwarded'),
    });
    this.#frames = new FrameReceiver({
      jids: this.jids,
      sm: this.sm,
      routing: this.routing,
      components: this.components,
      answered: (thread, frame) => this.stores.answered(this.threads.partitionOf(thread), frame),
      keys: this.keys,
      fences: this.#fences,
      takeOvers: this.takeOvers,
      hostType: (name) => this.hostTypes.get(name),
      trace: (acc) => this.tracing.continued(acc),
      notice: (notice, payload) => this.notices.heard(notice, payload),
    });
    this.#peers = new Peers({
      threads: this.threads,
      stores: this.stores,
      components: this.components,
      fences: this.#fences,
      takeOvers: this.takeOvers,
      frames: this.#frames,
      log: this.log,
    });
    this.storedMessages = new StoredMessages({
      route: (acc) => this.routing.route(acc),
      touch: () => this.touch(),
    });
    followAccounts({
      notices: this.notices,
      existence: this.#existence,
      fences: this.#fences,
      removals: this.removals,
      connections: this.connections,
      jids: this.jids,
      sm: this.sm,
      monotonicMs: () => this.monotonicMs(),
      streams: () => this.streams(),
      touch: () => this.touch(),
    });
    this.notices.on('component_up', (notice) => this.components.up(notice as ComponentNotice));
    this.notices.on('component_down', (notice) => this.components.down(notice as ComponentNotice));
    for (const peer of boot.peers) this.#peers.connect(peer);
  }

  get defaultDomain(): string {
    return this.config.general.defaultServerDomain;
  }

  get registrationTimeoutMs(): number {
    return this.config.general.registrationTimeoutMs;
  }

  get config(): Config {
    return this.configuration.current;
  }

  /** Starts modules and timers; then the shard can take connections. */
  async start(): Promise<void> {
    await this.threads.start();
    await this.configuration.prepare(this.config);
    this.configuration.settle(true);
    const { counters, connections, stores } = this;
    keepWatch({ counters, connections, stores, existence: this.#existence, touch: () => this.touch() });
    this.touch();
    this.#post({ kind: 'ready' });
  }

  #inForce(config: Config): void {
    comeIntoForce(config, this);
    setLogLevel(this.log, config.general.loglevel);
    this.login.forget();
    // Accounts may be somewhere else now.
    this.#existence.clear();
    this.touch();
  }

  /** The server stops: tells every client, then waits for the connections to end. */
  drain(): void {
    this.#draining.begin();
  }

  /** Streams, and sessions that wait for a connection. The list is the caller's. */
  streams(): C2s[] {
    return [...this.connections.streams(), ...this.sessions.detached()];
  }

  /** Ends modules. The thread ends right after. */
  stop(): void {
    this.hostTypes.stop();
    const { kept } = this.stores;
    if (kept.count > 0) {
      this.log.error(
        { what: 'kept_writes_lost', count: kept.count },
        'the store did not take what was kept for it',
      );
    }
    this.stores.stop();
  }

  accept(socket: Socket, listener: number, address: string, port: number): void {
    this.connections.accept(socket, listener, address, port);
  }

  /** A message of the main thread other than a connection or a command. */
  told(message: ToShard): void {
    switch (message.kind) {
      case 'answer':
        this.asker.answered(message.id, message.value, message.error);
        break;
      case 'peer_ready':
        this.#peers.connect(message.peer);
        break;
      case 'peer_lost':
        this.#peers.disconnect(message.thread);
        break;
      case 'drain':
        this.drain();
        break;
      default:
        break;
    }
    this.touch();
  }

  #unknownKey(name: string): void {
    this.countFor('permanent_key_dropped', 1);
    this.log.warn(
      { what: 'unknown_permanent_key', key: name },
      'a permanent key cannot travel: no codec is registered',
    );
  }

  /** See {@link cleanUpAfter}. */
  cleanUp(shard: number, sessions: readonly LostSession[], diedAt?: number): Promise<void> {
    return cleanUpAfter(shard, sessions, diedAt, {
      globals: this.hostTypes.globals,
      jids: this.jids,
      store: this.store,
      hostTypes: () => this.hostTypes.all(),
      hostTypeOf: (domain) => this.domains.hosted(domain)?.hostType,
      nextRef: () => this.nextRef(),
      timestamp: () => this.timestamp(),
    });
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────────────────────

  timestamp(): number {
    return this.#clock.timestamp();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  nextRef(): number {
    // Unique in the server: the shard in the high bits.
    return this.shard * 0x100000000000 + ++this.#nextRef;
  }

  touch(): void {
    this.threads.loop.touch();
  }

  atTurnEnd(callback: () => void): void {
    this.threads.loop.atTurnEnd(callback);
  }

  // ── ShardServices ──────────────────────────────────────────────────────────────────────────────────────────

  pool<K extends keyof TaggedPools>(kind: K, hostType: string, tag: string): TaggedPools[K] {
    return this.hostTypes.pool(kind, hostType, tag);
  }

  shaper(name: string): ShaperConfig | undefined {
    return this.config.shapers.get(name);
  }

  countFor(name: string, by: number): void {
    this.#moduleCounters.set(name, (this.#moduleCounters.get(name) ?? 0) + by);
  }

  /** Counters that modules made, by name. */
  get moduleCounters(): ReadonlyMap<string, number> {
    return this.#moduleCounters;
  }

  /** Whether an account exists, asked of the store if need be. */
  doesUserExist(jid: Jid): boolean | Promise<boolean> {
    return this.#existence.has(this.domains.hosted(jid.domain)?.hostType, jid.bareJid, 'stored');
  }

  /** Ends all sessions of an account, wherever they are. Returns how many. */
  closeSessions(jid: Jid, text: string): number {
    const count = this.sessions.closeAll(jid, text);
    this.touch();
    return count;
  }
}
