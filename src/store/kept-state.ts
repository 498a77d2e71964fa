/** What writes that are kept until they are done (`kept-writes.ts`) tell those who bring more, or who read. */
export interface KeptState {
  /** Writes that are kept, and their bytes. */
  readonly count: number;
  readonly bytes: number;
  /** No more should be brought. */
  readonly isFull: boolean;
  /** Counts what was refused because of that. */
  noteRefused(): void;
  /** So much is kept that those who bring more should be held up. */
  readonly isBusy: boolean;
  /** Resolves when half of what makes it busy is left. One promise for all who wait. Whoever waits looks first whether it is busy. */
  readonly calm: Promise<void>;
  /** Whether something has failed and is not done yet: what is asked of the store now may not see it. */
  readonly isBehind: boolean;
  /** Resolves when everything that has been brought so far is done, or given up; undefined if it is. */
  settled(): Promise<void> | undefined;
  /** Sends what has gathered. `isUrgent`: whatever else is asked of the store now comes behind it, unless writes are {@link isBehind}. */
  flush(isUrgent?: boolean): void;
  /**
   * Does something that asks the store more than once, behind all that was brought before: until it succeeds. Rejects if it cannot be done, or if the store does not do it though it
   * takes writes. Undefined: there is no room for it.
   */
  run(work: () => Promise<unknown>): Promise<void> | undefined;
  /** Calls back when writes begin to be {@link isBehind}, and when they have caught up. Returns what ends that. */
  onBehind(listener: (isBehind: boolean, cause: unknown) => void): () => void;
}
