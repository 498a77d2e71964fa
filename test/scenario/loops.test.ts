import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Stats } from '../../src/admin/stats.ts';
import { HOPS_MAX, LOG_LINES_MAX } from '../../src/limits.ts';
import { TestClient } from '../helpers/client.ts';
import { meerkat } from '../helpers/meerkat.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { Spy } from '../helpers/spy.ts';
import { fixture, LAB, loginOn } from './modules/support.ts';

/** Two components on two shards that pass on to each other all that they get. */

const spy = new Spy();
let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet'],
    toml: `[modules.mod_presence]\n${LAB}${fixture('mod_loop', 'mod-loop.ts')}${spy.toml('hooks = ["packet_to_component"]')}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
});

afterAll(() => server.stop());
afterEach(() => spy.forget());

function loops(): number {
  return server.log.split('"routing_loop"').length - 1;
}

async function dropped(): Promise<number> {
  const { stdout } = await meerkat(['--config', server.configFile, 'stats', '--json']);
  return (JSON.parse(stdout) as Stats).routed.dropped.message;
}

describe.each([undefined, 'normal', 'chat', 'headline'])(
  'a %s message that is passed on in a loop',
  (type) => {
    it('is dropped at the limit, which is logged once; nobody else is kept waiting', async () => {
      const [before, loopsBefore] = [await dropped(), loops()];
      romeo.send(
        `<message to='ping.test'${type === undefined ? '' : ` type='${type}'`} id='round'><body>and round</body></message>`,
      );
      for (const [from, to] of [
        [romeo, juliet],
        [juliet, romeo],
      ] as const) {
        from.send(`<message to='${to.jid}' type='chat' id='straight'><body>on</body></message>`);
        expect((await to.message()).attribute('id')).toBe('straight');
      }
      await eventually(() => loops() > loopsBefore, 'the loop ends');
      const visits = spy.lines().filter((line) => line.id === 'round');
      expect(visits).toHaveLength(HOPS_MAX + 1);
      expect(visits.map(({ shard }) => shard)).toEqual(visits.map((_visit, i) => i % 2));
      expect(await dropped()).toBe(before + 1);
      expect(loops()).toBe(loopsBefore + 1);
      // Nor does an answer go round.
      await romeo.nothingElse();
    });
  },
);

describe('many such messages', () => {
  it('end one by one, and cost nobody a connection', async () => {
    const count = 100;
    const [before, loopsBefore] = [await dropped(), loops()];
    for (let i = 0; i < count; i++)
      romeo.send(`<message to='pong.test' id='round'><body>${i}</body></message>`);
    await eventually(async () => (await dropped()) === before + count, 'all loops end');
    await romeo.nothingElse();
    await juliet.nothingElse();
    // Nobody fills the log by that: all of them ended on the same shard.
    expect(loops()).toBe(loopsBefore + LOG_LINES_MAX);
    expect(spy.lines()).toHaveLength(count * (HOPS_MAX + 1));
  });
});
