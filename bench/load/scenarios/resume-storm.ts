import { atATime } from '../at-a-time.ts';
import { messageTo, sequenceOf } from '../frames.ts';
import { mixed } from '../pairs.ts';
import { Peer } from '../peer.ts';
import { counted, type Scenario, sleep } from '../scenario.ts';

const AT_A_TIME = 32;
const SENDERS = 20;
/** Messages to each session that its client has not had when the connection is lost, and that come while it is away. */
const UNACKNOWLEDGED = 2;
const MEANWHILE = 1;
const PATIENCE_MS = 60_000;

/**
 * `amount` sessions lose their connections at once and are resumed, in another order than they came in, so that on two shards about half of them move.
 * Each has messages that its client has not seen, and must get each of them once, in order. Counted is each resumption: the loss of the connection, a new
 * one, the login (PLAIN), the resumption and three messages. They have done it all once before.
 */
export const resumeStorm: Scenario = async (context) => {
  const senders: Peer[] = [];
  await atATime(Math.min(SENDERS, context.amount), 1, async (n) => {
    senders.push(await Peer.login(n, 'localhost', 'sender', context.port, false));
  });
  const sessions: Session[] = [];
  await atATime(context.amount, AT_A_TIME, async (n) => {
    sessions[n] = await Session.open(n, context.port);
  });
  const storm = new Storm(sessions, senders, context.port);
  await storm.prepare();
  await storm.breakAndResume();
  await storm.prepare();
  const result = await counted(context, async () => {
    await storm.breakAndResume();
    return { count: context.amount, errors: 0 };
  });
  return { ...result, errors: await storm.errors() };
};

/** A session and what its client knows of it. */
class Session {
  #peer: Peer;
  readonly #id: string;
  #handled = 0;
  /** What arrives is lost on its way. */
  #isLost = false;
  received = 0;
  errors = 0;

  private constructor(peer: Peer, id: string) {
    this.#peer = peer;
    this.#id = id;
    peer.onStanza = this.#onStanza;
  }

  static async open(n: number, port: number): Promise<Session> {
    const peer = await Peer.login(n, 'localhost', 'storm', port, true);
    return new Session(peer, await peer.enable());
  }

  get jid(): string {
    return this.#peer.jid;
  }

  readonly #onStanza = (buffer: Buffer, start: number, end: number): void => {
    if (this.#isLost || buffer[start + 1] !== 0x6d) return;
    if (sequenceOf(buffer, start, end) !== this.received) this.errors++;
    this.received++;
  };

  /** From now on the client neither gets anything nor acknowledges. */
  lose(): void {
    this.#handled = this.#peer.handled;
    this.#isLost = true;
    this.#peer.acknowledges = false;
  }

  cut(): void {
    this.#peer.close();
  }

  async resume(port: number): Promise<void> {
    const { number, jid } = this.#peer;
    this.#peer = Peer.connect(number, port);
    this.#peer.jid = jid;
    this.#isLost = false;
    if (!(await this.#peer.resume(this.#id, this.#handled, this.#onStanza))) this.errors++;
  }

  ping(): Promise<void> {
    return this.#peer.ping();
  }
}

class Storm {
  readonly #sessions: readonly Session[];
  readonly #senders: readonly Peer[];
  readonly #port: number;
  #sent = 0;
  #rounds = 0;

  constructor(sessions: readonly Session[], senders: readonly Peer[], port: number) {
    this.#sessions = sessions;
    this.#senders = senders;
    this.#port = port;
  }

  /** Messages that do not reach the clients. */
  async prepare(): Promise<void> {
    for (const session of this.#sessions) session.lose();
    await this.#send(UNACKNOWLEDGED);
  }

  async breakAndResume(): Promise<void> {
    for (const session of this.#sessions) session.cut();
    await this.#send(MEANWHILE);
    // In the same order again, each would be given the shard that it has.
    const order = mixed(this.#sessions.length, ++this.#rounds);
    await atATime(order.length, AT_A_TIME, (n) => this.#sessions[order[n]!]!.resume(this.#port));
    const until = performance.now() + PATIENCE_MS;
    while (this.#sessions.some(({ received }) => received < this.#sent) && performance.now() < until)
      await sleep(10);
  }

  /** So many messages to each session. */
  async #send(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.#sessions.forEach(({ jid }, n) => {
        this.#senders[n % this.#senders.length]!.send(messageTo(jid, this.#sent));
      });
      this.#sent++;
      // An answer behind them: they have been routed.
      await Promise.all(this.#senders.map((sender) => sender.ping()));
    }
  }

  /** Sessions that were not resumed; messages that came twice, in a wrong place, or not at all. */
  async errors(): Promise<number> {
    // Behind everything that may still come.
    await Promise.all(this.#sessions.map((session) => Promise.race([session.ping(), sleep(5_000)])));
    return this.#sessions.reduce((sum, one) => sum + one.errors + Math.abs(this.#sent - one.received), 0);
  }
}
