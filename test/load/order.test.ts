import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectConservation } from '../helpers/conservation.ts';
import { residentBytes } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { type Habit, Pair } from './traffic.ts';

/**
 * Many pairs chat across shards for a while: whatever the receivers do, each gets all messages of its sender, once and in order.
 * `MEERKAT_LOAD_SECONDS` says how long (an hour: 3600), `MEERKAT_LOAD_SHARDS` and `MEERKAT_LOAD_PAIRS` how much.
 */

const SECONDS = Number(process.env['MEERKAT_LOAD_SECONDS'] ?? 4);
const SHARDS = Number(process.env['MEERKAT_LOAD_SHARDS'] ?? 3);
const PAIRS = Number(process.env['MEERKAT_LOAD_PAIRS'] ?? 30);
const HABITS: readonly Habit[] = ['steady', 'slow', 'reconnecting'];

let server: TestServer;

beforeAll(async () => {
  const users = Array.from({ length: PAIRS }, (_unused, i) => [`from${i}`, `to${i}`]).flat();
  server = await TestServer.start({
    shards: SHARDS,
    users,
    toml: '[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n[access]\n  max_user_offline_messages = [{ acl = "all", value = "infinity" }]\n[modules.mod_presence]\n[modules.mod_offline]\n',
  });
});

afterAll(() => server.stop());

describe(`${PAIRS} pairs on ${SHARDS} shards for ${SECONDS} s`, () => {
  it(
    'get every message once and in order: steady readers, slow ones, and those that come and go',
    async () => {
      const pairs = Array.from(
        { length: PAIRS },
        (_unused, i) => new Pair(i, HABITS[i % HABITS.length]!, () => server.port()),
      );
      const done = Promise.all(pairs.map((pair) => pair.run()));
      const timer = setTimeout(() => {
        for (const pair of pairs) pair.stop();
      }, SECONDS * 1_000);
      await done;
      clearTimeout(timer);
      expect(pairs.flatMap(({ direction }) => direction.faults)).toEqual([]);
      expect(pairs.map(({ direction }) => direction.next)).toEqual(
        pairs.map(({ direction }) => direction.sent),
      );
      for (const { habit, direction, reconnects } of pairs) {
        expect(direction.sent, habit).toBeGreaterThan(13);
        if (habit === 'reconnecting') expect(reconnects).toBeGreaterThan(0);
      }
      const counts = await expectConservation(server.port('http'));
      expect(counts.clients).toBe(pairs.reduce((sum, { direction }) => sum + direction.sent, 0));
      expect(counts).toMatchObject({ bounced: 0, dropped: 0 });
      const messages = pairs.reduce((sum, { direction }) => sum + direction.sent, 0);
      const reconnects = pairs.reduce((sum, pair) => sum + pair.reconnects, 0);
      const mebibytes = Math.round(residentBytes(server.pid) / 1_048_576);
      console.info(`${messages} messages in order, ${reconnects} reconnects, ${mebibytes} MiB resident`);
    },
    (SECONDS + 120) * 1_000,
  );
});
