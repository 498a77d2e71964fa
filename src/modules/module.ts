import { z } from 'zod';
import type { LdapDirectory } from '../auth/ldap.ts';
import type { Accumulator } from '../hooks/accumulator.ts';
import type { Acknowledger } from '../hooks/acknowledger.ts';
import type { Verdict } from '../hooks/chain.ts';
import type { ModuleMechanism, StreamLogin } from '../hooks/login.ts';
import type { Handler, HookAcc, HookName, HookParams } from '../hooks/points.ts';
import type { PrivacyCheck } from '../hooks/privacy.ts';
import type { HandlerOptions } from '../hooks/registry.ts';
import type { StanzaHook, ValueHook } from '../hooks/run.ts';
import type { C2sParams } from '../hooks/session.ts';
import type { PrivacyDecision, PrivacyList } from '../hooks/values.ts';
import type { IqDiscipline, IqHandler } from '../local/iq.ts';
import type { IqComponent } from '../local/iq-table.ts';
import type { Logger } from '../observe/log.ts';
import type { SessionRef } from '../sm/session-manager.ts';
import type { Store } from '../store/store.ts';
import type { Element } from '../xml/element.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import type { Stanza } from '../xmpp/stanza.ts';

/**
 * All that a module may use: `meerkat/module`. Built-in modules and an operator's own have the same: there is nothing private behind it.
 *
 * A module hangs on hooks and answers requests; it never imports another module, and never sees a socket, a ring or SQL.
 */

export { equalSecrets } from '../auth/constant-time.ts';
export type { LdapDeref, LdapDirectory, LdapEntry, LdapQuery } from '../auth/ldap.ts';
export { escapeFilterValue, fillFilter, type LdapUid, userFilter, usernameIn } from '../auth/ldap-filter.ts';
export type { ExternalClaim, ExternalIdentity } from '../auth/sasl/external-rules.ts';
export { failure as saslFailure } from '../auth/sasl/result.ts';
export type { Accumulator } from '../hooks/accumulator.ts';
export { Flag, Origin } from '../hooks/accumulator.ts';
export type { Acknowledger } from '../hooks/acknowledger.ts';
export { afterwards, runAfterwards } from '../hooks/afterwards.ts';
export { DROP, STOP, type Stop, stop, type Verdict } from '../hooks/chain.ts';
export { type KeptRecord, KeptStanza } from '../hooks/kept-stanza.ts';
export * from '../hooks/login.ts';
export type { Handler, HookName, HookParams } from '../hooks/points.ts';
export { type C2sParams, SessionFlag } from '../hooks/session.ts';
export * from '../hooks/values.ts';
export { EMPTY_RESULT, type IqAnswer, type IqDiscipline, type IqRequest, NO_REPLY } from '../local/iq.ts';
export { type Addressed, addressedWith, wantAddressed } from '../sm/addressed.ts';
export type { SessionRef } from '../sm/session-manager.ts';
export {
  type Claimant,
  type ClaimedMessages,
  type FastToken,
  type FastTokens,
  type LastActivity,
  type OfflineMessage,
  type PrivacyChange,
  type RosterLimits,
  type StoredChange,
  type StoredContact,
  type StoredPrivacyItem,
  type StoredPrivacyList,
  StoreUnavailableError,
  type SubscriptionResult,
  VCARD_FIELDS,
  type VcardCondition,
  type VcardField,
  type VcardMatch,
} from '../store/operations.ts';
export { isBracketed } from '../util/bracketed.ts';
export { CommandError } from '../util/command-error.ts';
export { GenerationCache } from '../util/generation-cache.ts';
export { networkOf } from '../util/ip-network.ts';
export { randomText } from '../util/random.ts';
export { SegmentedCache } from '../util/segmented-cache.ts';
export { Element } from '../xml/element.ts';
export { serialize } from '../xml/writer.ts';
export { type CommandAction, type CommandResult, commandElement } from '../xmpp/command.ts';
export { isMixedScript } from '../xmpp/confusable.ts';
export { blankForm, type FormField, resultForm, submittedFields, tableForm } from '../xmpp/data-form.ts';
export { utcOffset, utcSeconds } from '../xmpp/date-time.ts';
export { delayXml, parseStamp } from '../xmpp/delay.ts';
export { Jid, makeJid, parseDomain, parseJid, parseLocalpart, parseResource } from '../xmpp/jid.ts';
export * from '../xmpp/namespaces.ts';
export { type PageRequest, pageOf, pageRequest } from '../xmpp/result-set.ts';
export { isOlder, isSameSession, type SessionId } from '../xmpp/session-id.ts';
export { stableId } from '../xmpp/stable-id.ts';
export { Stanza, StanzaKind } from '../xmpp/stanza.ts';
export { StanzaError } from '../xmpp/stanza-error.ts';
export { streamErrorXml } from '../xmpp/stream-error.ts';
export { isSeen, sees } from '../xmpp/subscription.ts';
export { parseElement, parseElementText } from '../xmpp/trusted-xml.ts';
/** For the options, so that an operator's module needs no package of its own. */
export { z };

/** A specification that a module implements, for `docs/xeps.md`. */
export interface Xep {
  readonly number: number;
  readonly version: string;
  readonly note?: string;
}

/** Another module that must, or may, be started before. */
export interface Dependency {
  readonly module: string;
  readonly isOptional?: boolean;
}

/** Everything about a module, in one declaration. */
export interface ModuleDefinition<Options = unknown> {
  /** `mod_…`: its name in the configuration. */
  readonly name: string;
  readonly xeps?: readonly Xep[];
  /** Namespaces announced for the server by service discovery, beside those of its request handlers. */
  readonly features?: readonly string[];
  /** The options of `[modules.NAME]`, with their defaults. */
  readonly options: z.ZodType<Options>;
  readonly dependencies?: readonly Dependency[];
  /** Starts the module for one host type, in every shard. Everything registered through the context ends with the module. */
  readonly setup: (context: ModuleContext<Options>) => void;
}

/** Declares a module. */
export function defineModule<Options>(definition: ModuleDefinition<Options>): ModuleDefinition<Options> {
  return definition;
}

/** What a command of the administration was given, as plain data from outside: to be looked at before it is used. */
export type CommandInput = Readonly<Record<string, unknown>>;

/** How a permanent key of an accumulator becomes plain data, and back. */
export interface KeyCodec {
  readonly encode: (value: unknown) => unknown;
  readonly decode: (data: unknown) => unknown;
}

/** What a registration through the API leads to. */
export type RegisterResult =
  | 'registered'
  | 'null_password'
  | 'invalid_jid'
  | 'exists'
  | 'limit_per_domain_exceeded'
  | 'not_allowed';

export type ChangePasswordResult = 'changed' | 'empty_password' | 'user_not_found' | 'not_allowed';

/** Accounts of the host type's domains. Functions reject when the store cannot answer. */
export interface Accounts {
  /** Whether the account is registered (`stored`), or exists in any way, anonymous users included. */
  exists(jid: Jid): Promise<boolean>;
  register(domain: string, username: string, password: string): Promise<RegisterResult>;
  setPassword(jid: Jid, password: string): Promise<ChangePasswordResult>;
  /** Removes the account: its data by way of `remove_user`, then its sessions. False when there was none. */
  remove(jid: Jid): Promise<boolean>;
}

/**
 * A module's own storage: values of plain data under a scope (a domain or a bare JID) and a key. Durable when the promise resolves. Values of
 * a bare JID go with its account, after `remove_user`; those of a domain and its users with `remove_domain`.
 */
export interface Values {
  /** Null when there is none. */
  get(scope: string, key: string): Promise<unknown>;
  set(scope: string, key: string, value: unknown): Promise<void>;
  delete(scope: string, key: string): Promise<boolean>;
  /** Keys after `after` in order, at most `limit`, with their values. */
  list(scope: string, after?: string, limit?: number): Promise<[string, unknown][]>;
}

/** A session of any shard that has flags. */
export interface FlaggedSession extends SessionId {
  readonly flags: number;
  /** Its full JID. */
  readonly jid: Jid;
}

/** A session of this shard, as far as modules steer it. */
export interface SessionHandle {
  readonly params: C2sParams;
  /**
   * Calls back when all stanzas so far have reached the client as surely as its stream can tell: it has acknowledged them, if it acknowledges (XEP-0198); otherwise
   * the kernel has taken them, be it after the end of the session. With false when that is not going to happen: the session, or without acknowledgements
   * its connection, has ended before.
   */
  afterDelivery(callback: (isDelivered: boolean) => void): void;
  /** How many more stanzas its client may leave unacknowledged; infinite for one that does not acknowledge. */
  readonly room: number;
  /**
   * Keeps what arrives for the session waiting, in order, until the promise settles. A session that is resumed on another shard goes there after that; with `isForOrder`
   * at once, and what waits goes with it: where `sessionState` decodes, it must be held again.
   */
  holdReceiving(until: Promise<unknown>, isForOrder?: boolean): void;
  /** Gives a stanza that was kept back to the last step, just before the socket. */
  flush(acc: Accumulator): void;
  /** Ends the session; handlers of `user_stop_request` may keep it. */
  stop(reason: string): void;
  /** Ends the session with a conflict, in favour of another one. */
  replace(by: SessionId): void;
  /** Ends the session in any case; `lastWords` (a stream error) come before the closing tag. */
  end(reason: string, lastWords?: string): void;
  /** Writes XML that is no routed stanza: no hook sees it. */
  write(xml: string): void;
  /** Writes a stanza that this session has received before, as it is: of the hooks only `xmpp_send_element` sees it. */
  writeStanza(acc: Accumulator): void;
  /** Has XML stand behind everything else of this turn's output; one such text per turn, another one takes its place. */
  writeLast(xml: string): void;
  /** Whether something that the client has sent is being stored. */
  readonly isCommitting: boolean;
  /** Settles when what the client has sent so far and is being stored is stored, or is not going to be; undefined when there is no such thing. */
  whenCommitted(): Promise<unknown> | undefined;
  /** Says that the client acknowledges what it gets, and how one waits for that. */
  acknowledges(acknowledger: Acknowledger | undefined): void;
  /** The session that has taken this one's resource. */
  readonly replacedBy: SessionId | undefined;
}

/** What the module of a session says to a stream that wants to take it over. */
export type TakeOverVerdict =
  /** There is no such session on this shard. `content`: what is remembered of one that was here. */
  | { readonly kind: 'none'; readonly content?: unknown }
  | { readonly kind: 'refused'; readonly content: unknown }
  | { readonly kind: 'offered'; readonly session: C2sParams };

/** How it ended. `taken`: `session` has the stream's connection now; if that was lost meanwhile its state is `external`. */
export type TakeOverResult =
  | { readonly kind: 'none' | 'refused'; readonly content: unknown }
  | { readonly kind: 'taken'; readonly session: C2sParams };

/** The part of a module on the shard that has the session. */
export interface TakeOverJudge {
  /**
   * Whether a stream that has logged in as `bare` may have a session of that account. May be asked again for the same stream, after something that the session
   * was doing is done; changes nothing.
   */
  judge(bare: Jid, content: unknown): TakeOverVerdict;
  /** The session was lost on its way to another shard. `state`: what the module keeps in it, as `encode` made it. */
  salvage(state: unknown, jid: Jid): void;
}

/** How a module's state in a session goes with it to another shard. Without this, only strings, numbers and booleans do. */
export interface StateCodec<State = never> {
  /** Plain data; undefined: nothing need go. */
  encode(state: State, session: C2sParams): unknown;
  decode(data: unknown, session: C2sParams): State | undefined;
  /**
   * Another connection is about to take the session over, on this shard or another: what waits in `state` for the client goes out now, and so becomes part of
   * what the client has not acknowledged. May be called several times before that happens.
   */
  beforeTakeOver?(state: State, session: C2sParams): void;
  /** The session has left: `state` is of no more use here. */
  left?(state: State, session: C2sParams, to: SessionId): void;
  /** It has arrived, with the state of all modules, and its client has been told. */
  arrived?(state: State, session: C2sParams): void;
}

/** What a module is given when it is started. */
export interface ModuleContext<Options = unknown> {
  readonly module: string;
  readonly options: Options;
  readonly hostType: string;
  /** The domains of the host type. */
  readonly hosts: readonly string[];
  readonly log: Logger;
  /** The number of the shard that this instance runs in. */
  readonly shard: number;
  readonly store: Store;
  readonly values: Values;
  readonly accounts: Accounts;
  /** Name and version of this server. */
  readonly product: { readonly name: string; readonly version: string };
  /** `general.registration_timeout` in milliseconds. */
  readonly registrationTimeoutMs: number;

  /** Registers a handler of a hook for this host type. The lower priority runs first. */
  hook<N extends HookName>(
    name: N,
    priority: number,
    handler: { [K in HookName]: Handler<K> }[N],
    options?: HandlerOptions,
  ): void;
  /** Registers a handler of a global hook. */
  globalHook<N extends HookName>(
    name: N,
    priority: number,
    handler: { [K in HookName]: Handler<K> }[N],
    options?: HandlerOptions,
  ): void;
  /** Answers requests of a namespace to the server (`local`) or to bare JIDs (`sm`). Announced by service discovery. */
  iq(component: IqComponent, namespace: string, handler: IqHandler, discipline?: IqDiscipline): void;
  /** Serves a subdomain of each host: its stanzas go to `handler` after `filter_local_packet`. */
  subdomain(domain: string, handler: (acc: Accumulator) => undefined | Promise<unknown>): void;
  /**
   * Serves a domain of its own on this shard, outside of all host types, as an external component does (XEP-0114): stanzas of all shards
   * come here unless their own shard serves the domain too, after the access rule (`all` if absent) and `packet_to_component`, without
   * `filter_local_packet`. `isHidden` keeps it out of service discovery. A handler that keeps a stanza calls its `retain`.
   * False if the domain is a host, a subdomain, or served here already.
   */
  component(
    domain: string,
    receive: (acc: Accumulator) => undefined | Promise<unknown>,
    options?: { readonly isHidden?: boolean; readonly access?: string },
  ): boolean;
  /**
   * Answers a command of the admin socket for the host type's domains: `run` gets the arguments, and resolves to plain data. What its caller did
   * wrong is a {@link CommandError}. The command runs on one shard.
   */
  command(name: string, run: (input: CommandInput) => Promise<unknown>): void;
  /** Called when the module stops. `isRestart`: it is started again at once, with other options. */
  onStop(callback: (isRestart: boolean) => void): void;

  /** Runs a hook of the host type over a stanza's accumulator. */
  runHook<N extends StanzaHook>(name: N, acc: Accumulator, params: HookParams<N>): Verdict | Promise<Verdict>;
  /** Folds a hook of the host type over a value. */
  foldHook<N extends ValueHook>(
    name: N,
    value: HookAcc<N>,
    params: HookParams<N>,
  ): HookAcc<N> | Promise<HookAcc<N>>;

  /** Whether another module handles a hook of the host type: whoever has nothing to do himself need not run it otherwise. */
  hasOtherHandlers(name: HookName): boolean;
  /** Whether a privacy list lets a stanza pass (`privacy_check_packet`); the last answer is remembered in the accumulator. */
  checkPrivacy(acc: Accumulator, check: PrivacyCheck): PrivacyDecision | Promise<PrivacyDecision>;
  /**
   * Those of `targets` who may get presence of this type from a session; all of them, the same array, unless a privacy list says otherwise. Whoever
   * sends presence to others asks before. `own`: the session, or the full JID of one that is not of this shard; then the account's default list counts.
   * `list`: a list to go by instead.
   */
  presenceTargets(
    acc: Accumulator,
    own: C2sParams | Jid,
    targets: readonly Jid[],
    type: string | undefined,
    list?: PrivacyList,
  ): readonly Jid[] | Promise<readonly Jid[]>;
  /** Whether a route is only being explained now: what is found out must not be remembered, and nothing may happen. */
  readonly isDryRun: boolean;
  /**
   * A new accumulator for a stanza of the module's own. It knows of no other: what a stanza has caused should be derived from it
   * ({@link Accumulator.derive}), so that a loop of stanzas that cause one another comes to an end.
   */
  accumulator(from: Jid, to: Jid, stanza: Stanza | Element): Accumulator;
  /** Sends a stanza through the router. One that has been there before is one hop further. */
  route(acc: Accumulator): undefined | Promise<unknown>;
  /**
   * Sends one stanza because of `cause` to many addresses, as if each were routed by itself; accounts on another shard get it in one frame. Returns when it
   * is on its way.
   */
  multicast(cause: Accumulator, stanza: Stanza, from: Jid, recipients: readonly Jid[]): void;
  /** Answers presence probes to accounts of the host type that have no available session. A promise delays the prober's next stanza. */
  absentProbe(answer: (acc: Accumulator) => undefined | Promise<unknown>): void;
  /** Counts and traces that a stanza ended in this module: stored, bounced or dropped. */
  outcome(acc: Accumulator, outcome: 'stored' | 'bounced' | 'dropped'): void;
  /** Routes a stanza once more whose session has ended: to whoever is there, or as if nobody were. `filter_local_packet` does not see it again. */
  routeAgain(acc: Accumulator): void;
  /** The address of a string, prepared and shared. Undefined when it is none. */
  jid(text: string): Jid | undefined;
  /** The address of a string that was one before (out of storage). */
  trustedJid(full: string): Jid;
  /**
   * Lets a permanent key of this module travel to other shards and into storage; `encode` makes plain data of its value. Keys without this
   * stay behind.
   */
  permanentKey(namespace: string, key: string, codec: KeyCodec): void;
  /** Permanent keys as plain data, for storage, and back. */
  encodeKeys(keys: ReadonlyMap<string, unknown> | undefined): readonly (readonly [string, unknown])[];
  decodeKeys(keys: readonly (readonly [string, unknown])[]): ReadonlyMap<string, unknown> | undefined;
  /** Sends a request to a client and calls back with its answer, or with undefined when none came in time. */
  request(
    to: Jid,
    from: Jid,
    payload: Element,
    callback: (answer: Accumulator | undefined) => void,
    timeoutMs?: number,
  ): boolean;

  /** All sessions of an account, on all shards. */
  sessions(bare: Jid): SessionRef[];
  /** Gives one of this shard's sessions a flag that all shards can see, or takes it away. */
  setFlag(session: C2sParams, flag: number, isSet: boolean): void;
  /**
   * The sessions of an account but `except` that have any of these flags (`SessionFlag`), on all shards. Where no session of the account has one, that costs
   * one read, and nothing is allocated. A promise only where an address is longer than the directory keeps.
   */
  flaggedSessions(
    bare: Jid,
    flags: number,
    except?: SessionId,
  ): readonly FlaggedSession[] | Promise<readonly FlaggedSession[]>;
  /** The full JIDs of an account's available sessions, on all shards. */
  availableResources(bare: Jid): Promise<Jid[]>;
  /** Whether `reader` is the user, or may see the user's presence: asks `roster_get_jid_info`. */
  isSubscribed(reader: Jid, user: Jid): boolean | Promise<boolean>;
  /** A session of this shard by its full JID. */
  session(full: Jid): SessionHandle | undefined;
  /** A session of this shard by the parameters that its hooks give. */
  handle(session: C2sParams): SessionHandle;
  /** Says how this module's state in a session becomes plain data, for sessions that move to another shard. */
  sessionState<State>(codec: StateCodec<State>): void;
  /**
   * Looks for a session that `stream`, which has logged in and bound nothing, may take over: asks the {@link onTakeOver} of this module on this shard, then on those
   * that have sessions of the account (on all, if `isEverywhere`). Input waits meanwhile. `done` is called once; not if the stream ends before a session is found,
   * nor after the returned function was called, which gives it up: a session that is on its way then ends.
   */
  takeOver(
    stream: C2sParams,
    content: unknown,
    isEverywhere: boolean,
    done: (result: TakeOverResult) => void,
  ): () => void;
  onTakeOver(judge: TakeOverJudge): void;
  /** Whether the stream's user may have a session on it: the listener's access rule and `session_opening_allowed_for_user`. */
  mayOpenSession(stream: C2sParams): boolean | Promise<boolean>;
  /** Like {@link routeAgain}, to the session that has taken the resource. */
  handOver(acc: Accumulator, to: SessionId): void;
  /** What a client sent is being stored: until that is done the stanza does not count as handled (XEP-0198). */
  committing(acc: Accumulator, until: Promise<unknown>): void;
  /** The stream behind the parameters of a hook while it has no session, for a module that logs its client in. */
  login(params: C2sParams): StreamLogin;
  /** Brings a SASL mechanism; it ends with the module. */
  mechanism(mechanism: ModuleMechanism): void;
  /** Makes a session available with a priority, and runs `set_presence`. */
  setPresence(params: C2sParams, acc: Accumulator, priority: number, presence: Stanza): void;
  /** Makes a session unavailable, and runs `unset_presence`. */
  unsetPresence(params: C2sParams, acc: Accumulator, status: string): void;
  /** Runs `resend_offline_messages` for a session, and routes what it gives. */
  resendOffline(params: C2sParams, acc: Accumulator): void;
  /** Sends an event to sessions of an account: their `foreign_event` handlers get it with this module's name as tag. Returns to how many. */
  sendEvent(bare: Jid, content: unknown, wanted?: (session: SessionRef) => boolean): number;
  /** Ends all sessions of an account, on all shards, with the stream error `conflict` and a text. Returns how many. */
  closeSessions(bare: Jid, text: string): number;
  /** Messages that this shard has for sessions of an account wait until `until` has settled: something older is on its way to them. */
  holdDelivery(bare: Jid, until: Promise<unknown>): void;
  /** Resolves when the other shards have handled all that this one has sent them so far. */
  whenHandled(): Promise<void>;
  /** Tells all instances of this module, in all shards and host types, this one included. `content` is plain data. */
  announce(content: unknown): void;
  /** Hears what instances of this module, or of another one, {@link announce}. */
  onAnnouncement(handler: (content: unknown) => void, module?: string): void;
  /**
   * Random bytes (at most 16,320) under a name, made when the server starts and the same in all shards until it stops; those of another module or host type are
   * others.
   */
  sharedKey(name: string, bytes: number): Buffer;
  /** The number under which this module keeps its state in sessions. */
  readonly slot: number;

  /**
   * Hears that everything an account can log in with besides its password is to end: the password was changed, or the operator wants it. Reject
   * when it could not be ended. Only one shard is told.
   */
  onRevocation(handler: (jid: Jid) => Promise<unknown>): void;
  /** The value of an access rule for a JID, for one of the hosts: `allow`, `deny`, a number or a name. */
  access(rule: string, jid: Jid, host: string): string | number;
  /** The host that a domain belongs to: itself, or for a subdomain of a module the host above it; undefined for the domains of others. */
  hostOf(domain: string): string | undefined;
  /** Domains that stanzas can be sent to here: hosted ones and subdomains, and connected components. */
  knownDomains(): {
    readonly domain: string;
    readonly kind: 'host' | 'subdomain' | 'component';
    readonly isHidden: boolean;
  }[];
  /** Namespaces that requests to the server or to bare JIDs are answered for, and features of modules. */
  features(component: IqComponent): string[];

  /** Takes one place of a server-wide rate limit: true if `key` has none taken within the last `periodMs`. */
  takeTurn(limit: string, key: string, periodMs: number): Promise<boolean>;
  /** Calls back again and again; ends with the module. */
  every(ms: number, callback: () => void): void;
  /** Calls back once; not if the module has ended. Returns how to cancel it. */
  after(ms: number, callback: () => void): () => void;
  /** Microseconds since the epoch, rising. */
  timestamp(): number;
  /**
   * A directory: the pool `[outgoing_pools.ldap.TAG]` of the host type. Throws if there is none. Searches reject when the directory does not answer; ask for
   * no more entries than you need, and put texts from outside into filters by {@link fillFilter} or {@link escapeFilterValue} alone.
   */
  ldap(tag: string): Pick<LdapDirectory, 'search'>;
  /** Adds to a counter of the module's own, exported as `meerkat_module_events_total{event="MODULE_NAME"}`. */
  count(name: string, by?: number): void;
}
