import type { C2sParams } from '../module.ts';

/**
 * What a session is doing with its user's stored messages, one batch at a time:
 *
 *   asked for ─▶ routed to the session ─▶ taken by the kernel, or acknowledged ─▶ deleted ─▶ the next batch, if there is more
 *
 * Until they are deleted the store keeps them from other sessions. If the session ends in between, what is on its way to its client still goes there;
 * once it is certain that the rest of a batch was not delivered, the store is told, and whoever is there gets it. A client that acknowledges (XEP-0198) must have acknowledged the messages; if it resumes
 * its session on another shard, batch and claim go there.
 */
export interface Pickup {
  readonly session: C2sParams;
  isBusy: boolean;
  /** The store keeps the user's messages for it: also between two batches. */
  hasClaim: boolean;
  /** What was given to the session and is not deleted. */
  ids: readonly number[];
  /** How many of these, from the first on, have been delivered. */
  delivered: number;
  /** Of a session that has come from another shard: whether all the others of these are among what its client has not acknowledged. */
  isCountable: boolean;
  /** It will be told whether these are delivered, even if the session ends before. */
  isToldOfDelivery: boolean;
  hasEnded: boolean;
  /** The session is on another shard now, and what it has in hand with it. */
  hasMoved: boolean;
  /** Something was stored meanwhile. */
  hasMore: boolean;
  /** Tries in a row to which the store did not answer, or only that another session has them. */
  failures: number;
  /** Gives up the next try. */
  cancelRetry: (() => void) | undefined;
  /** Lets what is newer go on; undefined when it does not wait. */
  whenIdle: (() => void) | undefined;
}

/** A {@link Pickup} on its way to another shard: what is in hand, how much of it is delivered, whether that can be counted on, and whether what is newer waits for it. */
export type MovedPickup = readonly [
  ids: readonly number[],
  delivered: number,
  isCountable: boolean,
  isHolding: boolean,
];
