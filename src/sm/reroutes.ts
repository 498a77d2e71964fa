import type { Accumulator } from '../hooks/accumulator.ts';
import { REROUTES_MAX } from '../limits.ts';
import type { MaybePromise } from './delivery-host.ts';

/** A stanza that waits for its turn, or has had it. */
interface Entry {
  /** When it was sent: rises with each stanza of a sender. */
  readonly timestamp: number;
  /** How often it had been routed again when it came here: tells its visits apart. */
  readonly visits: number;
  readonly work: () => MaybePromise;
  /** Resolves when the stanza is done with, on this shard and wherever it went on to. */
  readonly done: Promise<unknown>;
  readonly settle: (result: unknown) => void;
}

/** What one sender sent to one account, and is routed again. */
interface Line {
  /** Whose turn it is. */
  running: Entry | undefined;
  /** Those that had begun when an earlier one came: they go on when that is done with. */
  readonly aside: Set<Entry>;
  /** Those that went on to another shard and may be routed again from there. They hold nobody up but {@link Reroutes.settled}. */
  readonly followed: Set<Followed>;
  /** In the order they were sent. */
  readonly waiting: Entry[];
  /** How often it was heard that one of this sender's went on to yet another shard. */
  news: number;
}

type Followed = Pick<Entry, 'timestamp' | 'visits' | 'done'>;

/**
 * Stanzas that are routed again because their session ended, as long as that takes more than a moment (a message is being stored, an
 * account looked up, another shard asked). For each sender and account they are done with one by one, in the order they were sent; what the same sender
 * sends meanwhile comes behind.
 *
 * Each waits only for earlier ones of its sender, here and on other shards. So nobody waits in a circle.
 */
export class Reroutes {
  /** By account of the recipient (bare JID), then by sender (full JID). */
  readonly #lines = new Map<string, Map<string, Line>>();
  #count = 0;

  /** Nothing is in any line: nobody needs to ask {@link settled}. */
  get isIdle(): boolean {
    return this.#lines.size === 0;
  }

  /** No more can wait, or be followed. Whoever comes then is told so. */
  get isFull(): boolean {
    return this.#count >= REROUTES_MAX;
  }

  /** Does `work` for a stanza when it is its turn: at once, if nothing earlier of the same sender is in line for the account. The promise never rejects. */
  run(acc: Accumulator, work: () => MaybePromise): MaybePromise {
    const line = this.#find(acc);
    if (line !== undefined) return this.#enter(acc, line, work);
    const result = work();
    if (result === undefined) return undefined;
    const entry = this.#entry(acc, work);
    this.#open(acc).running = entry;
    this.#whenDone(acc, entry, result);
    return entry.done;
  }

  /** A stanza has gone on to another shard; `done` resolves when it is done with there. Until then it counts for {@link settled}, though its turn is over. */
  follow(acc: Accumulator, done: Promise<unknown>): void {
    const line = this.#open(acc);
    const followed: Followed = { timestamp: acc.timestamp, visits: acc.visits, done };
    line.followed.add(followed);
    this.#count++;
    void done.then(() => {
      this.#count--;
      line.followed.delete(followed);
      if (line.running === undefined) this.#next(acc, line);
    });
  }

  /** A stanza from the full JID `from` to the account `to` (bare JID) went on from the shard that it had been sent to. */
  heard(to: string, from: string): void {
    const line = this.#lines.get(to)?.get(from);
    if (line !== undefined) line.news++;
  }

  /** Rises with what was {@link heard} of earlier stanzas of this one's sender, as long as it is in line. */
  news(acc: Accumulator): number {
    return this.#find(acc)?.news ?? 0;
  }

  /**
   * Goes on with a stanza that had to wait in the middle of its turn. If an earlier one of its sender has come meanwhile (it had been delivered, and its
   * session ended), that is done with first.
   */
  goOn(acc: Accumulator, work: () => MaybePromise): MaybePromise {
    const line = this.#find(acc);
    if (line === undefined) return work();
    const { running, waiting } = line;
    const isTurn = running?.timestamp === acc.timestamp;
    if (isTurn && !(waiting[0] !== undefined && waiting[0].timestamp < acc.timestamp)) return work();
    if (isTurn) this.#putAside(line);
    return this.#enter(acc, line, work);
  }

  /**
   * Undefined when nothing is in line for an account; otherwise a promise that resolves when all that is now there is done with. `from`: only what
   * this sender sent; `before`: and only what was sent before this time, or with `visits` the stanza of this very time, if it has come here with at least so many.
   */
  settled(
    to: string,
    from?: string,
    before = Number.POSITIVE_INFINITY,
    visits = Number.POSITIVE_INFINITY,
  ): Promise<void> | undefined {
    const lines = this.#lines.get(to);
    if (lines === undefined) return undefined;
    const isMeant = (one: Followed): boolean =>
      one.timestamp < before || (one.timestamp === before && one.visits >= visits);
    const ends: Promise<unknown>[] = [];
    for (const [sender, { running, aside, followed, waiting }] of lines) {
      if (from !== undefined && sender !== from) continue;
      if (running !== undefined && isMeant(running)) ends.push(running.done);
      for (const entry of aside) if (isMeant(entry)) ends.push(entry.done);
      for (const one of followed) if (isMeant(one)) ends.push(one.done);
      // Each by itself: one whose turn comes later may be done with before one that went elsewhere.
      for (const entry of waiting) if (isMeant(entry)) ends.push(entry.done);
    }
    return ends.length === 0 ? undefined : Promise.all(ends).then(() => undefined);
  }

  #enter(acc: Accumulator, line: Line, work: () => MaybePromise): Promise<unknown> {
    const entry = this.#entry(acc, work);
    const { waiting, running } = line;
    let at = waiting.length;
    while (at > 0 && waiting[at - 1]!.timestamp > entry.timestamp) at--;
    waiting.splice(at, 0, entry);
    if (running !== undefined && entry.timestamp < running.timestamp) this.#putAside(line);
    if (line.running === undefined) this.#next(acc, line);
    return entry.done;
  }

  #putAside(line: Line): void {
    if (line.running !== undefined) line.aside.add(line.running);
    line.running = undefined;
  }

  /** Gives the next one its turn, unless an earlier one has begun and is not done with. */
  #next(acc: Accumulator, line: Line): void {
    const { aside, followed, waiting } = line;
    line.running = undefined;
    let mayBegin = waiting.length > 0;
    for (const { timestamp } of aside) if (mayBegin && timestamp < waiting[0]!.timestamp) mayBegin = false;
    if (mayBegin) {
      const entry = waiting.shift()!;
      line.running = entry;
      this.#whenDone(acc, entry, start(entry));
    } else if (waiting.length === 0 && aside.size === 0 && followed.size === 0) this.#close(acc);
  }

  #whenDone(acc: Accumulator, entry: Entry, result: MaybePromise): void {
    const done = (): void => {
      this.#count--;
      const line = this.#find(acc);
      // Its turn is over; it is done with when it is where it went.
      entry.settle(line === undefined ? undefined : followedBy(line, entry));
      if (line === undefined) return;
      line.aside.delete(entry);
      if (line.running === entry || line.running === undefined) this.#next(acc, line);
    };
    // Even what is done at once leaves its turn to the next one later: a long line must not become a deep stack.
    Promise.resolve(result).then(done, done);
  }

  #entry({ timestamp, visits }: Accumulator, work: () => MaybePromise): Entry {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#count++;
    return { timestamp, visits, work, done: promise, settle: resolve };
  }

  #find({ from, to }: Accumulator): Line | undefined {
    return this.#lines.get(to.bare)?.get(from.full);
  }

  #open(acc: Accumulator): Line {
    const known = this.#find(acc);
    if (known !== undefined) return known;
    const { from, to } = acc;
    const line: Line = { running: undefined, aside: new Set(), followed: new Set(), waiting: [], news: 0 };
    const lines = this.#lines.get(to.bare) ?? new Map<string, Line>();
    this.#lines.set(to.bare, lines);
    lines.set(from.full, line);
    return line;
  }

  #close({ from, to }: Accumulator): void {
    const lines = this.#lines.get(to.bare);
    lines?.delete(from.full);
    if (lines?.size === 0) this.#lines.delete(to.bare);
  }
}

/** If the stanza went on to another shard at the end of this visit: when it is done with there. */
function followedBy({ followed }: Line, { timestamp, visits }: Entry): Promise<unknown> | undefined {
  let done: Promise<unknown> | undefined;
  for (const one of followed) if (one.timestamp === timestamp && one.visits >= visits) done = one.done;
  return done;
}

/** What throws is done with. */
function start({ work }: Entry): MaybePromise {
  try {
    return work();
  } catch (cause) {
    return Promise.reject(cause);
  }
}
