/** How a client that acknowledges what it gets (XEP-0198) is waited for; a module sets it in its session. */
export interface Acknowledger {
  /** Calls back when all that was written to the client so far is acknowledged; with false if the session ends, or goes to another shard, before. */
  whenAcknowledged(callback: (isAcknowledged: boolean) => void): void;
  /** For each message out of storage that is not acknowledged, in order, the same as {@link whenAcknowledged} when it was the last one written. */
  whenStoredAcknowledged(callback: (isAcknowledged: boolean) => void): void;
  /** How many these are. */
  readonly unacknowledgedStored: number;
  /** How many more stanzas may be unacknowledged before the session is over its limit. */
  readonly room: number;
}
