import {
  type Accumulator,
  type C2sParams,
  type Element,
  KeptStanza,
  type ModuleContext,
  STOP,
  StanzaKind,
  streamErrorXml,
  type Verdict,
} from '../module.ts';
import type { SmOptions } from './options.ts';
import type { SmSessions } from './sessions.ts';
import { answerXml, parseCount, REQUEST, tooHighXml } from './sm-xml.ts';
import { SmStream } from './stream.ts';

/** How long a client may have too much unacknowledged. */
const OVER_MS_MAX = 5_000;

/** What a client is told that says it has handled more than it was sent. */
export function tooHigh(h: number, sent: number): string {
  const text = `You have acknowledged ${h} stanzas, and were sent ${sent}`;
  return streamErrorXml('undefined-condition', text, tooHighXml(h, sent));
}

const TOO_MANY = streamErrorXml('resource-constraint', 'too many unacked stanzas');

/** Counting stanzas in both directions, asking and answering (XEP-0198 §4). */
export class Acknowledgements {
  readonly #context: ModuleContext<SmOptions>;
  readonly #sessions: SmSessions;
  readonly #freq: number;
  readonly #bufferMax: number;
  readonly #bytesMax: number;
  readonly #totalMax: number;
  readonly #keeps: boolean;

  constructor(context: ModuleContext<SmOptions>, sessions: SmSessions) {
    const { ack, ack_freq, buffer, buffer_max, buffer_max_bytes, total_max_bytes } = context.options;
    this.#context = context;
    this.#sessions = sessions;
    this.#freq = ack ? ack_freq : Number.POSITIVE_INFINITY;
    this.#keeps = buffer;
    this.#bufferMax = buffer_max === 'infinity' ? Number.POSITIVE_INFINITY : buffer_max;
    this.#bytesMax = buffer_max_bytes;
    this.#totalMax = total_max_bytes;
  }

  get bufferMax(): number {
    return this.#bufferMax;
  }

  /** What is known of a session's acknowledgements; undefined unless it enabled them. */
  of(session: C2sParams): SmStream | undefined {
    const state = session.moduleState(this.#context.slot);
    return state instanceof SmStream ? state : undefined;
  }

  /** A stanza came from the client (`user_send_packet`). */
  received(acc: Accumulator, session: C2sParams): undefined {
    const stream = session.moduleState(this.#context.slot);
    if (stream instanceof SmStream && acc.stanza!.kind !== StanzaKind.OTHER) stream.countReceived();
  }

  /** A stanza is about to be written to the client, or would be if it were there (`xmpp_presend_element`). */
  presend(acc: Accumulator, session: C2sParams): Verdict {
    const stream = session.moduleState(this.#context.slot);
    if (!(stream instanceof SmStream)) return undefined;
    const { kind } = acc.stanza!;
    if (kind === StanzaKind.OTHER) return undefined;
    const isHere = session.state !== 'external';
    if (!isHere && kind === StanzaKind.MESSAGE) this.#tellUnacknowledged(acc, session);
    stream.push(this.#keeps ? KeptStanza.of(acc) : undefined);
    if (stream.bytes > this.#bytesMax || this.#isPoolFull(stream)) {
      acc.addAction({ kind: 'hard_stop', reason: 'resource-constraint', lastWords: TOO_MANY });
      this.#context.count('too_many_unacked');
      return STOP;
    }
    if (stream.length > this.#bufferMax && stream.overMs === undefined) {
      stream.overMs = performance.now();
      this.#sessions.over.add(stream);
    }
    if (!isHere) return STOP;
    if (stream.isTimeToAsk(this.#freq)) stream.handle.writeLast(REQUEST);
    return undefined;
  }

  #tellUnacknowledged(acc: Accumulator, session: C2sParams): void {
    void this.#context.runHook('unacknowledged_message', acc, { jid: session.jid! });
  }

  /** All queues together are too long, and no session can be given up for this one. */
  #isPoolFull(grown: SmStream): boolean {
    while (this.#sessions.bytes > this.#totalMax) {
      const [oldest] = this.#sessions.detached;
      if (oldest === undefined || oldest === grown) return true;
      this.#context.count('detached_given_up');
      oldest.handle.end('resource-constraint');
    }
    return false;
  }

  /** Sessions whose clients have had too much unacknowledged for too long. Called every second or so. */
  endOver(): void {
    const since = performance.now() - OVER_MS_MAX;
    for (const stream of [...this.#sessions.over]) {
      if (stream.overMs! > since) continue;
      this.#context.count('too_many_unacked');
      stream.handle.end('resource-constraint', TOO_MANY);
    }
  }

  /**
   * `<r/>`: the answer counts what has been handled, and what must be stored is handled when it is (a crash loses nothing that was acknowledged). Is something being
   * stored, the client is told the rest as soon as that is done.
   */
  asked(acc: Accumulator, stream: SmStream): void {
    const wait = stream.handle.whenCommitted();
    if (wait === undefined) stream.handled = stream.received;
    acc.addAction({ kind: 'socket_send', xml: answerXml(stream.handled) });
    if (wait !== undefined && !stream.isOwing) this.#tellLater(stream, wait);
  }

  #tellLater(stream: SmStream, wait: Promise<unknown>): void {
    // Of what is on its way nobody knows yet whether it must be stored.
    const count = stream.handle.isHandling ? stream.received - 1 : stream.received;
    stream.isOwing = true;
    void wait.then(() => {
      stream.isOwing = false;
      const more = stream.handle.whenCommitted();
      stream.countHandled(more === undefined ? stream.received : count >>> 0);
      if (stream.session.state !== 'session_established') return;
      stream.handle.write(answerXml(stream.handled));
      if (more !== undefined && stream.handled !== stream.received) this.#tellLater(stream, more);
    });
  }

  /** `<a h='…'/>`. */
  acknowledged(acc: Accumulator, element: Element, stream: SmStream): void {
    const h = parseCount(element.attribute('h'));
    if (h === undefined) {
      const lastWords = streamErrorXml('policy-violation', 'Invalid h attribute');
      acc.addAction({ kind: 'hard_stop', reason: 'policy-violation', lastWords });
      return;
    }
    if (!stream.isPlausible(h)) {
      acc.addAction({ kind: 'hard_stop', reason: 'undefined-condition', lastWords: tooHigh(h, stream.sent) });
      return;
    }
    this.settle(stream, h);
    if (stream.isTimeToAsk(this.#freq)) acc.addAction({ kind: 'socket_send', xml: REQUEST });
  }

  /** The client has handled `h` stanzas. */
  settle(stream: SmStream, h: number): void {
    stream.acknowledge(h);
    if (stream.overMs === undefined || stream.length > this.#bufferMax) return;
    stream.overMs = undefined;
    this.#sessions.over.delete(stream);
  }

  /** Asks for an acknowledgement at the end of the turn, if there is anything to acknowledge. */
  ask(stream: SmStream): void {
    if (this.#freq === Number.POSITIVE_INFINITY || stream.acked === stream.sent) return;
    stream.asked();
    stream.handle.writeLast(REQUEST);
  }
}
