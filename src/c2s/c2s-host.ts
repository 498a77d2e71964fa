import type { Accumulator } from '../hooks/accumulator.ts';
import type { HostType } from '../hooks/host-type.ts';
import type { ChainTable } from '../hooks/registry.ts';
import type { Trace } from '../hooks/trace.ts';
import type { Logger } from '../observe/log.ts';
import type { ScanLimits } from '../xml/stream-context.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { JidCache } from '../xmpp/jid-cache.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import type { C2s } from './c2s.ts';
import type { LoginService } from './login-service.ts';
import type { TlsService } from './tls.ts';

/** How one listener treats its connections; made from its configuration. */
export interface ListenerSettings {
  /** Its position among the c2s listeners. */
  readonly index: number;
  readonly limits: ScanLimits;
  readonly stateTimeoutMs: number;
  readonly isBackwardsCompatibleSession: boolean;
  readonly hidesServiceName: boolean;
  /** Undefined for a plain listener. */
  readonly tls: { readonly mode: 'starttls' | 'starttls_required' | 'tls' } | undefined;
  /** The access rule for opening sessions. */
  readonly access: string;
  /** Undefined without a shaper. */
  readonly shaper: { readonly maxRate: number; readonly burst: number } | undefined;
  /** Authentication methods that count here; undefined: all. */
  readonly authMethods: readonly string[] | undefined;
}

/** A hosted domain. */
export interface DomainInfo {
  readonly name: string;
  readonly hostType: HostType;
}

/** Why a session could not be opened. */
export type OpenResult = 'opened' | 'full';

/** What a client's stream needs from its shard. */
export interface C2sHost {
  readonly shard: number;
  readonly counters: Float64Array;
  readonly jids: JidCache;
  readonly globals: { readonly chains: ChainTable };
  readonly defaultDomain: string;
  readonly defaultLanguage: string;
  readonly login: LoginService;
  readonly tls: TlsService;
  readonly log: Logger;
  /** Microseconds since the epoch, rising with every call. */
  timestamp(): number;
  nextRef(): number;
  /** A monotonic clock in milliseconds, as of the present turn or so. */
  monotonicMs(): number;
  domain(name: string): DomainInfo | undefined;
  /** Sends a stanza through the router chain. */
  route(acc: Accumulator): undefined | Promise<unknown>;
  /** Resolves when nothing waits for room on its way to another shard: that would die with this one. Undefined: nothing does. */
  whenSent(): Promise<void> | undefined;
  /** Watches a stream until it is logged in. */
  watchLogin(c2s: C2s): void;
  unwatchLogin(c2s: C2s): void;
  /** Whether an account was removed at that time (monotonic milliseconds) or later. */
  wasRemoved(jid: Jid, sinceMs: number): boolean;
  /** Draws the identity of a session about to be opened. */
  newSessionId(): SessionId;
  cancelSessionId(sid: SessionId): void;
  /** Enters the session into the directory and table, replaces older ones, runs `sm_register_connection`. */
  openSession(c2s: C2s, jid: Jid, sid: SessionId): OpenResult;
  /** Removes the session from directory and table. */
  closeSession(c2s: C2s): void;
  /** The trace for a new stanza of this session; undefined unless somebody watches. */
  trace(c2s: C2s, acc: Accumulator): Trace | undefined;
  /** A stanza could not be given to its session: routes it again, or answers or drops it, by its kind. */
  undeliverable(acc: Accumulator): void;
  /** Too much waits for a session whose receiving is suspended: an error goes to the sender. */
  inboxFull(acc: Accumulator): void;
  /** A stream has ended; its connection may still be closing. */
  streamEnded(c2s: C2s): void;
}
