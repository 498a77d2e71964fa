import { hkdfSync } from 'node:crypto';
import type { LdapDirectory } from '../auth/ldap.ts';
import { C2s } from '../c2s/c2s.ts';
import { Accumulator, Origin } from '../hooks/accumulator.ts';
import type { Verdict } from '../hooks/chain.ts';
import type { HostType } from '../hooks/host-type.ts';
import type { ModuleMechanism, StreamLogin } from '../hooks/login.ts';
import { type Handler, HOOK_INDEX, type HookAcc, type HookName, type HookParams } from '../hooks/points.ts';
import type { PrivacyCheck } from '../hooks/privacy.ts';
import { checkPrivacy } from '../hooks/privacy.ts';
import { GLOBAL, type HandlerOptions } from '../hooks/registry.ts';
import { foldHook, runHook, type StanzaHook, type ValueHook } from '../hooks/run.ts';
import type { C2sParams } from '../hooks/session.ts';
import type { ContactInfo, PrivacyDecision, PrivacyList } from '../hooks/values.ts';
import type { IqDiscipline, IqHandler } from '../local/iq.ts';
import type { IqComponent } from '../local/iq-table.ts';
import type {
  Accounts,
  CommandInput,
  FlaggedSession,
  KeyCodec,
  ModuleContext,
  SessionHandle,
  StateCodec,
  TakeOverJudge,
  TakeOverResult,
  Values,
} from '../modules/module.ts';
import type { Logger } from '../observe/log.ts';
import type { LdapPool } from '../outgoing/ldap-pool.ts';
import { ALL_SHARDS } from '../sm/outbox.ts';
import type { SessionRef } from '../sm/session-manager.ts';
import type { Store } from '../store/store.ts';
import { Element } from '../xml/element.ts';
import type { Jid } from '../xmpp/jid.ts';
import { NS_CLIENT } from '../xmpp/namespaces.ts';
import { isSameSession, type SessionId } from '../xmpp/session-id.ts';
import { Stanza } from '../xmpp/stanza.ts';
import { presenceTargets } from './privacy.ts';
import type { ShardServices } from './services.ts';
import { Handle, NO_EFFECTS } from './session-handle.ts';
import { C2sLogin } from './stream-login.ts';

const DEFAULT_DISCIPLINE: IqDiscipline = { type: 'no_queue' };

/** The API of one running module in one shard: hands everything on to the shard, and remembers what to undo. */
export class ShardModuleContext implements ModuleContext {
  readonly module: string;
  readonly options: unknown;
  readonly hostType: string;
  readonly slot: number;
  readonly log: Logger;
  readonly values: Values;
  readonly accounts: Accounts;
  readonly #shard: ShardServices;
  readonly #hostType: HostType;
  /** How this module's state goes with sessions to other shards. */
  stateCodec: StateCodec | undefined = undefined;
  readonly #undo: ((isRestart: boolean) => void)[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #directories = new Map<string, LdapPool>();

  constructor(shard: ShardServices, hostType: HostType, module: string, options: unknown, slot: number) {
    this.#shard = shard;
    this.#hostType = hostType;
    this.module = module;
    this.options = options;
    this.hostType = hostType.name;
    this.slot = slot;
    this.log = shard.log.child({ module });
    this.values = valuesOf(shard.store, module);
    this.accounts = shard.accounts.of(hostType);
  }

  get hosts(): readonly string[] {
    return this.#shard.domains.hostsOf(this.hostType);
  }

  get shard(): number {
    return this.#shard.shard;
  }

  get store(): Store {
    return this.#shard.store;
  }

  get product(): { readonly name: string; readonly version: string } {
    return this.#shard.product;
  }

  get registrationTimeoutMs(): number {
    return this.#shard.registrationTimeoutMs;
  }

  // ── registrations ──────────────────────────────────────────────────────────────────────────────────────────

  hook<N extends HookName>(
    name: N,
    priority: number,
    handler: { [K in HookName]: Handler<K> }[N],
    options?: HandlerOptions,
  ): void {
    this.#shard.registry.add(name, this.hostType, priority, this.module, handler, options);
  }

  globalHook<N extends HookName>(
    name: N,
    priority: number,
    handler: { [K in HookName]: Handler<K> }[N],
    options?: HandlerOptions,
  ): void {
    this.#shard.registry.add(name, GLOBAL, priority, `${this.module} (${this.hostType})`, handler, options);
  }

  iq(
    component: IqComponent,
    namespace: string,
    handler: IqHandler,
    discipline: IqDiscipline = DEFAULT_DISCIPLINE,
  ): void {
    const { iqs } = this.#shard.routing;
    iqs.add(this.hostType, component, namespace, handler, discipline);
    this.#undo.push(() => iqs.remove(this.hostType, component, namespace));
  }

  subdomain(domain: string, handler: (acc: Accumulator) => undefined | Promise<unknown>): void {
    this.#shard.subhosts.add(this.#hostType, domain, handler);
    this.#undo.push(() => this.#shard.subhosts.remove(domain));
  }

  component(
    domain: string,
    receive: (acc: Accumulator) => undefined | Promise<unknown>,
    options?: { readonly isHidden?: boolean; readonly access?: string },
  ): boolean {
    const isOpen = this.#shard.components.open(domain, receive, options);
    if (isOpen) this.#undo.push(() => this.#shard.components.close(domain));
    return isOpen;
  }

  command(name: string, run: (input: CommandInput) => Promise<unknown>): void {
    const { moduleCommands } = this.#shard;
    moduleCommands.add(this.hostType, this.module, name, run);
    this.#undo.push(() => moduleCommands.remove(this.hostType, name));
  }

  onStop(callback: (isRestart: boolean) => void): void {
    this.#undo.push(callback);
  }

  /** Ends the module: its hooks first, then everything else that it registered, the last first. `isRestart`: it is started again at once. */
  stop(isRestart = false): void {
    this.#shard.registry.removeModule(this.module, this.hostType);
    this.#shard.registry.removeModule(`${this.module} (${this.hostType})`, GLOBAL);
    for (const undo of this.#undo.reverse()) {
      try {
        undo(isRestart);
      } catch (cause) {
        this.log.error({ err: cause, what: 'module_stop_failed' }, 'stopping a module failed');
      }
    }
    this.#undo.length = 0;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  // ── hooks and routing ──────────────────────────────────────────────────────────────────────────────────────

  runHook<N extends StanzaHook>(
    name: N,
    acc: Accumulator,
    params: HookParams<N>,
  ): Verdict | Promise<Verdict> {
    return runHook(this.#hostType, name, acc, params);
  }

  foldHook<N extends ValueHook>(
    name: N,
    value: HookAcc<N>,
    params: HookParams<N>,
  ): HookAcc<N> | Promise<HookAcc<N>> {
    return foldHook(this.#hostType, name, value, params, this.#shard.dryRun.trace);
  }

  hasOtherHandlers(name: HookName): boolean {
    const chain = this.#hostType.chains[HOOK_INDEX[name]] ?? null;
    if (chain === null) return false;
    const { entries } = chain;
    for (let i = 0; i < entries.length; i++) if (entries[i]!.module !== this.module) return true;
    return false;
  }

  checkPrivacy(acc: Accumulator, check: PrivacyCheck): PrivacyDecision | Promise<PrivacyDecision> {
    return checkPrivacy(this.#hostType, acc, check);
  }

  presenceTargets(
    acc: Accumulator,
    own: C2sParams | Jid,
    targets: readonly Jid[],
    type: string | undefined,
    list?: PrivacyList,
  ): readonly Jid[] | Promise<readonly Jid[]> {
    return presenceTargets(this.#hostType, acc, own, targets, type, list);
  }

  get isDryRun(): boolean {
    return this.#shard.dryRun.isActive;
  }

  accumulator(from: Jid, to: Jid, stanza: Stanza | Element): Accumulator {
    const acc = new Accumulator(
      this.#shard.nextRef(),
      this.#shard.timestamp(),
      Origin.NONE,
      this.#hostType,
      from.domain,
      stanza instanceof Element ? Stanza.of(stanza) : stanza,
      from,
      to,
    );
    acc.trace = this.#shard.dryRun.trace;
    return acc;
  }

  route(acc: Accumulator): undefined | Promise<unknown> {
    if (this.#shard.dryRun.isActive) acc.trace ??= this.#shard.dryRun.trace;
    this.#shard.touch();
    return this.#shard.routing.route(acc);
  }

  routeAgain(acc: Accumulator): void {
    this.#shard.touch();
    void this.#shard.routing.routeAgain(acc);
  }

  multicast(cause: Accumulator, stanza: Stanza, from: Jid, recipients: readonly Jid[]): void {
    if (this.#shard.dryRun.isActive) {
      for (const to of recipients) void this.route(cause.derive(stanza, from, to));
      return;
    }
    this.#shard.touch();
    this.#shard.routing.multicast.send(cause, stanza, from, recipients);
  }

  absentProbe(answer: (acc: Accumulator) => undefined | Promise<unknown>): void {
    const { absentProbes } = this.#shard.routing;
    absentProbes.set(this.hostType, answer);
    this.#undo.push(() => absentProbes.delete(this.hostType));
  }

  jid(text: string): Jid | undefined {
    return this.#shard.jids.parse(text);
  }

  outcome(acc: Accumulator, outcome: 'stored' | 'bounced' | 'dropped'): void {
    this.#shard.routing.outcome(acc, outcome);
  }

  trustedJid(full: string): Jid {
    return this.#shard.jids.trusted(full);
  }

  permanentKey(namespace: string, key: string, codec: KeyCodec): void {
    const { keys } = this.#shard;
    keys.register(namespace, key, codec);
    this.#undo.push(() => keys.unregister(namespace, key));
  }

  encodeKeys(keys: ReadonlyMap<string, unknown> | undefined): readonly (readonly [string, unknown])[] {
    return this.#shard.keys.encode(keys) ?? [];
  }

  decodeKeys(keys: readonly (readonly [string, unknown])[]): ReadonlyMap<string, unknown> | undefined {
    return this.#shard.keys.decode(keys);
  }

  request(
    to: Jid,
    from: Jid,
    payload: Element,
    callback: (answer: Accumulator | undefined) => void,
    timeoutMs?: number,
  ): boolean {
    if (this.#withheld('request', `to ${to.full}`)) return true;
    const id = this.#shard.routing.pending.register(to.full, callback, timeoutMs);
    if (id === undefined) return false;
    const iq = Element.of('iq', NS_CLIENT, { type: 'get', id }, payload);
    void this.route(this.accumulator(from, to, iq));
    return true;
  }

  // ── sessions ───────────────────────────────────────────────────────────────────────────────────────────────

  sessions(bare: Jid): SessionRef[] {
    return this.#shard.sm.sessionsOf(bare);
  }

  setFlag(session: C2sParams, flag: number, isSet: boolean): void {
    if (this.#withheld('flag', `${flag} ${isSet ? 'on' : 'off'}`)) return;
    const c2s = session as C2s;
    this.#shard.sessions.setFlags(c2s, isSet ? c2s.flags | flag : c2s.flags & ~flag);
  }

  flaggedSessions(
    bare: Jid,
    flags: number,
    except?: SessionId,
  ): readonly FlaggedSession[] | Promise<readonly FlaggedSession[]> {
    return this.#shard.sessions.flagged(bare, flags, except);
  }

  availableResources(bare: Jid): Promise<Jid[]> {
    return this.#shard.sessions.availableResources(bare);
  }

  isSubscribed(reader: Jid, user: Jid): boolean | Promise<boolean> {
    if (reader.bare === user.bare) return true;
    const none: ContactInfo = { subscription: 'none', groups: [] };
    const info = this.foldHook('roster_get_jid_info', none, { to: user.bareJid, remote: reader.bareJid });
    return info instanceof Promise ? info.then(seesPresence) : seesPresence(info);
  }

  closeSessions(bare: Jid, text: string): number {
    if (this.#withheld('close', bare.bare)) return 0;
    this.#shard.touch();
    return this.#shard.sessions.closeAll(bare, text);
  }

  holdDelivery(bare: Jid, until: Promise<unknown>): void {
    this.#shard.routing.delivery.hold(bare.bare, until);
  }

  async whenHandled(): Promise<void> {
    await this.#shard.sm.remote.fence(ALL_SHARDS);
  }

  announce(content: unknown): void {
    this.#shard.notices.announceToModule(this.module, content);
  }

  onAnnouncement(handler: (content: unknown) => void, module = this.module): void {
    this.#undo.push(
      this.#shard.notices.onAnnouncement(module, (content) => this.#guarded(() => handler(content))),
    );
  }

  sessionState<State>(codec: StateCodec<State>): void {
    this.stateCodec = codec as StateCodec;
  }

  takeOver(
    stream: C2sParams,
    content: unknown,
    isEverywhere: boolean,
    done: (result: TakeOverResult) => void,
  ): () => void {
    return this.#shard.takeOvers.request(stream as C2s, this.module, content, isEverywhere, done);
  }

  onTakeOver(judge: TakeOverJudge): void {
    this.#undo.push(this.#shard.takeOvers.judges.register(this.module, this.hostType, judge));
  }

  mayOpenSession(stream: C2sParams): boolean | Promise<boolean> {
    const c2s = stream as C2s;
    return c2s.host.login.mayOpenSession(c2s, c2s.jid);
  }

  handOver(acc: Accumulator, to: SessionId): void {
    this.#shard.touch();
    this.#shard.routing.handOver(acc, to);
  }

  handle(session: C2sParams): SessionHandle {
    return this.#shard.dryRun.isActive ? { ...NO_EFFECTS, params: session } : new Handle(session as C2s);
  }

  committing(acc: Accumulator, until: Promise<unknown>): void {
    const { originSid } = acc;
    if (originSid?.shard !== this.shard || this.#shard.dryRun.isActive) return;
    const session = this.#shard.sm.table.get(originSid.number);
    if (!(session instanceof C2s) || !isSameSession(session.sid, originSid)) return;
    session.commits ??= new Set();
    session.commits.add(until);
    const done = (): void => {
      session.commits?.delete(until);
      if (session.commits?.size === 0) session.commits = undefined;
    };
    until.then(done, done);
  }

  session(full: Jid): SessionHandle | undefined {
    const c2s = this.#shard.sessions.local(full);
    if (c2s === undefined) return undefined;
    return this.#shard.dryRun.isActive ? { ...NO_EFFECTS, params: c2s } : new Handle(c2s);
  }

  login(params: C2sParams): StreamLogin {
    return new C2sLogin(params as C2s);
  }

  sharedKey(name: string, bytes: number): Buffer {
    const purpose = `${this.module}\0${this.hostType}\0${name}`;
    return Buffer.from(hkdfSync('sha512', this.#shard.runSecret, '', purpose, bytes));
  }

  onRevocation(handler: (jid: Jid) => Promise<unknown>): void {
    this.#undo.push(this.#shard.revocations.on(this.hostType, handler));
  }

  mechanism(mechanism: ModuleMechanism): void {
    this.#undo.push(this.#shard.mechanisms.add(this.hostType, mechanism));
  }

  /** Whether a route is only being explained; then the effect is noted, and must not happen. */
  #withheld(step: string, outcome: string): boolean {
    const { dryRun } = this.#shard;
    if (!dryRun.isActive) return false;
    dryRun.note(`${this.module} ${step}`, `would happen: ${outcome}`);
    return true;
  }

  setPresence(params: C2sParams, acc: Accumulator, priority: number, presence: Stanza): void {
    if (this.#withheld('presence', `priority ${priority}`)) return;
    const c2s = params as C2s;
    c2s.priority = priority;
    this.#shard.sm.setPriority(c2s, priority);
    void runHook(this.#hostType, 'set_presence', acc, { jid: c2s.jid, presence });
  }

  unsetPresence(params: C2sParams, acc: Accumulator, status: string): void {
    if (this.#withheld('presence', 'unavailable')) return;
    const c2s = params as C2s;
    c2s.priority = undefined;
    this.#shard.sm.setPriority(c2s, undefined);
    void runHook(this.#hostType, 'unset_presence', acc, { jid: c2s.jid, status });
  }

  resendOffline(params: C2sParams, acc: Accumulator): void {
    if (!this.#shard.dryRun.isActive) this.#shard.storedMessages.resend(params as C2s, acc);
  }

  sendEvent(bare: Jid, content: unknown, wanted?: (session: SessionRef) => boolean): number {
    if (this.#withheld('event', `to ${bare.bare}`)) return 0;
    this.#shard.touch();
    return this.#shard.sm.sendEvent(bare, this.module, content, wanted);
  }

  // ── the rest ───────────────────────────────────────────────────────────────────────────────────────────────

  access(rule: string, jid: Jid, host: string): string | number {
    return this.#shard.domains.access(rule, jid, host);
  }

  hostOf(domain: string): string | undefined {
    return this.#shard.domains.hostOf(domain);
  }

  knownDomains(): { domain: string; kind: 'host' | 'subdomain' | 'component'; isHidden: boolean }[] {
    return this.#shard.domains.known(this.hostType);
  }

  features(component: IqComponent): string[] {
    return this.#shard.domains.featuresOf(this.hostType, component);
  }

  takeTurn(limit: string, key: string, periodMs: number): Promise<boolean> {
    const { dryRun, asker } = this.#shard;
    if (dryRun.isActive) return dryRun.never(`${this.module} limit`, `would ask: ${limit}`);
    return asker.ask('take_turn', limit, key, periodMs);
  }

  ldap(tag: string): Pick<LdapDirectory, 'search'> {
    this.#directories.set(tag, this.#shard.ldapPool(this.hostType, tag));
    return { search: (query) => this.#directories.get(tag)!.search(query) };
  }

  /** The configuration changed, and this module goes on: its pools, with what is new about them. Throws if one is gone. */
  keepPools(): void {
    for (const tag of this.#directories.keys()) {
      this.#directories.set(tag, this.#shard.ldapPool(this.hostType, tag));
    }
  }

  every(ms: number, callback: () => void): void {
    const timer = setInterval(() => this.#guarded(callback), ms);
    timer.unref();
    this.#undo.push(() => clearInterval(timer));
  }

  after(ms: number, callback: () => void): () => void {
    if (this.#withheld('timer', `${ms} ms`)) return () => {};
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#guarded(callback);
    }, ms);
    timer.unref();
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }

  timestamp(): number {
    return this.#shard.timestamp();
  }

  count(name: string, by = 1): void {
    this.#shard.countFor(`${this.module}_${name}`, by);
  }

  #guarded(callback: () => void): void {
    this.#shard.touch();
    try {
      callback();
    } catch (cause) {
      this.log.error({ err: cause, what: 'timer_failed' }, 'a timer or announcement of a module failed');
    }
  }
}

function seesPresence({ subscription }: ContactInfo): boolean {
  return subscription === 'from' || subscription === 'both';
}

function valuesOf(store: Store, module: string): Values {
  return {
    get: (scope, key) => store.request('value_get', module, scope, key),
    set: async (scope, key, value) => {
      await store.request('value_set', module, scope, key, value);
    },
    delete: (scope, key) => store.request('value_delete', module, scope, key),
    list: (scope, after = '', limit = 100) => store.request('value_list', module, scope, after, limit),
  };
}
