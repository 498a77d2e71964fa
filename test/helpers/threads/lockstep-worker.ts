import { parentPort, workerData } from 'node:worker_threads';
import { COUNTER_NAMES } from '../../../src/memory/counters.ts';
import { Doorbell } from '../../../src/memory/doorbell.ts';
import { fence } from '../../../src/memory/fence.ts';
import { Inbox } from '../../../src/memory/inbox.ts';
import { Loop } from '../../../src/memory/loop.ts';
import { Outbox } from '../../../src/memory/outbox.ts';
import { RingConsumer } from '../../../src/memory/ring.ts';
import { Sequence } from '../../../src/memory/sequence.ts';
import { BLOCKED, Control, type LockstepReport, type LockstepRun, RUNNING } from './lockstep.ts';

/**
 * One thread of a lockstep run (see lockstep.ts): the real ring, outbox, inbox, doorbell and loop. Each `Atomics` call of theirs is a step;
 * before it, the schedule may give the turn to another thread. Sleeping in `epoll` is played: a thread without an immediate to run
 * waits to be woken.
 */

const STEPS = ['load', 'store', 'add', 'sub', 'exchange', 'compareExchange'] as const;
const { load, store, add, wait, notify } = Atomics;
const real = { load, store, add, wait, notify };

const { me, threads } = workerData as { me: number; threads: number };
const port = parentPort!;
let control: Int32Array;
let schedule: ReadonlyMap<number, number> = new Map();
let isActive = false;
let immediates: (() => void)[] = [];

for (const name of STEPS) {
  const original = Atomics[name] as (...args: unknown[]) => unknown;
  (Atomics as unknown as Record<string, unknown>)[name] = (...args: unknown[]) => {
    if (isActive) step();
    return original(...args);
  };
}
globalThis.setImmediate = ((callback: () => void) =>
  immediates.push(callback)) as unknown as typeof setImmediate;

function step(): void {
  const target = schedule.get(real.add(control, Control.STEP, 1));
  if (target === undefined || target === me || !isRunnable(target)) return;
  real.add(control, Control.SWITCHES, 1);
  handTo(target);
  awaitTurn();
}

function isRunnable(thread: number): boolean {
  return (
    real.load(control, Control.STATE + thread) === RUNNING || real.load(control, Control.WOKEN + thread) === 1
  );
}

function handTo(thread: number): void {
  real.store(control, Control.TURN, thread);
  real.notify(control, Control.TURN);
}

function awaitTurn(): void {
  for (;;) {
    const turn = real.load(control, Control.TURN);
    if (turn === me || turn === -1) return;
    real.wait(control, Control.TURN, turn);
  }
}

/** Sleeps until woken. False when nobody is left to do so: the run is over. */
function sleep(): boolean {
  real.store(control, Control.STATE + me, BLOCKED);
  if (real.load(control, Control.WOKEN + me) === 0) {
    let next = -1;
    for (let i = 1; i < threads && next < 0; i++)
      if (isRunnable((me + i) % threads)) next = (me + i) % threads;
    handTo(next);
    if (next >= 0) awaitTurn();
  }
  if (real.load(control, Control.TURN) === -1) return false;
  real.store(control, Control.WOKEN + me, 0);
  real.store(control, Control.STATE + me, RUNNING);
  return true;
}

async function play(run: LockstepRun): Promise<LockstepReport> {
  control = new Int32Array(run.control);
  schedule = new Map(run.schedule);
  immediates = [];
  const counters = new Float64Array(COUNTER_NAMES.length);
  const bell = new Doorbell(run.bells, (thread) => real.store(control, Control.WOKEN + thread, 1));
  const outbox = new Outbox(new Sequence(run.sequence), bell, counters);
  const got: string[] = [];
  let wasCongested = false;
  const inbox = new Inbox(
    bell,
    counters,
    (from, bytes, start, end) => handle(from, bytes.latin1Slice(start, end)),
    (cause) => got.push(String(cause)),
  );
  const loop: Loop = new Loop(me, bell, inbox, outbox, {
    resumeYielded: () => false,
    flush: () => {},
    congestionEnded: () => {
      wasCongested = true;
    },
  });
  for (let other = 0; other < threads; other++) {
    if (other === me) continue;
    outbox.connect(other, run.rings[me]![other]!);
    inbox.connect(other, new RingConsumer(run.rings[other]![me]!));
  }
  const send = (to: number, text: string): void => {
    loop.touch();
    outbox.send(to, Buffer.from(text, 'latin1'));
  };

  function handle(from: number, text: string): void {
    got.push(`${from}:${text}`);
    const action = run.onFrame.find((rule) => rule.thread === me && text.startsWith(rule.prefix));
    if (action !== undefined) send(action.to, action.text);
  }

  awaitTurn();
  isActive = true;
  loop.touch();
  for (const { thread, to, text } of run.sends) if (thread === me) send(to, text);
  for (const { thread, to, next } of run.fences) {
    if (thread !== me) continue;
    const passed = (): void => {
      got.push(`fence ${to}`);
      for (const one of next) send(one.to, one.text);
    };
    const wait = fence(to, outbox, inbox, loop);
    if (wait === undefined) passed();
    else void wait.then(passed);
  }
  do {
    for (let turn = immediates.shift(); turn !== undefined; turn = immediates.shift()) {
      turn();
      // Promises settle between two turns.
      await undefined;
      await undefined;
    }
  } while (sleepOrWake(loop));
  isActive = false;
  return { got, waiting: sum(outbox), wasCongested };
}

function sleepOrWake(loop: Loop): boolean {
  isActive = false;
  const isWoken = sleep();
  isActive = true;
  if (isWoken) loop.touch();
  return isWoken;
}

function sum(outbox: Outbox): number {
  let frames = 0;
  for (let thread = 0; thread < threads; thread++) frames += outbox.overflowLength(thread);
  return frames;
}

port.on('message', (run: LockstepRun) => {
  void play(run).then((report) => port.postMessage(report));
});
