import { type Acknowledger, type C2sParams, Flag, type KeptStanza, type SessionHandle } from '../module.ts';

/** While a request is not answered the next one comes only after so many stanzas. */
const UNANSWERED_FREQ_MIN = 16;
/** Acknowledged stanzas at the front of the queue before it is made shorter. */
const SHIFT_AT = 64;

interface Waiting {
  /** Called when this many stanzas are acknowledged. */
  readonly count: number;
  readonly callback: (isAcknowledged: boolean) => void;
}

/** How many stanzas from `from` on to `to`, in counts that go from 2^32 - 1 to 0 (XEP-0198 §4). */
export function countBetween(from: number, to: number): number {
  return (to - from) >>> 0;
}

/** What the unacknowledged stanzas of a shard take together. */
export interface Pool {
  bytes: number;
}

/** What one session knows of acknowledgements in both directions, and what its client has not acknowledged. Only sessions that enabled it have one. */
export class SmStream implements Acknowledger {
  session: C2sParams;
  handle: SessionHandle;
  /** Under which the client can come back; undefined if it did not ask for that. */
  readonly id: string | undefined;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Stanzas that came from the client; and of these, how many are certainly dealt with, so that it may be told. */
  received = 0;
  handled = 0;
  /** Stanzas sent, and acknowledged by the client. */
  sent = 0;
  acked = 0;
  /** `sent` when the last request was made, and whether it is unanswered. */
  requested = 0;
  isAsked = false;
  /** Whether the client was told a count that did not cover all, and will be told another. */
  isOwing = false;
  /** The last priority, when the session ends. */
  priority = 0;
  /** Bytes that the queue takes. */
  bytes = 0;
  /** When the session lost its connection, or had too much in its queue (`performance.now()`); undefined when that is not so. */
  detachedMs: number | undefined = undefined;
  overMs: number | undefined = undefined;
  readonly #bufferMax: number;
  readonly #pool: Pool;
  /** Unacknowledged stanzas, oldest first, from `#first` on. */
  #queue: KeptStanza[] = [];
  #first = 0;
  #waiting: Waiting[] | undefined = undefined;

  constructor(
    session: C2sParams,
    handle: SessionHandle,
    id: string | undefined,
    timeoutMs: number,
    bufferMax: number,
    pool: Pool,
  ) {
    this.#pool = pool;
    this.session = session;
    this.handle = handle;
    this.id = id;
    this.timeoutMs = timeoutMs;
    this.#bufferMax = bufferMax;
  }

  get length(): number {
    return this.#queue.length - this.#first;
  }

  get room(): number {
    return Math.max(0, this.#bufferMax - this.length);
  }

  /** The unacknowledged stanzas, oldest first. */
  queue(): readonly KeptStanza[] {
    return this.#queue.slice(this.#first);
  }

  /** A stanza from the client is about to be handled. */
  countReceived(): void {
    if (!this.handle.isCommitting) this.handled = this.received;
    this.received = (this.received + 1) >>> 0;
  }

  /** So many of them are dealt with. It may be known already that more are: a count that the client was told never goes back. */
  countHandled(count: number): void {
    if (countBetween(count, this.received) < countBetween(this.handled, this.received)) this.handled = count;
  }

  /** A stanza goes to the client; undefined: it is only counted. */
  push(stanza: KeptStanza | undefined): void {
    this.sent = (this.sent + 1) >>> 0;
    if (stanza === undefined) return;
    this.#queue.push(stanza);
    this.#grow(stanza.size);
  }

  /** Replaces what is kept, by stanzas in the same order. */
  replaceQueue(queue: KeptStanza[]): void {
    this.#queue = queue;
    this.#first = 0;
    this.#grow(queue.reduce((sum, { size }) => sum + size, 0) - this.bytes);
  }

  #grow(bytes: number): void {
    this.bytes += bytes;
    this.#pool.bytes += bytes;
  }

  /** Whether a client may say that it has handled `h` stanzas. */
  isPlausible(h: number): boolean {
    return countBetween(this.acked, h) <= countBetween(this.acked, this.sent);
  }

  /** The client has handled `h` stanzas; the count must be plausible. */
  acknowledge(h: number): void {
    const done = Math.min(countBetween(this.acked, h), this.length);
    this.acked = h;
    this.isAsked = false;
    for (let i = 0; i < done; i++) this.#grow(-this.#queue[this.#first + i]!.size);
    this.#first += done;
    if (this.#first === this.#queue.length) {
      if (this.#first > 0) this.#queue = [];
      this.#first = 0;
    } else if (this.#first >= SHIFT_AT) {
      this.#queue.splice(0, this.#first);
      this.#first = 0;
    }
    this.#tell();
  }

  whenAcknowledged(callback: (isAcknowledged: boolean) => void): void {
    if (this.acked === this.sent) callback(true);
    else {
      this.#waiting ??= [];
      this.#waiting.push({ count: this.sent, callback });
    }
  }

  get unacknowledgedStored(): number {
    return this.queue().reduce((count, kept) => count + (isStored(kept) ? 1 : 0), 0);
  }

  whenStoredAcknowledged(callback: (isAcknowledged: boolean) => void): void {
    const before = this.sent - this.length;
    for (const [i, kept] of this.queue().entries()) {
      if (!isStored(kept)) continue;
      this.#waiting ??= [];
      this.#waiting.push({ count: (before + i + 1) >>> 0, callback });
    }
  }

  #tell(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const outstanding = countBetween(this.acked, this.sent);
    let done = 0;
    while (done < waiting.length && countBetween(waiting[done]!.count, this.sent) >= outstanding) done++;
    if (done === 0) return;
    this.#waiting = done === waiting.length ? undefined : waiting.slice(done);
    for (let i = 0; i < done; i++) waiting[i]!.callback(true);
  }

  /** Nothing will be acknowledged any more. `isDelivered`: what those hear who wait for it. */
  endWaiting(isDelivered: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) for (const { callback } of waiting) callback(isDelivered);
  }

  /** Whether it is time to ask for an acknowledgement, which then counts as done. */
  isTimeToAsk(freq: number): boolean {
    if (this.acked === this.sent) return false;
    const needed = this.isAsked ? Math.max(freq, UNANSWERED_FREQ_MIN) : freq;
    if (countBetween(this.requested, this.sent) < needed) return false;
    this.asked();
    return true;
  }

  asked(): void {
    this.requested = this.sent;
    this.isAsked = true;
  }
}

function isStored({ flags }: KeptStanza): boolean {
  return (flags & Flag.STORED) !== 0;
}
