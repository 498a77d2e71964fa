import { FRAMES_PER_TURN_MAX } from '../limits.ts';
import type { Doorbell } from './doorbell.ts';
import type { Inbox } from './inbox.ts';
import type { Outbox } from './outbox.ts';

/** What else happens at the end of a turn. */
export interface TurnHost {
  /** Goes on with connections that gave way to others. Returns whether any is left. */
  resumeYielded(): boolean;
  /** Writes what the turn produced to the sockets. */
  flush(): void;
  /** No frame waits (any more): reading may go on. Called at the end of every turn of which this is true. */
  congestionEnded(): void;
}

/** Turns taken with nothing to do before sleeping, after frames came: cheaper than being woken by the next one. */
const IDLE_TURNS = 2;

/**
 * One turn of a shard's event loop: sockets were read, now frames from other shards are handled, output is written,
 * frames are published. Whoever does work outside of a read calls {@link touch}, so that the turn is completed.
 *
 * Before the thread sleeps in `epoll`, it says so, looks once more at whatever others may have changed, and is then woken by
 * the doorbell.
 */
export class Loop {
  readonly #me: number;
  readonly #bell: Doorbell;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #host: TurnHost;
  readonly #turn = (): void => this.#endTurn();
  #isScheduled = false;
  #isAsleep = false;
  #idleTurns = IDLE_TURNS;
  #fences: (() => boolean)[] = [];
  #last: (() => void)[] = [];

  constructor(me: number, bell: Doorbell, inbox: Inbox, outbox: Outbox, host: TurnHost) {
    this.#me = me;
    this.#bell = bell;
    this.#inbox = inbox;
    this.#outbox = outbox;
    this.#host = host;
  }

  /** There is work in this turn: complete it. */
  touch(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (this.#isAsleep) {
      this.#isAsleep = false;
      this.#bell.awake(this.#me);
    }
    setImmediate(this.#turn);
  }

  /**
   * Calls back at the end of this turn, once everything that came has been handled, before output is written and before frames that came count as handled (`memory/fence.ts`).
   */
  atTurnEnd(callback: () => void): void {
    this.#last.push(callback);
    this.touch();
  }

  /** Resolves once `isDone` says so; asked at the end of every turn. Those asked first resolve first. */
  whenDone(isDone: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#fences.push(() => {
        if (!isDone()) return false;
        resolve();
        return true;
      });
      this.touch();
    });
  }

  #endTurn(): void {
    this.#isScheduled = false;
    const frames = this.#inbox.drain(FRAMES_PER_TURN_MAX);
    const hasYielded = this.#host.resumeYielded();
    if (this.#last.length > 0) this.#runLast();
    this.#host.flush();
    this.#outbox.publish();
    // Only now have the frames had their effect: what they led to is written, sent and visible.
    this.#inbox.release(!this.#outbox.isCongested);
    this.#checkFences();
    this.#checkCongestion();
    if (frames > 0) this.#idleTurns = 0;
    if (frames === FRAMES_PER_TURN_MAX || hasYielded) this.touch();
    else if (!this.#isScheduled) this.#goToSleep();
  }

  #runLast(): void {
    const callbacks = this.#last;
    this.#last = [];
    for (const callback of callbacks) callback();
  }

  #checkFences(): boolean {
    const { length } = this.#fences;
    if (length === 0) return false;
    this.#fences = this.#fences.filter((isPassed) => !isPassed());
    return this.#fences.length < length;
  }

  /** Frames may have begun and ceased to wait within one turn: whoever was stopped in between must go on, too. */
  #checkCongestion(): void {
    if (!this.#outbox.isCongested) this.#host.congestionEnded();
  }

  #goToSleep(): void {
    if (this.#idleTurns++ < IDLE_TURNS || this.#inbox.merge.hasWork()) {
      this.touch();
      return;
    }
    this.#isAsleep = true;
    this.#bell.sleep(this.#me);
    // What came, or was given back, before that rang no bell.
    if (this.#inbox.merge.hasWork() || this.#outbox.retry() || this.#checkFences()) this.touch();
  }
}
