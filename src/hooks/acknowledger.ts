/** How a client that acknowledges what it gets (XEP-0198) is waited for; a module sets it in its session. */
export interface Acknowledger {
  /** Calls back when all that was written to the client so far is acknowledged; with false if the session ends, or goes to another shard, before. */
  whenAcknowledged(callback: (isAcknowledged: boolean) => void): void;
  /** How many more stanzas may be unacknowledged before the session is over its limit. */
  readonly room: number;
}
