import { z } from 'zod';
import type { Accumulator } from '../hooks/accumulator.ts';
import type { Verdict } from '../hooks/chain.ts';
import type { Handler, HookAcc, HookName, HookParams } from '../hooks/points.ts';
import type { HandlerOptions } from '../hooks/registry.ts';
import type { StanzaHook, ValueHook } from '../hooks/run.ts';
import type { C2sParams } from '../hooks/session.ts';
import type { IqDiscipline, IqHandler } from '../local/iq.ts';
import type { IqComponent } from '../local/iq-table.ts';
import type { Logger } from '../observe/log.ts';
import type { SessionRef } from '../sm/session-manager.ts';
import type { Store } from '../store/store.ts';
import type { Element } from '../xml/element.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';

/**
 * All that a module may use: `meerkat/module`. Built-in modules and an operator's own have the same: there is nothing private behind it.
 *
 * A module hangs on hooks and answers requests; it never imports another module, and never sees a socket, a ring or SQL.
 */

export type { Accumulator } from '../hooks/accumulator.ts';
export { Flag, Origin } from '../hooks/accumulator.ts';
export { afterwards, runAfterwards } from '../hooks/afterwards.ts';
export { DROP, STOP, stop, type Verdict } from '../hooks/chain.ts';
export type { Handler, HookName } from '../hooks/points.ts';
export type { C2sParams } from '../hooks/session.ts';
export * from '../hooks/values.ts';
export { EMPTY_RESULT, type IqAnswer, type IqDiscipline, type IqRequest, NO_REPLY } from '../local/iq.ts';
export type { SessionRef } from '../sm/session-manager.ts';
export {
  type OfflineMessage,
  type RosterLimits,
  type StoredChange,
  type StoredContact,
  StoreUnavailableError,
  type SubscriptionResult,
} from '../store/operations.ts';
export { networkOf } from '../util/ip-network.ts';
export { Element } from '../xml/element.ts';
export { serialize } from '../xml/writer.ts';
export { isMixedScript } from '../xmpp/confusable.ts';
export { type FormField, resultForm } from '../xmpp/data-form.ts';
export { utcOffset, utcSeconds } from '../xmpp/date-time.ts';
export { delayXml, parseStamp } from '../xmpp/delay.ts';
export { Jid, makeJid, parseDomain, parseJid, parseLocalpart } from '../xmpp/jid.ts';
export * from '../xmpp/namespaces.ts';
export { isSameSession, type SessionId } from '../xmpp/session-id.ts';
export { parseElement, parseElementText, Stanza, StanzaKind } from '../xmpp/stanza.ts';
export { StanzaError } from '../xmpp/stanza-error.ts';
export { isSeen, sees } from '../xmpp/subscription.ts';
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

/** A session of this shard, as far as modules steer it. */
export interface SessionHandle {
  readonly params: C2sParams;
  /** Calls back when all output so far was taken by the kernel; never if the connection ends before. */
  afterFlush(callback: () => void): void;
  /** Keeps what arrives for the session waiting, in order, until the promise settles. */
  holdReceiving(until: Promise<unknown>): void;
  /** Ends the session; handlers of `user_stop_request` may keep it. */
  stop(reason: string): void;
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
  /** Called when the module stops. */
  onStop(callback: () => void): void;

  /** Runs a hook of the host type over a stanza's accumulator. */
  runHook<N extends StanzaHook>(name: N, acc: Accumulator, params: HookParams<N>): Verdict | Promise<Verdict>;
  /** Folds a hook of the host type over a value. */
  foldHook<N extends ValueHook>(
    name: N,
    value: HookAcc<N>,
    params: HookParams<N>,
  ): HookAcc<N> | Promise<HookAcc<N>>;

  /** A new accumulator for a stanza of the module's own. */
  accumulator(from: Jid, to: Jid, stanza: Stanza | Element): Accumulator;
  /** Sends a stanza through the router. */
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
  /** The full JIDs of an account's available sessions, on all shards. */
  availableResources(bare: Jid): Promise<Jid[]>;
  /** Whether `reader` is the user, or may see the user's presence: asks `roster_get_jid_info`. */
  isSubscribed(reader: Jid, user: Jid): boolean | Promise<boolean>;
  /** A session of this shard by its full JID. */
  session(full: Jid): SessionHandle | undefined;
  /** Makes a session available with a priority, and runs `set_presence`. */
  setPresence(params: C2sParams, acc: Accumulator, priority: number, presence: Stanza): void;
  /** Makes a session unavailable, and runs `unset_presence`. */
  unsetPresence(params: C2sParams, acc: Accumulator, status: string): void;
  /** Runs `resend_offline_messages` for a session, and routes what it gives. */
  resendOffline(params: C2sParams, acc: Accumulator): void;
  /** Sends an event to sessions of an account: their `foreign_event` handlers get it with this module's name as tag. Returns to how many. */
  sendEvent(bare: Jid, content: unknown, wanted?: (session: SessionRef) => boolean): number;
  /** Messages that this shard has for sessions of an account wait until `until` has settled: something older is on its way to them. */
  holdDelivery(bare: Jid, until: Promise<unknown>): void;
  /** Resolves when the other shards have handled all that this one has sent them so far. */
  whenHandled(): Promise<void>;
  /** Tells all instances of this module, in all shards and host types, this one included. `content` is plain data. */
  announce(content: unknown): void;
  /** Hears what instances of this module {@link announce}. */
  onAnnouncement(handler: (content: unknown) => void): void;
  /** The number under which this module keeps its state in sessions. */
  readonly slot: number;

  /** The value of an access rule for a JID, for one of the hosts: `allow`, `deny`, a number or a name. */
  access(rule: string, jid: Jid, host: string): string | number;
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
  /** Adds to a counter of the module's own, exported as `meerkat_module_events_total{event="MODULE_NAME"}`. */
  count(name: string, by?: number): void;
}
