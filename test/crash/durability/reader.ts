import { Dice } from '../../fuzz/dice.ts';
import type { Element } from '../../helpers/client.ts';
import type { ReaderSession, Sighting } from './ledger.ts';
import { LinkLostError, SmLink } from './sm-link.ts';

/**
 * - `online`: there all the time
 * - `resuming`: its connection breaks again and again, and its session goes on some time later
 * - `visiting`: comes when told to, gets what is stored, and goes
 * - `absent`: comes only at the end
 */
export type Habit = 'online' | 'resuming' | 'visiting' | 'absent';

const PAUSE_MS = 20;
/** A visit is over when nothing came for so long. */
const QUIET_MS = 300;

/** The receiving side of a pair. */
export class Reader {
  readonly seen: Sighting[] = [];
  readonly sessions: ReaderSession[] = [];
  resumptions = 0;
  readonly habit: Habit;
  readonly #link: SmLink;
  readonly #dice: Dice;
  readonly #lastKill: () => number;
  #session: ReaderSession | undefined;
  #lostConnectionAt = 0;
  #untilCut: number;
  #visits = 0;
  #isStopping = false;

  /** `lastKill`: when the server, or a part of it, was killed last. */
  constructor(bare: string, habit: Habit, port: () => number, seed: number, lastKill: () => number) {
    this.habit = habit;
    this.#link = new SmLink(bare, port);
    this.#dice = new Dice(seed);
    this.#lastKill = lastKill;
    this.#untilCut = this.#dice.below(80);
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
      const isAway = this.habit === 'absent' || (this.habit === 'visiting' && this.#visits === 0);
      if (isAway) {
        await pause(PAUSE_MS);
        continue;
      }
      await this.#guarded(async () => {
        await this.#open();
        if (this.habit === 'visiting') {
          await this.#hearUntilQuiet();
          await this.#leave();
          this.#visits--;
        } else await this.#hearForAWhile();
      });
    }
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
    if (resumed !== undefined) {
      this.resumptions++;
      return;
    }
    // The one before it was not there any more.
    if (this.#session !== undefined)
      this.#session.lostAt = Math.max(this.#lostConnectionAt, this.#lastKill());
    this.#session = { openedAt: performance.now(), lostAt: undefined, endedAt: undefined };
    this.sessions.push(this.#session);
    this.#link.send('<presence/>');
  }

  async #leave(): Promise<void> {
    try {
      await this.#link.close();
      this.#session!.endedAt = performance.now();
      this.#session = undefined;
    } catch (cause) {
      // Nobody knows whether it has ended in order; the next one is another.
      this.#session!.lostAt = Math.max(performance.now(), this.#lastKill());
      this.#session = undefined;
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

  async #hearUntilQuiet(): Promise<void> {
    while (await this.#hear(QUIET_MS));
  }

  /** Hears something; false when nothing came. */
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
    this.seen.push({
      serial: Number(message.attribute('id')),
      session: this.#session!,
      isDelayed: message.child('delay', 'urn:xmpp:delay') !== undefined,
      at: performance.now(),
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
