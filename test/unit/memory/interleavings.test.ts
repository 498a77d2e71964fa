import { afterEach, describe, expect, it } from 'vitest';
import { Dice } from '../../fuzz/dice.ts';
import { FUZZ_SEED } from '../../fuzz/settings.ts';
import { Lockstep, type LockstepReport, type LockstepScenario } from '../../helpers/threads/lockstep.ts';

/**
 * The protocol between threads (threat T57), in every order of its steps: real code, real threads, one `Atomics` call at a time
 * (test/helpers/threads/lockstep.ts). With two preemptions there are up to ten thousand orders: a part of them is drawn, unless
 * `INTERLEAVINGS=all`.
 */

const PREEMPTIONS = 2;
const IS_COMPLETE = process.env['INTERLEAVINGS'] === 'all';
const SHARE = 0.1;
const TIMEOUT_MS = 300_000;

let lockstep: Lockstep | undefined;

afterEach(async () => {
  await lockstep?.end();
});

async function explore(
  scenario: LockstepScenario,
  check: (reports: readonly LockstepReport[]) => void,
  share = SHARE,
): Promise<number> {
  const dice = new Dice(FUZZ_SEED);
  const isWanted = () => IS_COMPLETE || dice.below(1_000) < share * 1_000;
  lockstep = new Lockstep(scenario);
  return await lockstep.explore(
    PREEMPTIONS,
    (reports, schedule) => {
      const order = JSON.stringify(schedule);
      expect(
        reports.map(({ waiting }) => waiting),
        `frames left behind, order ${order}`,
      ).toEqual(reports.map(() => 0));
      try {
        check(reports);
      } catch (cause) {
        throw new Error(`in order ${order}: ${String(cause)}`, { cause });
      }
    },
    isWanted,
  );
}

const X = 'x'.repeat(12);

describe('whatever the order of steps', () => {
  it(
    'no record is left behind by a thread that falls asleep',
    async () => {
      const runs = await explore(
        { threads: 2, ringBytes: 1024, sends: [{ thread: 0, to: 1, text: 'a' }] },
        ([, second]) => expect(second!.got).toEqual(['0:a']),
      );
      expect(runs).toBeGreaterThan(100);
    },
    TIMEOUT_MS,
  );

  it(
    'an answer finds its way back',
    async () => {
      await explore(
        {
          threads: 2,
          ringBytes: 1024,
          sends: [{ thread: 0, to: 1, text: 'ask' }],
          onFrame: [{ thread: 1, prefix: 'ask', to: 0, text: 'answer' }],
        },
        ([first, second]) => {
          expect(second!.got).toEqual(['0:ask']);
          expect(first!.got).toEqual(['1:answer']);
        },
      );
    },
    TIMEOUT_MS,
  );

  it(
    'frames that wait for room are moved on when it comes, and congestion ends',
    async () => {
      const texts = [`a${X}`, `b${X}`, `c${X}`, `d${X}`];
      await explore(
        { threads: 2, ringBytes: 64, sends: texts.map((text) => ({ thread: 0, to: 1, text })) },
        ([first, second]) => {
          expect(second!.got).toEqual(texts.map((text) => `0:${text}`));
          expect(first!.wasCongested).toBe(true);
        },
      );
    },
    TIMEOUT_MS,
  );

  it(
    'two threads that are full towards each other both get on',
    async () => {
      const texts = [`a${X}`, `b${X}`, `c${X}`];
      await explore(
        {
          threads: 2,
          ringBytes: 64,
          sends: texts.flatMap((text) => [
            { thread: 0, to: 1, text },
            { thread: 1, to: 0, text },
          ]),
        },
        ([first, second]) => {
          expect(second!.got).toEqual(texts.map((text) => `0:${text}`));
          expect(first!.got).toEqual(texts.map((text) => `1:${text}`));
        },
      );
    },
    TIMEOUT_MS,
  );

  it(
    'a frame in parts arrives in one piece',
    async () => {
      const text = 'long'.repeat(20);
      await explore({ threads: 2, ringBytes: 64, sends: [{ thread: 0, to: 1, text }] }, ([, second]) =>
        expect(second!.got).toEqual([`0:${text}`]),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'an effect never comes before its cause',
    async () => {
      // 1 writes the cause to 2, then tells 0, which writes the effect to 2.
      await explore(
        {
          threads: 3,
          ringBytes: 1024,
          sends: [
            { thread: 1, to: 2, text: 'cause' },
            { thread: 1, to: 0, text: 'tell' },
          ],
          onFrame: [{ thread: 0, prefix: 'tell', to: 2, text: 'effect' }],
        },
        (reports) => expect(reports[2]!.got).toEqual(['1:cause', '0:effect']),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'what is sent after a fence comes after whatever was sent on before it',
    async () => {
      // 0 sends to 1, which sends it on to 2; after the fence 0 sends to 2 itself.
      await explore(
        {
          threads: 3,
          ringBytes: 64,
          sends: [{ thread: 0, to: 1, text: 'first' }],
          onFrame: [{ thread: 1, prefix: 'first', to: 2, text: 'sent on' }],
          fences: [{ thread: 0, to: 1, next: [{ to: 2, text: 'second' }] }],
        },
        (reports) => {
          expect(reports[0]!.got).toEqual(['fence 1']);
          expect(reports[2]!.got).toEqual(['1:sent on', '0:second']);
        },
      );
    },
    TIMEOUT_MS,
  );

  it(
    'a fence passes only after what came back because of it',
    async () => {
      await explore(
        {
          threads: 2,
          ringBytes: 64,
          sends: [{ thread: 0, to: 1, text: 'there' }],
          onFrame: [{ thread: 1, prefix: 'there', to: 0, text: 'back' }],
          fences: [{ thread: 0, to: 1, next: [] }],
        },
        ([first]) => expect(first!.got).toEqual(['1:back', 'fence 1']),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'a fence waits for frames that wait for room on either side',
    async () => {
      await explore(
        {
          threads: 3,
          ringBytes: 64,
          sends: [
            { thread: 1, to: 2, text: `a${X}` },
            { thread: 1, to: 2, text: `b${X}` },
            { thread: 0, to: 1, text: `go${X}` },
            { thread: 0, to: 1, text: `fill${X}` },
            { thread: 0, to: 1, text: `fill${X}` },
          ],
          onFrame: [{ thread: 1, prefix: 'go', to: 2, text: `sent on${X}` }],
          fences: [{ thread: 0, to: 1, next: [{ to: 2, text: 'second' }] }],
        },
        (reports) => {
          const got = reports[2]!.got;
          expect(got.indexOf('0:second')).toBeGreaterThan(got.indexOf(`1:sent on${X}`));
          expect(got).toHaveLength(4);
        },
        SHARE / 5,
      );
    },
    TIMEOUT_MS,
  );
});
