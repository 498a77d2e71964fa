import type { Jid } from '../xmpp/jid.ts';
import type { C2s } from './c2s.ts';

/** What one step of a SASL exchange leads to. */
export type SaslOutcome =
  | { readonly kind: 'challenge'; readonly data: Buffer }
  | { readonly kind: 'success'; readonly username: string; readonly data?: Buffer | undefined }
  | {
      readonly kind: 'failure';
      readonly condition: string;
      readonly text?: string | undefined;
      readonly username?: string | undefined;
    };

/** A SASL exchange under way. */
export interface SaslExchange {
  step(data: Buffer | undefined): SaslOutcome | Promise<SaslOutcome>;
}

/** Logging in: which mechanisms there are for a stream, and running one. Implemented in `shard/`, over `auth/`. */
export interface LoginService {
  offer(c2s: C2s): { mechanisms: readonly string[]; channelBindings: readonly string[] };
  /** Undefined when the mechanism is not among those offered. */
  start(c2s: C2s, mechanism: string): SaslExchange | undefined;
  /**
   * Whether a session may be opened: the listener's access rule, then `session_opening_allowed_for_user`, for every session whatever
   * the rule is.
   */
  mayOpenSession(c2s: C2s, jid: Jid): boolean | Promise<boolean>;
  /** Decodes the content of `<auth/>` or `<response/>`; a string is the failure condition. */
  decode(text: string): Buffer | undefined | { readonly condition: string };
}
