import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { RECORD_WHOLE, RING_HEADER_BYTES, RingConsumer, RingProducer } from '../../src/memory/ring.ts';
import { connectThreads, type FakeThread, ringAt, take } from '../unit/memory/fakes.ts';
import { FUZZ_TIMEOUT_MS, settings } from './settings.ts';

/** Tiny rings against a model: queues (threat T57). */

const CAPACITIES = [64, 128, 256, 1024];

type RingStep =
  | { op: 'append'; bytes: number }
  | { op: 'publish' }
  | { op: 'take' }
  | { op: 'release' }
  | { op: 'reopen' };

function ringSteps(): fc.Arbitrary<RingStep[]> {
  return fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          op: fc.constant('append' as const),
          bytes: fc.oneof(fc.nat(30), fc.nat(1100)),
        }),
      },
      { weight: 3, arbitrary: fc.constant({ op: 'publish' as const }) },
      { weight: 5, arbitrary: fc.constant({ op: 'take' as const }) },
      { weight: 3, arbitrary: fc.constant({ op: 'release' as const }) },
      { weight: 1, arbitrary: fc.constant({ op: 'reopen' as const }) },
    ),
    { maxLength: 200 },
  );
}

it(
  'a ring is a queue of whole records, wherever its indices stand',
  () => {
    fc.assert(
      fc.property(fc.constantFrom(...CAPACITIES), fc.integer(), ringSteps(), (capacity, index, steps) => {
        const memory = ringAt(capacity, index & ~3);
        let producer = new RingProducer(memory);
        const consumer = new RingConsumer(memory);
        let appended: string[] = [];
        const visible: string[] = [];
        let n = 0;
        for (const step of steps) {
          switch (step.op) {
            case 'append': {
              const text = String.fromCharCode(97 + (n % 26)).repeat(step.bytes);
              if (producer.append(Buffer.from(text), 0, text.length, n++, RECORD_WHOLE)) appended.push(text);
              break;
            }
            case 'publish':
              expect(producer.publish()).toBe(appended.length > 0);
              visible.push(...appended.splice(0));
              break;
            case 'take':
              expect(take(consumer)).toBe(visible.shift());
              break;
            case 'release':
              consumer.release(true);
              break;
            case 'reopen':
              // The producer dies: what it had not published was never there.
              producer = new RingProducer(memory);
              appended = [];
              break;
          }
          expect(producer.inFlightBytes()).toBeLessThanOrEqual(capacity);
        }
        producer.publish();
        for (const text of [...visible, ...appended]) expect(take(consumer)).toBe(text);
        expect(take(consumer)).toBeUndefined();
      }),
      settings(3),
    );
  },
  FUZZ_TIMEOUT_MS,
);

type Step =
  | { op: 'send'; from: number; to: number; bytes: number }
  | { op: 'turn'; thread: number; framesMax: number }
  | { op: 'publish'; thread: number };

const THREADS = 3;

function steps(): fc.Arbitrary<Step[]> {
  const thread = fc.nat(THREADS - 1);
  return fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          op: fc.constant('send' as const),
          from: thread,
          to: thread,
          bytes: fc.oneof(fc.integer({ min: 8, max: 40 }), fc.integer({ min: 8, max: 600 })),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          op: fc.constant('turn' as const),
          thread,
          framesMax: fc.integer({ min: 1, max: 8 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('publish' as const), thread }) },
    ),
    { maxLength: 150 },
  );
}

function play(
  threads: readonly FakeThread[],
  step: Step,
  sent: (from: number, to: number, text: string) => void,
): void {
  if (step.op === 'turn') threads[step.thread]!.turn(step.framesMax);
  else if (step.op === 'publish') threads[step.thread]!.outbox.publish();
  else if (step.from !== step.to) {
    const text = `${count++}:`.padEnd(step.bytes, 'x');
    if (threads[step.from]!.outbox.send(step.to, Buffer.from(text))) sent(step.from, step.to, text);
  }
}

let count = 0;

/** Turns of all until nothing moves and nothing waits. */
function settle(threads: readonly FakeThread[]): void {
  for (let idle = 0, rounds = 0; idle < 3 && rounds < 10_000; rounds++) {
    idle++;
    for (const thread of threads) if (thread.turn() > 0) idle = 0;
  }
}

it(
  'whatever three threads accept from each other arrives, once and in order',
  () => {
    fc.assert(
      fc.property(
        fc.constantFrom(64, 128, 256),
        fc.constantFrom(0, 100, 2_000),
        steps(),
        (capacity, overflow, list) => {
          const { threads } = connectThreads(THREADS, capacity, overflow);
          const expected = threads.map(() => threads.map((): string[] => []));
          // Every tenth frame is answered at once.
          for (const thread of threads) {
            thread.onFrame = (from, text) => {
              if (!text.startsWith('re') && Number.parseInt(text, 10) % 10 === 0) {
                const answer = `re ${text}`;
                if (thread.outbox.send(from, Buffer.from(answer))) expected[thread.id]![from]!.push(answer);
              }
            };
          }
          for (const step of list) play(threads, step, (from, to, text) => expected[from]![to]!.push(text));
          settle(threads);
          for (const to of threads) {
            expect(to.outbox.isCongested).toBe(false);
            expect(to.failures).toEqual([]);
            for (const from of threads) {
              const got = to.got.filter((frame) => frame.from === from.id).map(({ text }) => text);
              expect(got).toEqual(expected[from.id]![to.id]);
            }
          }
        },
      ),
      settings(2),
    );
  },
  FUZZ_TIMEOUT_MS,
);

it(
  'a thread that dies at any moment leaves each frame with its sender or its receiver, in order',
  () => {
    fc.assert(
      fc.property(fc.constantFrom(64, 256), steps(), fc.nat(8), (capacity, list, framesRead) => {
        const { threads } = connectThreads(2, capacity);
        const [a, b] = threads as [FakeThread, FakeThread];
        const expected: string[] = [];
        for (const step of list) {
          if (step.op === 'turn') play(threads, { ...step, thread: step.thread % 2 }, () => {});
          else if (step.op === 'publish') a.outbox.publish();
          else play(threads, { ...step, from: 0, to: 1 }, (_from, _to, text) => expected.push(text));
        }
        // It dies in a turn: frames read, but their space not given back.
        b.inbox.drain(framesRead);
        const handled = b.got.map(({ text }) => text);
        expect(handled).toEqual(expected.slice(0, handled.length));
        const back = a.outbox.reclaim(1).map(String);
        // Whole frames: all that were not handled, and perhaps some that were; but for one that was given back in part.
        expect(back).toEqual(expected.slice(expected.length - back.length));
        expect(back.length + handled.length).toBeGreaterThanOrEqual(expected.length - 1);
      }),
      settings(2),
    );
  },
  FUZZ_TIMEOUT_MS,
);

it(
  'damage to any word of a ring is never followed out of range, and the lane works again',
  () => {
    const damage = fc.record({
      at: fc.nat(),
      place: fc.constantFrom('index' as const, 'record' as const),
      value: fc.oneof(
        fc.integer(),
        fc.integer({ min: -300, max: 300 }),
        fc.constantFrom(-1, 0, 1, 2 ** 31 - 1, -(2 ** 31)),
      ),
      isAdded: fc.boolean(),
      after: fc.nat(100),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(64, 256),
        steps(),
        fc.array(damage, { minLength: 1, maxLength: 4 }),
        (capacity, list, damages) => {
          const { threads, rings } = connectThreads(2, capacity, 500);
          const words = new Int32Array(rings[0]![1]!);
          const [a, b] = threads as [FakeThread, FakeThread];
          const hit = ({ at, place, value, isAdded }: (typeof damages)[number]): void => {
            const indices = [0, 16, 17, 18];
            const word = place === 'index' ? indices[at % 4]! : RING_HEADER_BYTES / 4 + (at % (capacity / 4));
            words[word] = isAdded ? words[word]! + value : value;
          };
          for (const [i, step] of list.entries()) {
            for (const one of damages) if (one.after === i) hit(one);
            if (step.op === 'send') play(threads, { ...step, from: 0, to: 1 }, () => {});
            else play(threads, { ...step, thread: step.thread % 2 }, () => {});
          }
          for (const one of damages) if (one.after >= list.length) hit(one);
          // A lane may lose what was in it, and what was written while the two disagreed: no more than a ring or two.
          for (let i = 0; i < 60; i++) {
            a.outbox.send(1, Buffer.from(`marker ${i}`));
            a.turn();
            b.turn();
          }
          settle(threads);
          expect(b.got.at(-1)?.text).toBe('marker 59');
          expect(a.outbox.isCongested).toBe(false);
        },
      ),
      settings(3),
    );
  },
  FUZZ_TIMEOUT_MS,
);
