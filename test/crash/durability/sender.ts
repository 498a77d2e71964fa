import { Dice } from '../../fuzz/dice.ts';
import type { Element } from '../../helpers/client.ts';
import { NS_SM } from '../../helpers/stream-management.ts';
import type { Transmission } from './ledger.ts';
import { LinkLostError, SmLink } from './sm-link.ts';

/** Messages that may be unacknowledged. */
const WINDOW = 40;
const PAUSE_MS = 20;
/** It asks again for an acknowledgement when nothing came for so long. */
const ASK_MS = 200;

/** It leaves when nothing came for so long. */
const QUIET_MS = 300;

/**
 * Sends numbered messages to one account until told to stop, as long as `mayGoOn` says so, and again what was not acknowledged when its session was lost. What it does
 * follows from its seed.
 */
export class Sender {
  readonly sent: Transmission[] = [];
  /** Sessions that could not be resumed. */
  lostSessions = 0;
  resumptions = 0;
  readonly #link: SmLink;
  readonly #to: string;
  readonly #dice: Dice;
  readonly #mayGoOn: () => boolean;
  #messages = 0;
  #unacked: Transmission[] = [];
  /** Stanzas that the server has acknowledged in this session. */
  #acked = 0;
  /** In which session an error came, counted by those that were lost. */
  readonly #bouncedIn = new Map<Transmission, number>();
  #untilCut: number;
  #isStopping = false;
  #isLeaving = false;
  #failure: unknown;

  constructor(bare: string, to: string, port: () => number, seed: number, mayGoOn: () => boolean) {
    this.#mayGoOn = mayGoOn;
    this.#link = new SmLink(bare, port);
    this.#to = to;
    this.#dice = new Dice(seed);
    this.#untilCut = this.#dice.below(600);
  }

  /** Sends no more new messages; hears on what becomes of the others. */
  stop(): void {
    this.#isStopping = true;
  }

  /** {@link run} ends when all are acknowledged, and nothing more comes. */
  leave(): void {
    this.stop();
    this.#isLeaving = true;
  }

  /** Whether all that was sent is acknowledged. */
  get isSettled(): boolean {
    return this.#unacked.length === 0;
  }

  get acknowledged(): number {
    return this.sent.length - this.#unacked.length;
  }

  async run(): Promise<void> {
    for (let hasLeft = false; !hasLeft; ) {
      try {
        await this.#open();
        await this.#chat();
        await this.#link.close();
        hasLeft = true;
      } catch (cause) {
        if (!(cause instanceof LinkLostError)) throw cause;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
      if (this.#failure !== undefined) throw this.#failure;
    }
  }

  async #open(): Promise<void> {
    if (this.#link.isOpen) return;
    const handled = await this.#link.open('s');
    if (handled !== undefined) {
      this.resumptions++;
      this.#settle(handled, 'resumed');
      for (const one of this.#unacked) this.#link.send(this.#xml(one));
    } else {
      const again = this.#unacked;
      if (this.sent.length > 0) this.lostSessions++;
      this.#unacked = [];
      this.#acked = 0;
      for (const { message } of again) this.#transmit(message);
    }
    this.#ask();
  }

  async #chat(): Promise<void> {
    for (let isQuiet = false; !isQuiet || !this.#isLeaving || !this.isSettled; ) {
      if (!this.#isStopping && this.#unacked.length < WINDOW && this.#mayGoOn()) this.#burst();
      const element = await this.#link.hear(this.#patienceMs());
      isQuiet = element === undefined;
      if (element !== undefined) this.#heard(element);
      else if (!this.isSettled) this.#ask();
      if (this.#untilCut < 0) {
        this.#untilCut = this.#dice.below(900);
        this.#link.cut();
        throw new LinkLostError();
      }
    }
  }

  #patienceMs(): number {
    if (this.#isLeaving) return QUIET_MS;
    return this.isSettled ? PAUSE_MS : ASK_MS;
  }

  #burst(): void {
    for (let left = 1 + this.#dice.below(12); left > 0; left--) this.#transmit(this.#messages++);
    this.#ask();
  }

  #transmit(message: number): void {
    const transmission: Transmission = {
      serial: this.sent.length,
      message,
      sentAt: performance.now(),
      ackedAt: undefined,
      bounced: undefined,
    };
    this.sent.push(transmission);
    this.#unacked.push(transmission);
    this.#untilCut--;
    this.#link.send(this.#xml(transmission));
  }

  #xml({ serial, message }: Transmission): string {
    // The same each time: a resumed session gets what was lost of the first one.
    const padding = 'x'.repeat((serial * 7919) % 211);
    return `<message to='${this.#to}' type='chat' id='${serial}'><body>${message} ${padding}</body></message>`;
  }

  #ask(): void {
    this.#link.send(`<r xmlns='${NS_SM}'/>`);
  }

  #heard(element: Element): void {
    if (element.ns === NS_SM && element.name === 'a') this.#settle(Number(element.attribute('h')), 'a');
    else if (element.name === 'message' && element.attribute('type') === 'error') {
      const transmission = this.sent[Number(element.attribute('id'))]!;
      const error = element.child('error')!;
      const condition = [error.elements()[0]!.name, error.childText('text')].join(' ');
      const before = this.#bouncedIn.get(transmission);
      // What a session that is lost has not acknowledged comes again to the next one.
      if (before === this.lostSessions) this.#failure = this.#secondError(transmission, condition);
      transmission.bounced = condition;
      this.#bouncedIn.set(transmission, this.lostSessions);
    }
  }

  #secondError({ serial, sentAt, ackedAt, ackedBy, bounced }: Transmission, condition: string): Error {
    const since = (time: number | undefined): number => Math.round(performance.now() - (time ?? Number.NaN));
    const times = `sent ${since(sentAt)} ms ago, acknowledged ${since(ackedAt)} ms ago by ${ackedBy}`;
    return new Error(
      `a second error for ${serial} to ${this.#to}, ${times}: ${bounced}, then ${condition}; ${this.resumptions} resumptions`,
    );
  }

  #settle(handled: number, by: string): void {
    const count = handled - this.#acked;
    if (count < 0 || count > this.#unacked.length) {
      this.#failure = new Error(`${handled} acknowledged after ${this.#acked}, of ${this.#unacked.length}`);
      return;
    }
    const now = performance.now();
    for (const one of this.#unacked.splice(0, count)) {
      one.ackedAt = now;
      one.ackedBy = by;
    }
    this.#acked = handled;
  }
}
