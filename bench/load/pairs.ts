import { messageTo, sequenceOf } from './frames.ts';
import { Peer } from './peer.ts';
import type { ScenarioContext } from './scenario.ts';

const RESOURCE = 'bench';

/**
 * Connects `2 * pairs` peers; 2n and 2n+1 talk to each other. They connect in a mixed order, always the same, so that on two shards about half of the
 * pairs have one end on each. `isAcknowledged`: with stream management.
 */
export async function connectPairs(context: ScenarioContext, isAcknowledged = false): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (const n of mixed(context.pairs * 2)) {
    peers[n] = context.isRelay
      ? await Peer.relay(n, context.port)
      : await Peer.login(n, 'localhost', RESOURCE, context.port, true);
    if (isAcknowledged) await peers[n].enable();
  }
  return peers;
}

/** The numbers below `count`, shuffled by a generator that starts with `seed`: always the same. */
export function mixed(count: number, seed = 42): number[] {
  const numbers = Array.from({ length: count }, (_unused, n) => n);
  let state = seed;
  for (let n = count - 1; n > 0; n--) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    const other = state % (n + 1);
    [numbers[n], numbers[other]] = [numbers[other]!, numbers[n]!];
  }
  return numbers;
}

/** One end of a pair: sends numbered messages, checks the numbers that come. */
export class Talker {
  readonly peer: Peer;
  /** Messages received. */
  received = 0;
  /** Numbers that were not the next one. */
  errors = 0;
  sent = 0;
  onMessage: (sequence: number) => void = () => {};
  readonly #frame: Buffer;
  readonly #idAt: number;
  #expected = 0;

  constructor(peer: Peer, to: string) {
    this.peer = peer;
    this.#frame = messageTo(to, 0);
    this.#idAt = this.#frame.indexOf(" id='") + 5;
    peer.onStanza = (buffer, start, end) => this.#received(buffer, start, end);
  }

  send(): void {
    const bytes = Buffer.from(this.#frame);
    writeNumber(bytes, this.#idAt, this.sent++);
    this.peer.send(bytes);
  }

  /** Sends `count` messages in one write. */
  sendMany(count: number): void {
    const { length } = this.#frame;
    const bytes = Buffer.allocUnsafe(length * count);
    for (let i = 0; i < count; i++) {
      this.#frame.copy(bytes, i * length);
      writeNumber(bytes, i * length + this.#idAt, this.sent++);
    }
    this.peer.send(bytes);
  }

  #received(buffer: Buffer, start: number, end: number): void {
    // Presence of the login may still be on its way.
    if (buffer[start + 1] !== 0x6d) return;
    const sequence = sequenceOf(buffer, start, end);
    if (sequence !== this.#expected) this.errors++;
    this.#expected = sequence + 1;
    this.received++;
    this.onMessage(sequence);
  }
}

function writeNumber(bytes: Buffer, at: number, value: number): void {
  let rest = value;
  for (let i = 9; i >= 0; i--) {
    bytes[at + i] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** The talkers of all peers. */
export function talkers(peers: readonly Peer[]): Talker[] {
  return peers.map((peer) => new Talker(peer, peers[peer.number ^ 1]!.jid));
}

export function totals(all: readonly Talker[]): { received: number; sent: number; errors: number } {
  let received = 0;
  let sent = 0;
  let errors = 0;
  for (const talker of all) {
    received += talker.received;
    sent += talker.sent;
    errors += talker.errors;
  }
  return { received, sent, errors };
}

/** Waits until nothing is under way any more; what does not arrive is lost. */
export async function settle(all: readonly Talker[], patienceMs = 5_000): Promise<number> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const { received, sent } = totals(all);
    if (received >= sent || Date.now() > until) return sent - received;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
