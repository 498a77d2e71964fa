import type { Jid } from '../xmpp/jid.ts';
import type { HostType } from './host-type.ts';

/** Identity of a session: comparable, and meaningful on every shard. */
export interface SessionId {
  /** Microseconds since the epoch when the session was bound; the larger one is the newer session. */
  readonly time: number;
  readonly shard: number;
  /** Number of the session on its shard. */
  readonly number: number;
}

/** Whether `a` was bound before `b`; shard and number decide between equal times. */
export function isOlder(a: SessionId, b: SessionId): boolean {
  if (a.time !== b.time) return a.time < b.time;
  return a.shard !== b.shard ? a.shard < b.shard : a.number < b.number;
}

export function isSameSession(a: SessionId, b: SessionId): boolean {
  return a.number === b.number && a.shard === b.shard && a.time === b.time;
}

export type SessionState =
  | 'wait_for_stream'
  | 'wait_for_feature_before_auth'
  | 'wait_for_sasl_response'
  | 'wait_for_feature_after_auth'
  | 'session_established'
  | 'external'
  | 'closed';

/** What is known about how a client is connected. */
export interface ConnectionInfo {
  readonly address: string;
  readonly port: number;
  /** Which listener accepted it (its position in the configuration). */
  readonly listener: number;
}

/**
 * A client's session as hook handlers see it: the parameters of every hook that a session runs.
 * To change anything, a handler asks through the accumulator's actions.
 */
export interface C2sParams {
  readonly hostType: HostType | undefined;
  readonly lserver: string;
  readonly state: SessionState;
  /** The bound address; undefined before resource binding. */
  readonly jid: Jid | undefined;
  readonly sid: SessionId | undefined;
  readonly lang: string;
  readonly info: ConnectionInfo;
  readonly isEncrypted: boolean;
  readonly isAuthenticated: boolean;
  /** Why the session ends, in the hooks that concern its end. */
  readonly reason: string | undefined;
  /** The module's own state in this session. `slot` comes from the module's context. */
  moduleState(slot: number): unknown;
  setModuleState(slot: number, state: unknown): void;
}
