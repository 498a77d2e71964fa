import { Dice } from '../../fuzz/dice.ts';
import type { Element } from '../../helpers/client.ts';
import type { ReaderSession, Sighting } from './ledger.ts';
import { LinkLostError, SmLink } from './sm-link.ts';

/**
 * - `online`: there all the time
 * - `resuming`: its connection breaks again and again, and its session goes on some time later
 * - `visiting`: comes when told to, gets what is stored, and goes
 * - `absent`: comes only when it must, and at the end
 */
export type Habit = 'online' | 'resuming' | 'visiting' | 'absent';

const PAUSE_MS = 20;
/** A visit is over when nothing came for so long, or all that was there when it began. */
const QUIET_MS = 300;

/** What a reader knows of the run. */
export interface ReaderSurroundings {
  /** Where the server is; throws while it is not there. */
  readonly port: () => number;
  /** When the process, or a shard, was killed, so far. */
  readonly memoryKills: readonly number[];
  /** Messages that it has not seen. */
  readonly unread: () => number;
  /** Whether these are so many that it must come. */
  readonly mustCome: () => boolean;
}

/** The receiving side of a pair. */
export class Reader {
  readonly seen: Sighting[] = [];
  readonly sessions: ReaderSession[] = [];
  resumptions = 0;
  readonly habit: Habit;
  readonly #link: SmLink;
  readonly #dice: Dice;
  readonly #around: ReaderSurroundings;
  #session: ReaderSession | undefined;
  /** When its session was opened or resumed: no kill before that has hurt it. */
  #aliveAt = 0;
  #lostConnectionAt = 0;
  /** The last message seen. */
  #latest = -1;
  #untilCut: number;
  #visits = 0;
  #isStopping = false;

  constructor(bare: string, habit: Habit, seed: number, around: ReaderSurroundings) {
    this.habit = habit;
    this.#link = new SmLink(bare, around.port);
    this.#dice = new Dice(seed);
    this.#around = around;
    this.#untilCut = this.#dice.below(80);
  }

  /** The latest message that it has seen; -1: none. */
  get latest(): number {
    return this.#latest;
  }

  stop(): void {
    this.#isStopping = true;
  }

  /** Has a visitor come once more. */
  visit(): void {
    this.#visits++;
  }

  /** Receives as its habit is, until told to stop; its session is left in order. */
  async run(): Promise<void> {
    while (!this.#isStopping) {
      if (this.#isAway()) {
        await pause(PAUSE_MS);
        continue;
      }
      await this.#guarded(async () => {
        await this.#open();
        if (this.habit === 'visiting' || this.habit === 'absent') {
          await this.#hearUntilQuiet(this.#around.unread());
          await this.#leave();
          if (this.#visits > 0) this.#visits--;
        } else await this.#hearForAWhile();
      });
    }
  }

  #isAway(): boolean {
    if (this.#around.mustCome()) return false;
    return this.habit === 'absent' || (this.habit === 'visiting' && this.#visits === 0);
  }

  /** Comes for what is stored, until it has been quiet for a while. */
  async collect(): Promise<void> {
    for (let isDone = false; !isDone; ) {
      await this.#guarded(async () => {
        await this.#open();
        await this.#hearUntilQuiet();
        await this.#leave();
        isDone = true;
      });
    }
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      if (!(cause instanceof LinkLostError)) throw cause;
      await pause(PAUSE_MS);
    }
  }

  async #open(): Promise<void> {
    if (this.#link.isOpen) return;
    const resumed = await this.#link.open('r');
    const now = performance.now();
    if (resumed !== undefined) {
      this.resumptions++;
      this.#aliveAt = now;
      return;
    }
    this.#lost();
    this.#aliveAt = now;
    this.#session = { openedAt: now, lostAt: undefined, endedAt: undefined };
    this.sessions.push(this.#session);
    this.#link.send('<presence/>');
  }

  /** The session is not there any more: it was killed, or the server has ended it (too much was waiting for its client). */
  #lost(): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    const killedAt = this.#around.memoryKills.findLast((at) => at >= this.#aliveAt);
    // It may have gone on without a connection.
    session.isBroken = true;
    if (killedAt === undefined) session.endedAt = performance.now();
    else session.lostAt = Math.max(this.#lostConnectionAt, killedAt);
  }

  async #leave(): Promise<void> {
    try {
      await this.#link.close();
      this.#session!.endedAt = performance.now();
      this.#session = undefined;
    } catch (cause) {
      // Nobody knows whether it has ended in order; the next one is another.
      this.#lostConnectionAt = performance.now();
      this.#lost();
      throw cause;
    }
  }

  async #hearForAWhile(): Promise<void> {
    while (!this.#isStopping) {
      await this.#hear(100);
      if (this.habit !== 'resuming' || this.#untilCut > 0) continue;
      this.#untilCut = 1 + this.#dice.below(150);
      this.#lostConnectionAt = performance.now();
      this.#link.cut();
      await pause(this.#dice.below(150));
      return;
    }
    await this.#leave();
  }

  /** At most so many messages. */
  async #hearUntilQuiet(most = Number.POSITIVE_INFINITY): Promise<void> {
    for (let left = most; left > 0 && (await this.#hear(QUIET_MS)); left--);
  }

  /** Hears a message; false when nothing came. */
  async #hear(ms: number): Promise<boolean> {
    const until = performance.now() + ms;
    try {
      for (let left = ms; left > 0; left = until - performance.now()) {
        const element = await this.#link.hear(left);
        if (element?.name !== 'message') continue;
        this.#received(element);
        return true;
      }
      return false;
    } catch (cause) {
      if (cause instanceof LinkLostError) this.#lostConnectionAt = performance.now();
      throw cause;
    }
  }

  #received(message: Element): void {
    this.#untilCut--;
    const serial = Number(message.attribute('id'));
    this.#latest = Math.max(this.#latest, serial);
    this.seen.push({
      serial,
      session: this.#session!,
      isDelayed: message.child('delay', 'urn:xmpp:delay') !== undefined,
      at: performance.now(),
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
