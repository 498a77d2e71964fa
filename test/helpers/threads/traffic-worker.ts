import { parentPort, workerData } from 'node:worker_threads';
import { COUNTER_NAMES, Counter } from '../../../src/memory/counters.ts';
import { Doorbell } from '../../../src/memory/doorbell.ts';
import { Inbox } from '../../../src/memory/inbox.ts';
import { Loop } from '../../../src/memory/loop.ts';
import { Outbox } from '../../../src/memory/outbox.ts';
import { RingConsumer } from '../../../src/memory/ring.ts';
import { Sequence } from '../../../src/memory/sequence.ts';
import { Waker } from '../../../src/memory/waker.ts';
import { Dice } from '../../fuzz/dice.ts';
import type { TrafficReport, TrafficSettings } from './traffic.ts';

/**
 * One of several threads that send each other messages as fast as they can (see traffic.ts). A message tells how many messages its sender knows of,
 * for each pair of threads, and whoever gets it must have got those meant for him.
 */

const settings = workerData as TrafficSettings;
const { me, threads, messages, isCausal } = settings;
const port = parentPort!;
const dice = new Dice(settings.seed + me);
const counters = new Float64Array(COUNTER_NAMES.length);
const waker = new Waker(settings.directory, me, () => loop.touch());
const bell = new Doorbell(settings.bells, (thread) => waker.wake(thread));
const outbox = new Outbox(new Sequence(settings.sequence), bell, counters, settings.overflowBytesMax);
const inbox = new Inbox(bell, counters, received, (cause) => complain(String(cause)));
const loop: Loop = new Loop(me, bell, inbox, outbox, {
  resumeYielded: () => false,
  flush: () => {},
  congestionEnded: () => {
    if (left > 0) loop.touch();
    produce();
  },
});

/** `known[from * threads + to]`: messages that this thread knows to have been sent. */
const known = new Int32Array(threads * threads);
const got = new Int32Array(threads);
const complaints: string[] = [];
let left = messages;
let answers = 0;
let overflowMax = 0;
let isReported = false;

function complain(text: string): void {
  if (complaints.length < 5) complaints.push(text);
}

function cell(from: number, to: number): number {
  return from * threads + to;
}

function send(to: number, isAnswer: boolean): boolean {
  known[cell(me, to)]!++;
  const size = dice.once(50) ? dice.below(settings.bytesMax) : dice.below(60);
  const bytes = Buffer.alloc(1 + known.byteLength + size, me);
  bytes[0] = isAnswer ? 1 : 0;
  Buffer.from(known.buffer).copy(bytes, 1);
  if (outbox.send(to, bytes)) return true;
  known[cell(me, to)]!--;
  return false;
}

/** Some messages for this turn. Sockets would not be read while frames wait. */
function produce(): void {
  let count = dice.below(20);
  while (left > 0 && count-- > 0 && !outbox.isCongested) {
    const to = (me + 1 + dice.below(threads - 1)) % threads;
    // Causes are only in order while nothing waits outside of the rings.
    if (isCausal && outbox.inFlightBytes(to) > settings.ringBytes / 2) break;
    if (send(to, false)) left--;
  }
  overflowMax = Math.max(overflowMax, outbox.overflowLength((me + 1) % threads));
  report();
}

function received(from: number, bytes: Buffer, start: number, end: number): void {
  const theirs = new Int32Array(threads * threads);
  bytes.copy(Buffer.from(theirs.buffer), 0, start + 1, start + 1 + theirs.byteLength);
  got[from]!++;
  if (theirs[cell(from, me)] !== got[from])
    complain(`${me}: message ${theirs[cell(from, me)]} of ${from} as number ${got[from]}`);
  for (let at = start + 1 + theirs.byteLength; at < end; at++) {
    if (bytes[at] !== from) complain(`${me}: a byte of ${bytes[at]} in a message of ${from}`);
  }
  for (let other = 0; isCausal && other < threads; other++) {
    if (other !== from && other !== me && theirs[cell(other, me)]! > got[other]!) {
      complain(
        `${me}: an effect of message ${theirs[cell(other, me)]} of ${other} after ${got[other]} of these`,
      );
    }
  }
  for (let i = 0; i < known.length; i++) known[i] = Math.max(known[i]!, theirs[i]!);
  if (
    bytes[start] === 0 &&
    dice.once(3) &&
    (!isCausal || outbox.inFlightBytes(from) < settings.ringBytes / 2)
  ) {
    if (send(from, true)) answers++;
  }
}

function report(): void {
  if (left > 0 || isReported || outbox.isCongested) return;
  isReported = true;
  port.postMessage({ kind: 'sent', me, known: [...known.slice(me * threads, (me + 1) * threads)] });
}

port.on('message', (what: string) => {
  if (what === 'go') loop.touch();
  else {
    const answer: TrafficReport = {
      me,
      got: [...got],
      sent: [...known.slice(me * threads, (me + 1) * threads)],
      answers,
      overflowMax,
      overflowFrames: counters[Counter.ring_overflow_frames]!,
      corrupt: counters[Counter.ring_corrupt]!,
      rung: counters[Counter.doorbell_rung]!,
      complaints,
    };
    port.postMessage({ kind: 'report', report: answer });
  }
});

for (let other = 0; other < threads; other++) {
  if (other === me) continue;
  outbox.connect(other, settings.rings[me]![other]!);
  inbox.connect(other, new RingConsumer(settings.rings[other]![me]!));
}
await waker.start();
port.postMessage({ kind: 'ready' });
