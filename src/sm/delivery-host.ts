import type { Accumulator } from '../hooks/accumulator.ts';
import type { StanzaError } from '../xmpp/stanza-error.ts';
import type { Outcomes } from './outcomes.ts';

/** Nothing to wait for, or a promise that settles when the stanza's fate is decided. */
export type MaybePromise = undefined | Promise<unknown>;

/** What a privacy list says to a stanza. */
export type ListVerdict = 'allow' | 'deny' | 'block' | 'unknown';

/** What delivery needs from the rest of the shard. */
export interface DeliveryHost {
  readonly outcomes: Outcomes;
  readonly recipients: RecipientHost;
  /** Counts a stanza that goes nowhere, silently as the RFC allows. */
  drop(acc: Accumulator): undefined;
  /** Sends the error to the sender, unless no error may be sent. */
  refuse(acc: Accumulator, error: StanzaError): undefined;
  /**
   * Routes a stanza whose session vanished, once more: behind those of its sender for the same account that are being routed again already, unless it is
   * its turn among them (`isInLine`).
   */
  routeAgain(acc: Accumulator, isInLine: boolean): MaybePromise;
  /** Logs and drops a stanza whose routing threw. */
  failed(acc: Accumulator, module: string, step: 'filter' | 'route', cause: unknown): undefined;
  /** An IQ to a bare JID: the server answers on the account's behalf. */
  bareIq(acc: Accumulator): MaybePromise;
}

/** What the hooks, and who answers them, say of the account to which a stanza goes. */
export interface RecipientHost {
  /** Whether an account is registered. */
  doesUserExist(acc: Accumulator): boolean | Promise<boolean>;
  /** Runs `sm_filter_offline_message`: true = the message is silently dropped. */
  filterOffline(acc: Accumulator): boolean | Promise<boolean>;
  /** Runs the privacy check of the default list and `roster_in_subscription`: true = deliver to all available sessions. */
  inSubscription(acc: Accumulator): boolean | Promise<boolean>;
  /** Does what was left to do after such a presence was delivered, or was not. */
  afterSubscription(acc: Accumulator): MaybePromise;
  /** A presence probe to an account none of whose sessions is available. */
  absentProbe(acc: Accumulator): MaybePromise;
  /** Whether the recipient's default privacy list lets the sender through; `unknown` if it cannot be read. */
  checkDefaultList(acc: Accumulator): ListVerdict | Promise<ListVerdict>;
  /** Runs one of the hooks for messages to absent users. */
  absent(
    hook: 'offline_message' | 'offline_groupchat_message' | 'failed_to_store_message',
    acc: Accumulator,
  ): MaybePromise;
}

/** Goes on at once with a value, or when its promise settles. */
export function whenSettled<T>(value: T | Promise<T>, next: (value: T) => MaybePromise): MaybePromise {
  return value instanceof Promise ? value.then(next) : next(value);
}
