import { type Element, TestClient } from '../helpers/client.ts';

/** One direction between two accounts: numbered messages, and what became of them. */
export class Direction {
  readonly to: string;
  sent = 0;
  /** The number that must come next. */
  next = 0;
  /** What went wrong; empty is what a test wants. */
  readonly faults: string[] = [];
  #wake: (() => void) | undefined;

  constructor(to: string) {
    this.to = to;
  }

  /** The next message, as XML. */
  make(padding: string): string {
    return `<message to='${this.to}' type='chat' id='${this.sent++}'><body>${padding}</body></message>`;
  }

  /** A message has come. */
  received(message: Element): void {
    const id = Number(message.attribute('id'));
    if (id !== this.next && this.faults.length < 5) {
      const how = message.child('delay', 'urn:xmpp:delay') === undefined ? 'live' : 'stored';
      this.faults.push(`${this.to}: ${id} (${how}) in place of ${this.next}`);
    }
    this.next = id + 1;
    this.#wake?.();
  }

  /** Resolves when no more than `most` messages are under way. */
  async settle(most: number): Promise<void> {
    while (this.sent - this.next > most) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** How a pair's receiving side behaves. */
export type Habit = 'steady' | 'slow' | 'reconnecting';

/** Two accounts, the first of which sends to the second until told to stop. */
export class Pair {
  readonly direction: Direction;
  readonly habit: Habit;
  readonly #number: number;
  readonly #port: () => number;
  #isOver = false;
  /** How often the receiver came anew. */
  reconnects = 0;

  constructor(number: number, habit: Habit, port: () => number) {
    this.#number = number;
    this.#port = port;
    this.habit = habit;
    // To the account: what comes while its session is away is kept for the next one.
    this.direction = new Direction(`to${number}@localhost`);
  }

  /** Whether the receiver was to come anew and has not yet. */
  get #isMissed(): boolean {
    return this.habit === 'reconnecting' && this.reconnects === 0;
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Runs both sides. Resolves when all that was sent has come. */
  async run(): Promise<void> {
    const sender = await TestClient.login(this.#port(), `from${this.#number}@localhost/f`);
    let isDone = false;
    const receiving = this.#receive(() => isDone);
    await this.#send(sender);
    await this.direction.settle(0);
    isDone = true;
    await sender.close();
    await receiving;
  }

  async #send(sender: TestClient): Promise<void> {
    // However slow the machine: every size at least once, and to two sessions where they come and go.
    let bursts = 0;
    for (let burst = 1; !this.#isOver || bursts < 14 || this.#isMissed; burst = (burst % 13) + 1, bursts++) {
      let text = '';
      // Sizes change, so that records end everywhere in a ring; some frames are larger than the ring takes in one piece.
      for (let i = 0; i < burst; i++)
        text += this.direction.make('x'.repeat(burst === 13 && i === 0 ? 150_000 : i * 37));
      sender.send(text);
      await this.direction.settle(400);
      // An answer to a question that passes the same way as the messages: errors would come before it.
      await sender.nothingElse();
    }
  }

  async #receive(isDone: () => boolean): Promise<void> {
    for (let life = 0; !isDone(); life++) {
      this.reconnects = life;
      const client = await TestClient.login(this.#port(), `to${this.#number}@localhost/r${life}`, {
        isAvailable: false,
      });
      client.send('<presence/>');
      await this.#listen(client, isDone);
      // In order: a connection that is cut loses what the kernel had taken for it (there is no XEP-0198 here).
      await this.#leave(client);
    }
  }

  /** Hears messages for a while, or to the end. */
  async #listen(client: TestClient, isDone: () => boolean): Promise<void> {
    const until =
      this.habit === 'reconnecting' ? Date.now() + 200 + Math.random() * 400 : Number.POSITIVE_INFINITY;
    let heard = 0;
    while (!isDone() && Date.now() < until) {
      const element = await client.elementWithin(100);
      if (element?.name === 'message') {
        this.direction.received(element);
        heard++;
      }
      if (this.habit === 'slow' && heard > 100) {
        heard = 0;
        client.socket.pause();
        await new Promise((resolve) => setTimeout(resolve, 50));
        client.socket.resume();
      }
    }
  }

  /** Ends the stream, and counts what came before its end. */
  async #leave(client: TestClient): Promise<void> {
    client.send('<presence type="unavailable"/></stream:stream>');
    for (;;) {
      const heard = await client.next();
      if (heard.kind === 'disconnected') return;
      if (heard.kind === 'element' && heard.element.name === 'message')
        this.direction.received(heard.element);
    }
  }
}
