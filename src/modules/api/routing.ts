import type { Accumulator } from '../../hooks/accumulator.ts';
import type { Verdict } from '../../hooks/chain.ts';
import type { HookAcc, HookName, HookParams } from '../../hooks/points.ts';
import type { PrivacyCheck } from '../../hooks/privacy.ts';
import type { StanzaHook, ValueHook } from '../../hooks/run.ts';
import type { C2sParams } from '../../hooks/session.ts';
import type { PrivacyDecision, PrivacyList } from '../../hooks/values.ts';
import type { Element } from '../../xml/element.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { SessionId } from '../../xmpp/session-id.ts';
import type { Stanza } from '../../xmpp/stanza.ts';

/** Hooks and stanzas: running the ones, sending the others. */
export interface RoutingApi {
  /** Whether a route is only being explained now: what is found out must not be remembered, and nothing may happen. */
  readonly isDryRun: boolean;
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
  /** The address of a string, prepared and shared. Undefined when it is none. */
  jid(text: string): Jid | undefined;
  /** The address of a string that was one before (out of storage). */
  trustedJid(full: string): Jid;
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
  /**
   * Routes a stanza once more whose session has ended: to whoever is there, or as if nobody were. `filter_local_packet` does not see it again. The promise, if there is one, settles when
   * routing is over, and never rejects.
   */
  routeAgain(acc: Accumulator): undefined | Promise<unknown>;
  /**
   * Counts that a stanza which was given to a session has not come to its end there: whoever kept it for its client calls this before it is routed again, handed
   * over or given another outcome.
   */
  takeBack(acc: Accumulator): void;
  /** Like {@link routeAgain}, to the session that has taken the resource. */
  handOver(acc: Accumulator, to: SessionId): void;
  /** Messages that this shard has for sessions of an account wait until `until` has settled: something older is on its way to them. */
  holdDelivery(bare: Jid, until: Promise<unknown>): void;
  /** Sends a request and calls back with its answer, or with undefined when none came in time. False: too many wait for answers, and it was not sent. */
  request(
    to: Jid,
    from: Jid,
    payload: Element,
    callback: (answer: Accumulator | undefined) => void,
    timeoutMs?: number,
    type?: 'get' | 'set',
  ): boolean;
  /**
   * Counts and traces that a stanza ended in this module. Whoever takes one (with STOP from a hook for absent users, or for its subdomain) says so once: the
   * counts of messages come out even then, and what is missing in them shows where one was lost.
   */
  outcome(acc: Accumulator, outcome: 'delivered' | 'stored' | 'bounced' | 'dropped'): void;
  /** Permanent keys as plain data, for storage, and back. */
  encodeKeys(keys: ReadonlyMap<string, unknown> | undefined): readonly (readonly [string, unknown])[];
  decodeKeys(keys: readonly (readonly [string, unknown])[]): ReadonlyMap<string, unknown> | undefined;
}
