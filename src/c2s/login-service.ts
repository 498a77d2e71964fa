import type { SaslExchange } from '../auth/sasl/exchange.ts';
import type { SaslFailure } from '../auth/sasl/result.ts';
import type { Accumulator } from '../hooks/accumulator.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { C2s } from './c2s.ts';

export type { SaslExchange } from '../auth/sasl/exchange.ts';
export type { SaslResult } from '../auth/sasl/result.ts';

/** Logging in: which mechanisms there are for a stream, and running one. Implemented in `shard/`, over `auth/`. */
export interface LoginService {
  /** What this stream is offered: mechanisms in order, and channel-binding types. */
  offer(c2s: C2s): { readonly mechanisms: readonly string[]; readonly channelBindings: readonly string[] };
  /** The types of channel binding that the connection can use, offered or not. */
  channelBindings(c2s: C2s): readonly string[];
  /** Starts an exchange, or says why there is none. `acc` is the accumulator of a login by SASL2. */
  start(c2s: C2s, mechanism: string, acc?: Accumulator): SaslExchange | SaslFailure;
  /** An exchange has ended; counts it, and the time that it took. */
  ended(c2s: C2s, result: 'success' | 'failure'): void;
  /**
   * Whether a session may be opened: the listener's access rule, then `session_opening_allowed_for_user`, for every session whatever
   * the rule is.
   */
  mayOpenSession(c2s: C2s, jid: Jid): boolean | Promise<boolean>;
}
