import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createDirectory, SessionDirectory, SessionList } from '../../src/memory/directory.ts';
import { dieBeforeStep } from '../helpers/threads/dying.ts';
import { FUZZ_TIMEOUT_MS, settings } from './settings.ts';

/** The directory against a model: a set of sessions. */

const SHARDS = 3;
const SESSIONS_MAX = 64;

interface Session {
  readonly shard: number;
  readonly user: number;
  readonly resource: number;
  readonly number: number;
  readonly handle: number;
  priority: number | undefined;
}

type Step =
  | { op: 'insert'; shard: number; user: number; resource: number }
  | { op: 'remove'; pick: number }
  | { op: 'priority'; pick: number; priority: number }
  | { op: 'die'; shard: number; user: number; at: number };

const shard = fc.nat(SHARDS - 1);
const user = fc.nat(5);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ op: fc.constant('insert' as const), shard, user, resource: fc.nat(3) }),
    },
    { weight: 4, arbitrary: fc.record({ op: fc.constant('remove' as const), pick: fc.nat() }) },
    {
      weight: 2,
      arbitrary: fc.record({
        op: fc.constant('priority' as const),
        pick: fc.nat(),
        priority: fc.integer({ min: -128, max: 127 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('die' as const), shard, user, at: fc.nat(200) }) },
  ),
  { maxLength: 120 },
);

/** Users 0 to 2, and 3 to 5, live in one bucket each. */
function hashes(u: number, resource: number): [number, number, number, number] {
  return [u < 3 ? 1 : -1, u * 1_001, resource + 5, (u + 1) * 10 + resource];
}

it(
  'the directory holds what was entered and not removed, whoever died meanwhile',
  () => {
    fc.assert(
      fc.property(steps, (list) => {
        const memory = createDirectory(SESSIONS_MAX);
        const main = new SessionDirectory(memory, SESSIONS_MAX);
        const views = Array.from({ length: SHARDS }, () => new SessionDirectory(memory, SESSIONS_MAX));
        let model: Session[] = [];
        let n = 0;
        for (const step of list) {
          if (step.op === 'insert') {
            const number = n++;
            const { shard: s, user: u, resource } = step;
            const handle = views[s]!.insert(...hashes(u, resource), s, number, 1_000 + number, `${number}`);
            expect(handle > 0).toBe(model.length < SESSIONS_MAX);
            if (handle > 0) model.push({ shard: s, user: u, resource, number, handle, priority: undefined });
          } else if (step.op === 'die') {
            // In entering a session, or in removing one.
            const view = views[step.shard]!;
            const own = model.find((session) => session.shard === step.shard);
            dieBeforeStep(step.at, () => {
              view.insert(...hashes(step.user, 9), step.shard, 999, 0, 'dying');
              if (own !== undefined) view.remove(own.handle);
            });
            const told = main.removeShard(step.shard).map(({ jid }) => jid);
            const lost = model.filter((session) => session.shard === step.shard);
            for (const { number } of lost) if (number !== own?.number) expect(told).toContain(`${number}`);
            model = model.filter((session) => session.shard !== step.shard);
            views[step.shard] = new SessionDirectory(memory, SESSIONS_MAX);
            views[step.shard]!.adopt(step.shard);
          } else if (model.length > 0) {
            const at = step.pick % model.length;
            const session = model[at]!;
            if (step.op === 'remove') {
              views[session.shard]!.remove(session.handle);
              model.splice(at, 1);
            } else {
              views[session.shard]!.setPriority(session.handle, step.priority);
              session.priority = step.priority;
            }
          }
        }
        expect(main.count()).toBe(model.length);
        const found = new SessionList();
        for (let u = 0; u < 6; u++) {
          const expected = model.filter((session) => session.user === u);
          const [bareLow, bareHigh] = hashes(u, 0);
          expect(main.findBare(bareLow, bareHigh, found)).toBe(expected.length);
          expect(found.number.slice(0, found.length).sort()).toEqual(
            expected.map(({ number }) => number).sort(),
          );
          for (const { number, priority } of expected) {
            if (priority !== undefined) expect(found.priority[found.number.indexOf(number)]).toBe(priority);
          }
          for (let resource = 0; resource < 4; resource++) {
            const newest = expected.filter((session) => session.resource === resource).at(-1);
            expect(main.findFull(...hashes(u, resource))).toBe(newest !== undefined);
            if (newest !== undefined)
              expect([main.shard, main.number]).toEqual([newest.shard, newest.number]);
          }
        }
      }),
      settings(1),
    );
  },
  FUZZ_TIMEOUT_MS,
);
