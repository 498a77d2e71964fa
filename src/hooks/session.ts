import type { Jid } from '../xmpp/jid.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import type { HostType } from './host-type.ts';

export { isOlder, isSameSession, type SessionId } from '../xmpp/session-id.ts';

export type SessionState =
  | 'wait_for_stream'
  | 'wait_for_feature_before_auth'
  | 'wait_for_sasl_response'
  | 'wait_for_feature_after_auth'
  | 'session_established'
  | 'external'
  | 'closed';

/** Flags of sessions, bits of one number: a module asks which sessions of an account have them, whichever shards they are on. */
export const SessionFlag = {
  /** The client wants message carbons (XEP-0280) in the present namespace. */
  CARBONS: 1,
  /** The same in the namespace of the specification's version 0.6. */
  CARBONS_OLD: 2,
} as const;

/** What is known about how a client is connected. */
export interface ConnectionInfo {
  readonly address: string;
  readonly port: number;
  /** Which listener accepted it (its position in the configuration). */
  readonly listener: number;
  /** The authentication method that accepted the login; absent before. */
  readonly authMethod?: string;
}

/**
 * A client's session as hook handlers see it: the parameters of every hook that a session runs.
 * To change anything, a handler asks through the accumulator's actions.
 */
export interface C2sParams {
  /** What all shards see of the session, beside its priority; see {@link SessionFlag}. */
  readonly flags: number;
  readonly hostType: HostType | undefined;
  readonly lserver: string;
  readonly state: SessionState;
  /** The bound address; undefined before resource binding. */
  readonly jid: Jid | undefined;
  readonly sid: SessionId | undefined;
  readonly lang: string;
  readonly info: ConnectionInfo;
  readonly isEncrypted: boolean;
  /** Whether the listener has TLS and the connection does not use it yet: secrets should wait for it. */
  readonly awaitsTls: boolean;
  readonly isAuthenticated: boolean;
  /** Why the session ends, in the hooks that concern its end. */
  readonly reason: string | undefined;
  /** The module's own state in this session. `slot` comes from the module's context. */
  moduleState(slot: number): unknown;
  setModuleState(slot: number, state: unknown): void;
}
