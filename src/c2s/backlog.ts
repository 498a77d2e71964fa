import {
  OUTGOING_BYTES_HARD_MAX,
  OUTGOING_BYTES_MAX,
  OUTGOING_EXCESS_BYTES_MAX,
  OUTGOING_MS_MAX,
} from '../limits.ts';

/** Taken within {@link OUTGOING_MS_MAX}, this shows that a client does read, only not fast enough yet. */
const PROGRESS_BYTES = OUTGOING_BYTES_MAX / 4;

/** Who has more waiting than the limit. */
interface Debtor {
  /** Bytes that wait above the limit, as last told. */
  excess: number;
  /** Since when it has been so, or since it last took enough; and what waited then. */
  sinceMs: number;
  startExcess: number;
}

/**
 * Clients of a shard for which more output waits than {@link OUTGOING_BYTES_MAX} (threat T60). One that reads all the time may come here: when its shard stood
 * still, what was sent to it meanwhile comes at once, faster than any socket takes it. So it has {@link OUTGOING_MS_MAX} to catch up, within
 * limits for itself and for all of them together; one that does not read is dropped after that.
 */
export class Backlog<Client> {
  readonly #debtors = new Map<Client, Debtor>();
  #excess = 0;

  get isEmpty(): boolean {
    return this.#debtors.size === 0;
  }

  /** `bytes` wait for a client at `nowMs`. False when that is too much. */
  allows(client: Client, bytes: number, nowMs: number): boolean {
    const excess = bytes - OUTGOING_BYTES_MAX;
    const debtor = this.#debtors.get(client);
    if (excess <= 0) {
      if (debtor !== undefined) this.forget(client);
      return true;
    }
    const total = this.#excess + excess - (debtor?.excess ?? 0);
    if (bytes > OUTGOING_BYTES_HARD_MAX || total > OUTGOING_EXCESS_BYTES_MAX) return false;
    this.#excess = total;
    if (debtor === undefined) this.#debtors.set(client, { excess, sinceMs: nowMs, startExcess: excess });
    else debtor.excess = excess;
    return true;
  }

  /** It is gone, or has caught up. */
  forget(client: Client): void {
    const debtor = this.#debtors.get(client);
    if (debtor === undefined) return;
    this.#excess -= debtor.excess;
    this.#debtors.delete(client);
  }

  /** Those whose time is over. Asked a few times a second. */
  overdue(nowMs: number): Client[] {
    const clients: Client[] = [];
    for (const [client, debtor] of this.#debtors) {
      if (nowMs - debtor.sinceMs < OUTGOING_MS_MAX) continue;
      if (debtor.startExcess - debtor.excess < PROGRESS_BYTES) clients.push(client);
      else {
        debtor.sinceMs = nowMs;
        debtor.startExcess = debtor.excess;
      }
    }
    return clients;
  }
}
