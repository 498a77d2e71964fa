import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FlakyProxy } from '../../helpers/flaky-proxy.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import type { TestServer } from '../../helpers/server.ts';
import { isSkipped } from './chat-client.ts';
import { PROFANITY_MISSING, Profanity } from './profanity.ts';
import { SESSION_MODULES, startTlsServer } from './tls-server.ts';

/** All that profanity has of a session, typed at its prompt. Version 0.13 has no channel binding, no SASL2, no client state and no vCards. */
describe.skipIf(isSkipped(PROFANITY_MISSING))(
  `profanity${PROFANITY_MISSING === undefined ? '' : `: ${PROFANITY_MISSING}`}`,
  { timeout: 120_000 },
  () => {
    let server: TestServer;
    let network: FlakyProxy;
    let romeo: Profanity;
    let balcony: Profanity;
    let chamber: Profanity;

    beforeAll(async () => {
      const { port, ...started } = await startTlsServer(SESSION_MODULES);
      server = started.server;
      network = await FlakyProxy.start(port, 1);
      romeo = new Profanity();
      balcony = new Profanity();
      chamber = new Profanity();
      for (const [profanity, jid, at] of [
        [romeo, 'romeo@localhost/orchard', port],
        [balcony, 'juliet@localhost/balcony', network.port],
        [chamber, 'juliet@localhost/chamber', port],
      ] as const) {
        profanity.type('/carbons on');
        await profanity.connect(jid, at);
        await profanity.reads('<success ');
      }
    });

    afterAll(async () => {
      for (const profanity of [romeo, balcony, chamber]) await profanity?.dispose();
      await network?.stop();
      await server?.stop();
    });

    it('is on two shards', async () => {
      const { stdout } = await meerkat(['session', 'list', '--json', '--config', server.configFile]);
      const shards = (JSON.parse(stdout) as { shard: number }[]).map(({ shard }) => shard);
      expect([shards.length, new Set(shards).size]).toEqual([3, 2]);
    });

    it('fills its roster, on all devices', async () => {
      balcony.type('/roster add romeo@localhost Montague');
      for (const device of [balcony, chamber]) {
        const push = await device.reads('name="Montague"');
        expect(push).toContain('type="set"');
        expect(push).toContain('jid="romeo@localhost"');
        await device.shows('Montague');
      }
      balcony.type('/roster group add Verona Montague');
      for (const device of [balcony, chamber]) await device.reads('<group>Verona</group>');
      chamber.type('/roster group show Verona');
      await chamber.shows('Verona');
    });

    it('subscribes, and sees who is there', async () => {
      romeo.type('/sub request juliet@localhost');
      for (const device of [balcony, chamber]) await device.reads('type="subscribe"');
      await balcony.shows('Received authorization request from romeo@localhost');
      balcony.type('/sub allow romeo@localhost');
      await romeo.reads('type="subscribed"');
      await romeo.reads('from="juliet@localhost/');
      balcony.type('/sub request romeo@localhost');
      await romeo.reads('type="subscribe"');
      romeo.type('/sub allow juliet@localhost');
      for (const device of [balcony, chamber]) {
        await device.reads('subscription="both"');
        await device.reads('from="romeo@localhost/orchard"');
      }
    });

    it('chats, and shows both sides on the other device', async () => {
      romeo.type('/msg juliet@localhost/balcony It is my lady');
      await balcony.reads('<body>It is my lady</body>');
      expect(await chamber.reads('<body>It is my lady</body>')).toContain('<received ');
      balcony.type('/msg romeo@localhost Ay me');
      await romeo.reads('<body>Ay me</body>');
      expect(await chamber.reads('<body>Ay me</body>')).toContain('<sent ');
      chamber.type('/win 2');
      await chamber.shows('It is my lady');
      await chamber.shows('Ay me');
    });

    it('asks who somebody is', async () => {
      // What it has found is shown in the first window.
      romeo.type('/win 1');
      romeo.type('/software juliet@localhost/balcony');
      expect(await romeo.reads('jabber:iq:version')).toContain('<name>Profanity</name>');
      romeo.type('/serversoftware localhost');
      await romeo.shows('Name    : Meerkat');
      romeo.type('/ping');
      await romeo.shows('Ping response from romeo@localhost');
      romeo.type('/lastactivity get juliet@localhost');
      await romeo.shows('juliet@localhost currently logged in');
    });

    it('blocks, and unblocks', async () => {
      balcony.type('/blocked add romeo@localhost');
      for (const device of [balcony, chamber]) await device.reads('<block ');
      for (let i = 0; i < 2; i++)
        expect(await romeo.reads('type="unavailable"')).toContain('from="juliet@localhost/');
      romeo.type('/msg juliet@localhost/balcony Not heard');
      expect(await romeo.reads('type="error"')).toContain('<service-unavailable ');
      chamber.type('/win 1');
      chamber.type('/blocked');
      await chamber.shows('Blocked users:');
      chamber.type('/blocked remove romeo@localhost');
      await chamber.shows('User romeo@localhost successfully unblocked');
      await balcony.reads('<unblock ');
      await romeo.reads('from="juliet@localhost/balcony"');
      romeo.type('/msg juliet@localhost/balcony Heard');
      await balcony.reads('<body>Heard</body>');
      expect(balcony.count('<body>Not heard</body>') + chamber.count('<body>Not heard</body>')).toBe(0);
    });

    it('says when somebody was there last', async () => {
      await chamber.quit();
      expect(await romeo.reads('type="unavailable"')).toContain('from="juliet@localhost/chamber"');
      await balcony.quit();
      expect(await romeo.reads('type="unavailable"')).toContain('from="juliet@localhost/balcony"');
      romeo.type('/win 1');
      // For the rest of the second in which she went it says that she is there.
      let answer: string;
      do {
        romeo.type('/lastactivity get juliet@localhost');
        answer = await romeo.reads('jabber:iq:last');
      } while (answer.includes('seconds="0"'));
      await romeo.shows('juliet@localhost last logged in');
    });

    it('keeps its bookmarks, and loses nothing when the network breaks', async () => {
      romeo.type('/bookmark add garden@rooms.localhost autojoin off');
      await romeo.reads('storage:bookmarks', 'SENT');
      await balcony.dispose();
      balcony = new Profanity();
      await balcony.connect('juliet@localhost/balcony', network.port);
      await romeo.reads('from="juliet@localhost/balcony"');
      balcony.type('/bookmark add orchard@rooms.localhost autojoin off');
      await balcony.reads('conference jid="orchard@rooms.localhost"', 'SENT');
      balcony.type('/ping');
      await balcony.shows('Ping response from juliet@localhost');
      const departures = romeo.count('type="unavailable"');
      for (let round = 0; round < 2; round++) {
        network.cutAll();
        romeo.type(`/msg juliet@localhost In the dark ${round}`);
        // It resumes its session, and asks for what it had kept as after any login.
        await balcony.reads('<resumed ');
        expect(await balcony.reads('storage:bookmarks')).toContain('jid="orchard@rooms.localhost"');
        romeo.type(`/msg juliet@localhost In the light ${round}`);
        await balcony.reads(`<body>In the light ${round}</body>`);
        balcony.type('/win 2');
        for (const when of ['dark', 'light']) await balcony.shows(`In the ${when} ${round}`);
        for (const when of ['dark', 'light'])
          expect(balcony.count(`<body>In the ${when} ${round}</body>`)).toBe(1);
      }
      expect(romeo.count('type="unavailable"')).toBe(departures);
    });
  },
);
