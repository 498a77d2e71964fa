import type { Socket } from 'node:net';
import { PasswordVerifier } from '../auth/password-verifier.ts';
import type { C2s } from '../c2s/c2s.ts';
import type { C2sHost, DomainInfo, ListenerSettings, OpenResult } from '../c2s/c2s-host.ts';
import { holdReceiving } from '../c2s/receive.ts';
import { matchRule } from '../config/acl.ts';
import type { Config } from '../config/config.ts';
import { encodeFrame } from '../frame/codec.ts';
import { FrameKind } from '../frame/kinds.ts';
import { Accumulator } from '../hooks/accumulator.ts';
import type { HandlerEntry } from '../hooks/chain.ts';
import { HookRegistry } from '../hooks/registry.ts';
import { foldHook, runHook } from '../hooks/run.ts';
import type { Trace } from '../hooks/trace.ts';
import type { OfflineRoute } from '../hooks/values.ts';
import { HEARTBEAT_MS, JID_CACHE_MAX, OFFLINE_HOLD_MS_MAX, SCAN_LIMITS } from '../limits.ts';
import type { IqComponent } from '../local/iq-table.ts';
import { Counter, counterRow } from '../memory/counters.ts';
import { SessionDirectory } from '../memory/directory.ts';
import { Doorbell } from '../memory/doorbell.ts';
import { Inbox } from '../memory/inbox.ts';
import { Loop } from '../memory/loop.ts';
import { Outbox } from '../memory/outbox.ts';
import { RingConsumer } from '../memory/ring.ts';
import { Sequence } from '../memory/sequence.ts';
import { Waker } from '../memory/waker.ts';
import { createLog, type Logger, setLogLevel } from '../observe/log.ts';
import { watchLoopDelay } from '../observe/loop-delay.ts';
import type { Route } from '../router/route-table.ts';
import { SessionManager } from '../sm/session-manager.ts';
import { RemoteStore } from '../store/remote.ts';
import { monotonicMs } from '../util/monotonic.ts';
import type { Jid } from '../xmpp/jid.ts';
import { JidCache } from '../xmpp/jid-cache.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import { StoredAccounts } from './account-store.ts';
import { AccountService } from './accounts.ts';
import { DirectoryAnonymousSessions } from './anonymous-sessions.ts';
import { Asker, passwordTasks } from './ask.ts';
import type { FromShard, Peer, ShardBoot, ToShard } from './boot.ts';
import { Clock } from './clock.ts';
import { type ComponentNotice, Components } from './components.ts';
import { Connections } from './connections.ts';
import { registerCoreHooks } from './core-hooks.ts';
import { DryRun } from './dry-run.ts';
import { Existence } from './existence.ts';
import { FrameReceiver } from './frames.ts';
import { HostTypes } from './host-types.ts';
import { Logins } from './login.ts';
import { PermanentKeys } from './permanent-keys.ts';
import { ShardRemoteSessions } from './remote-sessions.ts';
import { Routing } from './routing.ts';
import type { ShardServices } from './services.ts';
import { Sessions } from './sessions.ts';
import { Subhosts } from './subhosts.ts';
import { Tls } from './tls.ts';
import { Tracing } from './tracing.ts';

/** How the main thread is told something. */
export type PostToMain = (message: FromShard) => void;

/** MongooseIM's default of `max_user_sessions`. */
const USER_SESSIONS_MAX = 100;
/** MongooseIM's default of `replaced_wait_timeout`. */
const REPLACED_WAIT_MS = 2_000;
/** How often logins are looked at for having taken too long. */
const LOGIN_CHECK_MS = 250;
const STORE_CHECK_MS = 1_000;

/**
 * One shard: the sessions that the acceptor gave it, and everything that their stanzas go through. This is where the parts are tied
 * together; each of them is in a file of its own.
 */
export class Shard implements C2sHost, ShardServices {
  readonly shard: number;
  readonly counters: Float64Array;
  readonly jids = new JidCache(JID_CACHE_MAX);
  readonly log: Logger;
  readonly registry: HookRegistry;
  readonly routing: Routing;
  readonly components: Components;
  readonly subhosts: Subhosts;
  readonly sm: SessionManager;
  readonly store: RemoteStore;
  readonly asker: Asker;
  readonly accounts: AccountService;
  readonly dryRun = new DryRun();
  readonly hostTypes: HostTypes;
  readonly login: Logins;
  readonly tls: Tls;
  readonly product: { readonly name: string; readonly version: string };
  readonly connections: Connections;
  readonly keys: PermanentKeys;
  readonly tracing: Tracing;
  readonly #boot: ShardBoot;
  readonly #post: PostToMain;
  readonly #clock = new Clock();
  readonly #sessions: Sessions;
  readonly #existence = new Existence();
  readonly #frames: FrameReceiver;
  readonly #waker: Waker;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #loop: Loop;
  readonly #moduleCounters = new Map<string, number>();
  readonly #moduleListeners = new Map<string, Set<(content: unknown) => void>>();
  #config: Config;
  #configVersion = 0;
  #listeners: ListenerSettings[] = [];
  #nextRef = 0;
  #isDraining = false;

  constructor(boot: ShardBoot, post: PostToMain) {
    this.#boot = boot;
    this.#post = post;
    this.#config = boot.config;
    this.shard = boot.shard;
    this.product = boot.product;
    this.log = createLog(boot.config.general.loglevel, `shard ${boot.shard}`);
    this.counters = counterRow(boot.shared.counters, boot.shard);
    this.counters.fill(0);

    this.#waker = new Waker(boot.bellDirectory, boot.shard, () => this.#loop.touch());
    const bell = new Doorbell(boot.shared.bells, (thread) => this.#waker.wake(thread));
    this.#outbox = new Outbox(new Sequence(boot.shared.sequence), bell, this.counters);
    this.#inbox = new Inbox(
      bell,
      this.counters,
      (_thread, bytes, start, end) => this.#frames.handle(bytes, start, end),
      (cause) => this.log.error({ err: cause, what: 'frame_failed' }, 'a frame could not be handled'),
    );
    this.#loop = new Loop(boot.shard, bell, this.#inbox, this.#outbox, {
      resumeYielded: () => this.connections.resumeYielded(),
      flush: () => this.connections.flush(),
      congestionEnded: () => this.connections.congestionEnded(),
    });
    this.keys = new PermanentKeys((name) => this.#unknownKey(name));
    const remote = new ShardRemoteSessions(
      boot.shard,
      boot.shards,
      this.#outbox,
      this.#inbox,
      () => this.#loop,
      this.keys,
    );
    const { maxSessions } = boot.config.general;
    const directory = new SessionDirectory(boot.shared.directory, maxSessions);
    directory.adopt(boot.shard);
    this.sm = new SessionManager(boot.shard, directory, boot.seed, remote);
    this.store = new RemoteStore(
      (bytes) => this.#sendToStore(bytes),
      monotonicMs,
      (operation) =>
        this.dryRun.isActive ? this.dryRun.never('store', `would ask: ${operation}`) : undefined,
    );
    this.tracing = new Tracing(boot.shard, post);
    this.asker = new Asker(post);
    this.#sessions = new Sessions({
      shard: boot.shard,
      sm: this.sm,
      counters: this.counters,
      timestamp: () => this.timestamp(),
      sessionsMax: (jid, domain) => this.#sessionsMax(jid, domain),
      longJid: (handle, jid) => post({ kind: 'long_jid', handle, jid }),
      replacedWaitMs: (domain) => this.#replacedWaitMs(domain),
      log: this.log,
    });
    const config = (): Config => this.#config;
    this.registry = new HookRegistry(
      {
        get deadlineMs() {
          return config().general.hookTimeoutMs;
        },
        suspended: () => {
          this.counters[Counter.hook_suspended]!++;
        },
        failed: (hook, entry, acc, cause) => this.#hookFailed(hook, entry, acc, cause),
      },
      (message, fields) => this.log.warn({ what: message, ...fields }, message),
    );
    this.hostTypes = new HostTypes({
      registry: this.registry,
      log: this.log,
      accounts: new StoredAccounts(this.store),
      passwords: new PasswordVerifier(passwordTasks(this.asker)),
      anonymous: new DirectoryAnonymousSessions(this.sm),
      registerCore: (hostType, auth, config) =>
        registerCoreHooks(this.registry, hostType, auth, config, this.#existence, () => this),
    });
    this.accounts = new AccountService({
      hostTypeAuth: (name) => this.hostTypes.auth(name),
      nextRef: () => this.nextRef(),
      timestamp: () => this.timestamp(),
      announce: (notice, bare) => this.#announce(notice, bare),
      exists: (hostType, jid) => this.#existence.has(hostType, jid, 'stored'),
      closeSessions: (jid, text) => this.closeSessions(jid, text),
    });
    this.routing = new Routing(
      {
        shard: boot.shard,
        counters: this.counters,
        log: this.log,
        globals: this.hostTypes.globals,
        sm: this.sm,
        existence: this.#existence,
        findDomain: (domain) => this.#findDomain(domain),
        isOwnSubdomain: (domain) => this.#isOwnSubdomain(domain),
        forwardAnswer: (shard, acc) => this.#forwardAnswer(shard, acc),
      },
      boot.config.general.routingModules,
    );
    this.subhosts = new Subhosts(this.hostTypes.globals, () => this.routing.routes);
    this.components = new Components({
      shard: boot.shard,
      globals: this.hostTypes.globals,
      subhosts: this.subhosts,
      routing: () => this.routing,
      isTaken: (domain) => this.#findDomain(domain) !== undefined,
      access: (rule, jid) => this.access(rule, jid, this.defaultDomain),
      tell: (notice, component, shard) => this.#tell(notice, component, shard),
      forward: (shard, acc) => remote.toComponent(shard, acc),
    });
    this.tls = new Tls(this.log, boot.selfSigned);
    this.login = new Logins({
      secret: Buffer.from(boot.secret),
      tlsFacts: this.tls,
      domain: (name) => this.domain(name),
      hostTypeAuth: (name) => this.hostTypes.auth(name),
      access: (rule, jid, domain) => this.access(rule, jid, domain.name),
    });
    this.connections = new Connections({
      counters: this.counters,
      c2s: this,
      listener: (index) => this.#listeners[index],
      touch: () => this.#loop.touch(),
      isCongested: () => this.#outbox.isCongested,
      nowMs: () => this.monotonicMs(),
      connectionClosed: (listener, address) => {
        post({ kind: 'connection_closed', listener, address });
        if (this.#isDraining && this.connections.size === 0) post({ kind: 'drained' });
      },
    });
    this.#frames = new FrameReceiver({
      jids: this.jids,
      sm: this.sm,
      routing: this.routing,
      components: this.components,
      store: this.store,
      keys: this.keys,
      hostType: (name) => this.hostTypes.get(name),
      trace: (acc) => this.tracing.continued(acc),
      notice: (notice, payload) => this.#noticed(notice, payload),
    });
    for (const peer of boot.peers) this.#connect(peer);
  }

  get globals(): HostTypes['globals'] {
    return this.hostTypes.globals;
  }

  get defaultDomain(): string {
    return this.#config.general.defaultServerDomain;
  }

  get defaultLanguage(): string {
    return this.#config.general.language;
  }

  get registrationTimeoutMs(): number {
    return this.#config.general.registrationTimeoutMs;
  }

  get config(): Config {
    return this.#config;
  }

  /** Starts modules and timers; then the shard can take connections. */
  async start(): Promise<void> {
    await this.#waker.start();
    await this.#apply(this.#config);
    setInterval(() => this.connections.expireLogins(), LOGIN_CHECK_MS).unref();
    setInterval(() => this.#housekeeping(), STORE_CHECK_MS).unref();
    watchLoopDelay(({ p50Us, p99Us, maxUs }) => {
      this.counters[Counter.loop_delay_p50_us] = p50Us;
      this.counters[Counter.loop_delay_p99_us] = p99Us;
      this.counters[Counter.loop_delay_max_us] = maxUs;
    });
    setInterval(() => {
      this.counters[Counter.heartbeat]!++;
      this.#loop.touch();
    }, HEARTBEAT_MS);
    this.#loop.touch();
    this.#post({ kind: 'ready' });
  }

  /** Takes over a changed configuration. Rejects, and changes nothing, when a module cannot be loaded. */
  async reload(config: Config): Promise<void> {
    await this.#apply(config);
  }

  async #apply(config: Config): Promise<void> {
    const before = this.#config;
    this.#config = config;
    try {
      this.tls.load(config.listen.c2s.map((listener) => listener.tls));
      this.#listeners = config.listen.c2s.map((listener, index) => ({
        index,
        limits: { ...SCAN_LIMITS, stanzaBytesMax: listener.maxStanzaSizeBytes },
        stateTimeoutMs: listener.stateTimeoutMs,
        isBackwardsCompatibleSession: true,
        hidesServiceName: config.general.hideServiceName,
        tls: listener.tls,
        access: listener.access,
        shaper: listener.shaper,
        authMethods: listener.allowedAuthMethods,
      }));
      this.subhosts.hold();
      await this.hostTypes.apply(config, ++this.#configVersion, this);
    } catch (cause) {
      this.#config = before;
      throw cause;
    } finally {
      this.subhosts.release();
    }
    for (const domain of this.routing.routes.domains()) {
      if (!config.hosts.has(domain) && this.subhosts.get(domain) === undefined)
        this.routing.routes.remove(domain);
    }
    for (const [host] of config.hosts) this.routing.routes.add(this.#findDomain(host)!);
    this.routing.setModules(config.general.routingModules);
    setLogLevel(this.log, config.general.loglevel);
    this.login.forget();
  }

  /** The server stops: tells every client, then waits for the connections to end. */
  drain(): void {
    this.#isDraining = true;
    for (const c2s of [...this.connections.streams()]) c2s.fail('system-shutdown');
    this.#loop.touch();
    if (this.connections.size === 0) this.#post({ kind: 'drained' });
  }

  /** Ends modules. The thread ends right after. */
  stop(): void {
    this.hostTypes.stop();
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
        this.#connect(message.peer);
        break;
      case 'peer_lost':
        this.#disconnect(message.thread);
        break;
      case 'cleanup':
        void this.#cleanUp(message.shard, message.sessions);
        break;
      case 'drain':
        this.drain();
        break;
      default:
        break;
    }
    this.#loop.touch();
  }

  // ── other threads ──────────────────────────────────────────────────────────────────────────────────────────

  #connect(peer: Peer): void {
    const { thread } = peer;
    this.#outbox.connect(thread, peer.out, thread === this.#boot.storeThread);
    this.#inbox.connect(thread, new RingConsumer(peer.in));
    if (thread === this.#boot.storeThread) this.store.up();
    else this.components.shardUp(thread);
    this.#loop.touch();
  }

  /** A thread died. What it had not read any more is looked after: stanzas are routed again. */
  #disconnect(thread: number): void {
    // First what it still sent, then what it will never read.
    this.#inbox.finish(thread);
    this.#waker.forget(thread);
    const lost = this.#outbox.reclaim(thread);
    if (thread === this.#boot.storeThread) this.store.down();
    else {
      this.components.shardLost(thread);
      for (const bytes of lost) this.#rerouteFrame(bytes);
    }
    this.#loop.touch();
  }

  #rerouteFrame(bytes: Buffer): void {
    try {
      this.#frames.returned(bytes);
    } catch (cause) {
      this.log.error(
        { err: cause, what: 'reroute_failed' },
        'a frame for a dead shard could not be routed again',
      );
    }
  }

  #sendToStore(bytes: Buffer): boolean {
    this.#loop.touch();
    return this.#outbox.send(this.#boot.storeThread, bytes);
  }

  #forwardAnswer(shard: number, acc: Accumulator): void {
    const { from, to } = acc;
    const stanza = acc.stanza!.toBuffer(from.wire, to.wire);
    this.#outbox.send(
      shard,
      encodeFrame({ kind: FrameKind.IQ_ANSWER, from: from.full, to: to.full, stanza }),
    );
  }

  /** Tells all shards, this one at once. */
  #announce(notice: string, payload: unknown): void {
    this.#noticed(notice, payload);
    this.#tell(notice, payload);
  }

  /** Tells the other shards, or only one of them. */
  #tell(notice: string, payload: unknown, only?: number): void {
    const bytes = encodeFrame({ kind: FrameKind.NOTICE, notice, payload });
    for (let shard = only ?? 0; shard <= (only ?? this.#boot.shards - 1); shard++) {
      if (shard !== this.shard) this.#outbox.send(shard, bytes);
    }
    this.#loop.touch();
  }

  #noticed(notice: string, payload: unknown): void {
    if (notice === 'user_registered' || notice === 'user_removed') this.#existence.forget(payload as string);
    else if (notice === 'component_up') this.components.up(payload as ComponentNotice);
    else if (notice === 'component_down') this.components.down(payload as ComponentNotice);
    else if (notice === 'module') {
      const { module, content } = payload as { module: string; content: unknown };
      for (const handler of this.#moduleListeners.get(module) ?? []) handler(content);
    }
  }

  announceToModule(module: string, content: unknown): void {
    if (!this.dryRun.isActive) this.#announce('module', { module, content });
  }

  onAnnouncement(module: string, handler: (content: unknown) => void): () => void {
    let listeners = this.#moduleListeners.get(module);
    if (listeners === undefined) {
      listeners = new Set();
      this.#moduleListeners.set(module, listeners);
    }
    listeners.add(handler);
    return () => listeners.delete(handler);
  }

  // ── hooks ──────────────────────────────────────────────────────────────────────────────────────────────────

  #hookFailed(hook: string, entry: HandlerEntry, acc: unknown, cause: unknown): void {
    this.counters[Counter.hook_failed]!++;
    const ref = acc instanceof Accumulator ? acc.ref : undefined;
    const { module, priority } = entry;
    this.log.error({ err: cause, what: 'hook_failed', hook, module, priority, ref }, 'a hook handler failed');
  }

  #unknownKey(name: string): void {
    this.countFor('permanent_key_dropped', 1);
    this.log.warn(
      { what: 'unknown_permanent_key', key: name },
      'a permanent key cannot travel: no codec is registered',
    );
  }

  /** Another shard died: clean up for it, once per server (`node_cleanup`), and for each of its sessions. */
  async #cleanUp(
    shard: number,
    sessions: readonly { jid: string; number: number; time: number }[],
  ): Promise<void> {
    const node = `shard ${shard}`;
    // First, for the shard that takes its place may claim anew.
    await this.store.request('release_shard', shard).catch(() => {});
    await foldHook(this.globals, 'node_cleanup', {}, { node });
    for (const hostType of this.hostTypes.all()) {
      const own = sessions
        .map(({ jid, number, time }) => ({ jid: this.jids.trusted(jid), sid: { shard, number, time } }))
        .filter(({ jid }) => this.domain(jid.domain)?.hostType === hostType);
      await foldHook(hostType, 'node_cleanup_for_host_type', {}, { node });
      await foldHook(hostType, 'sessions_cleanup', undefined, { sessions: own });
      for (const { jid, sid } of own) {
        const acc = new Accumulator(
          this.nextRef(),
          this.timestamp(),
          0,
          hostType,
          jid.domain,
          undefined,
          jid,
          jid,
        );
        await runHook(hostType, 'session_cleanup', acc, { jid, sid });
      }
    }
  }

  resendOffline(c2s: C2s, acc: Accumulator): void {
    if (this.dryRun.isActive) return;
    const verdict = runHook(c2s.hostType, 'resend_offline_messages', acc, { jid: c2s.jid });
    if (!(verdict instanceof Promise)) {
      this.#routeOffline(acc);
      return;
    }
    const done = verdict.then(() => this.#routeOffline(acc));
    // Live stanzas wait behind the stored ones, but not for a store that does not answer.
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, OFFLINE_HOLD_MS_MAX).unref();
    holdReceiving(
      c2s,
      Promise.race([done, patience.promise]).finally(() => clearTimeout(timer)),
    );
  }

  /** Routes what the handlers of `resend_offline_messages` gave, one after the other. */
  #routeOffline(acc: Accumulator): undefined | Promise<void> {
    const messages = acc.get<readonly OfflineRoute[]>('offline', 'messages') ?? [];
    acc.delete('offline', 'messages');
    this.#loop.touch();
    return this.#routeOneByOne(messages, 0);
  }

  #routeOneByOne(messages: readonly OfflineRoute[], first: number): undefined | Promise<void> {
    for (let i = first; i < messages.length; i++) {
      const { acc, routed } = messages[i]!;
      const routing = this.routing.route(acc);
      if (routing !== undefined) {
        return routing.then(() => {
          routed?.();
          return this.#routeOneByOne(messages, i + 1);
        });
      }
      routed?.();
    }
    return undefined;
  }

  // ── C2sHost ────────────────────────────────────────────────────────────────────────────────────────────────

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
    this.#loop.touch();
  }

  domain(name: string): DomainInfo | undefined {
    const hostType = this.#config.hosts.get(name);
    const entry = hostType === undefined ? undefined : this.hostTypes.get(hostType);
    return entry === undefined ? undefined : { name, hostType: entry };
  }

  route(acc: Accumulator): undefined | Promise<unknown> {
    return this.routing.route(acc);
  }

  watchLogin(c2s: C2s): void {
    this.connections.watchLogin(c2s);
  }

  unwatchLogin(c2s: C2s): void {
    this.connections.unwatchLogin(c2s);
  }

  newSessionId(): SessionId {
    return this.#sessions.newId();
  }

  cancelSessionId(sid: SessionId): void {
    this.#sessions.cancelId(sid);
  }

  openSession(c2s: C2s, jid: Jid, sid: SessionId): OpenResult {
    const result = this.#sessions.open(c2s, jid, sid);
    c2s.isTraced = this.tracing.isActive;
    return result;
  }

  closeSession(c2s: C2s): void {
    this.#sessions.close(c2s);
  }

  trace(_c2s: C2s, acc: Accumulator): Trace | undefined {
    return this.tracing.of(acc);
  }

  undeliverable(acc: Accumulator): void {
    this.routing.routeAgain(acc);
  }

  streamEnded(_c2s: C2s): void {
    this.#loop.touch();
  }

  // ── ShardServices ──────────────────────────────────────────────────────────────────────────────────────────

  hostsOf(hostType: string): readonly string[] {
    return this.hostTypes.settings(hostType)?.hosts ?? [];
  }

  access(rule: string, jid: Jid, host: string): string | number {
    const settings = this.hostTypes.settings(this.#config.hosts.get(host) ?? '');
    return settings === undefined ? 'deny' : matchRule(rule, jid, { domain: host, hostTypeConfig: settings });
  }

  #sessionsMax(jid: Jid, domain: string): number {
    const value = this.access('max_user_sessions', jid, domain);
    return typeof value === 'number' ? value : USER_SESSIONS_MAX;
  }

  #replacedWaitMs(domain: string): number {
    const hostType = this.#config.hosts.get(domain) ?? '';
    return this.hostTypes.settings(hostType)?.replacedWaitTimeoutMs ?? REPLACED_WAIT_MS;
  }

  #isOwnSubdomain(domain: string): boolean {
    for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
      const hostType = this.#config.hosts.get(domain.slice(dot + 1));
      if (hostType !== undefined) return this.hostTypes.settings(hostType)?.routeSubdomains !== 's2s';
    }
    return false;
  }

  #findDomain(domain: string): Route | undefined {
    const known = this.subhosts.get(domain);
    if (known !== undefined) return known;
    const info = this.domain(domain);
    if (info === undefined) return undefined;
    return { domain, hostType: info.hostType, handler: (acc) => this.routing.local.handle(acc) };
  }

  knownDomains(
    hostType: string,
  ): { domain: string; kind: 'host' | 'subdomain' | 'component'; isHidden: boolean }[] {
    return [
      ...this.hostsOf(hostType).map((domain) => ({ domain, kind: 'host' as const, isHidden: false })),
      ...this.subhosts
        .of(hostType)
        .map((domain) => ({ domain, kind: 'subdomain' as const, isHidden: false })),
      ...this.routing.components
        .all()
        .map(({ domain, isHidden }) => ({ domain, kind: 'component' as const, isHidden })),
    ];
  }

  featuresOf(hostType: string, component: IqComponent): string[] {
    const namespaces = this.routing.iqs.namespaces(hostType, component);
    if (component === 'sm') return namespaces;
    const features = this.hostTypes.modules(hostType).flatMap((definition) => definition.features ?? []);
    return [...new Set([...namespaces, ...features])];
  }

  async availableResources(bare: Jid): Promise<Jid[]> {
    const found = this.sm.availableHandles(bare);
    const texts = await Promise.all(
      found.map(({ handle, jid }) => jid ?? this.asker.ask('long_jid', handle).catch(() => undefined)),
    );
    // Another account may have the same hash.
    return texts
      .filter((text) => text !== undefined)
      .map((text) => this.jids.trusted(text))
      .filter((jid) => jid.bare === bare.bare && !jid.isBare);
  }

  localSession(full: Jid): C2s | undefined {
    if (!this.sm.findFull(full) || this.sm.directory.shard !== this.shard) return undefined;
    return this.sm.here(this.sm.directory.number, full, false) as C2s | undefined;
  }

  countFor(name: string, by: number): void {
    this.#moduleCounters.set(name, (this.#moduleCounters.get(name) ?? 0) + by);
  }

  /** Counters that modules made, by name. */
  get moduleCounters(): ReadonlyMap<string, number> {
    return this.#moduleCounters;
  }

  /** Frames that wait for room in the ring to each other thread. */
  lanes(): { readonly to: number; readonly waitingFrames: number }[] {
    return [...Array(this.#boot.shards).keys(), this.#boot.storeThread]
      .filter((to) => to !== this.shard)
      .map((to) => ({ to, waitingFrames: this.#outbox.overflowLength(to) }));
  }

  /** Whether an account exists, asked of the store if need be. */
  doesUserExist(jid: Jid): boolean | Promise<boolean> {
    return this.#existence.has(this.domain(jid.domain)?.hostType, jid.bareJid, 'stored');
  }

  /** Ends all sessions of an account, wherever they are. Returns how many. */
  closeSessions(jid: Jid, text: string): number {
    const sessions = this.sm.sessionsOf(jid.bareJid);
    for (const { shard, number, time } of sessions) {
      this.sm.closeSession({ shard, number, time }, jid.bare, 'kicked', text);
    }
    this.#loop.touch();
    return sessions.length;
  }

  #housekeeping(): void {
    this.store.expire();
    this.counters[Counter.store_queue] = this.store.pendingCount;
    this.counters[Counter.heap_used_bytes] = process.memoryUsage().heapUsed;
  }
}
