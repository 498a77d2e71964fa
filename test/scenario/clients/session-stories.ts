import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FlakyProxy } from '../../helpers/flaky-proxy.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { eventually } from '../../helpers/process.ts';
import type { TestServer } from '../../helpers/server.ts';
import { isSkipped } from './chat-client.ts';
import { type Copy, pushed, type SessionClient, type SessionClientKind, seen } from './session-client.ts';
import { SESSION_MODULES, startTlsServer } from './tls-server.ts';

const ROMEO = 'romeo@localhost';
const JULIET = 'juliet@localhost';

const numbered = (count: number, text: string): string[] =>
  Array.from({ length: count }, (_unused, i) => `${text} ${i}`);

/**
 * A whole session of Romeo, with one device, and of Juliet, with two, one of which has a network that breaks; on two shards, inside of TLS, with all modules that a
 * chat client meets.
 */
export function tellSessions(romeoKind: SessionClientKind, julietKind: SessionClientKind): void {
  const missing = romeoKind.missing ?? julietKind.missing;
  const name = `${romeoKind.name} and ${julietKind.name}${missing === undefined ? '' : `: ${missing}`}`;
  describe.skipIf(isSkipped(missing))(name, () => {
    let server: TestServer;
    let network: FlakyProxy;
    let romeo: SessionClient;
    let balcony: SessionClient;
    let chamber: SessionClient;
    /** Full JIDs, as bound: Bind 2 adds something to what a client asks for. */
    let romeoJid: string;
    let balconyJid: string;
    let chamberJid: string;

    beforeAll(async () => {
      const { port, certfile, ...started } = await startTlsServer(SESSION_MODULES);
      server = started.server;
      network = await FlakyProxy.start(port, 1);
      romeo = romeoKind.create({ port, jid: `${ROMEO}/orchard`, certfile });
      balcony = julietKind.create({ port: network.port, jid: `${JULIET}/balcony`, certfile });
      chamber = julietKind.create({ port, jid: `${JULIET}/chamber`, certfile });
    });

    afterAll(async () => {
      for (const client of [romeo, balcony, chamber]) await client?.dispose();
      await network?.stop();
      await server?.stop();
    });

    it('log in, on two shards', async () => {
      const first = await romeo.login();
      const second = await balcony.login();
      const third = await chamber.login();
      expect(first.mechanism).toMatch(romeoKind.mechanism);
      expect(second.mechanism).toMatch(julietKind.mechanism);
      [romeoJid, balconyJid, chamberJid] = [first.jid, second.jid, third.jid];
      expect([romeoJid, balconyJid, chamberJid]).toEqual([
        expect.stringMatching(/^romeo@localhost\/orchard/),
        expect.stringMatching(/^juliet@localhost\/balcony/),
        expect.stringMatching(/^juliet@localhost\/chamber/),
      ]);
      const { stdout } = await meerkat(['session', 'list', '--json', '--config', server.configFile]);
      const shards = (JSON.parse(stdout) as { shard: number }[]).map(({ shard }) => shard);
      expect([shards.length, new Set(shards).size]).toEqual([3, 2]);
    });

    it('fill a roster, which is pushed to all devices that asked for it', async () => {
      for (const client of [romeo, balcony, chamber]) expect(await client.roster()).toEqual([]);
      await balcony.setContact(ROMEO, 'Romeo <M.>', ['Enemies', 'Verona & around']);
      const item = {
        jid: ROMEO,
        name: 'Romeo <M.>',
        subscription: 'none',
        isAsked: false,
        groups: ['Enemies', 'Verona & around'],
      };
      for (const device of [balcony, chamber]) {
        expect(await device.rosterPush()).toMatchObject(item);
        expect(await device.roster()).toMatchObject([item]);
      }
      await chamber.removeContact(ROMEO);
      for (const device of [balcony, chamber])
        expect(await device.rosterPush()).toMatchObject({ jid: ROMEO, subscription: 'remove' });
      await chamber.setContact(ROMEO, 'Romeo', ['Friends']);
      for (const device of [balcony, chamber])
        expect(await device.rosterPush()).toMatchObject({ jid: ROMEO, groups: ['Friends'] });
    });

    it('subscribe to each other, and then see each other', async () => {
      await romeo.subscribe(JULIET);
      await pushed(romeo, { jid: JULIET, subscription: 'none', isAsked: true });
      for (const device of [balcony, chamber])
        expect(await device.subscriptionNews()).toMatchObject({ from: ROMEO, type: 'subscribe' });
      await balcony.approve(ROMEO);
      expect(await romeo.subscriptionNews()).toMatchObject({ from: JULIET, type: 'subscribed' });
      await pushed(romeo, { jid: JULIET, subscription: 'to', isAsked: false });
      await seen(romeo, [balconyJid, chamberJid], true);

      await chamber.subscribe(ROMEO);
      expect(await romeo.subscriptionNews()).toMatchObject({ from: JULIET, type: 'subscribe' });
      await romeo.approve(JULIET);
      await pushed(romeo, { jid: JULIET, subscription: 'both' });
      for (const device of [balcony, chamber]) {
        expect(await device.subscriptionNews()).toMatchObject({ from: ROMEO, type: 'subscribed' });
        await pushed(device, { jid: ROMEO, subscription: 'both', isAsked: false });
        await seen(device, [romeoJid], true);
        expect(await device.roster()).toMatchObject([
          { jid: ROMEO, name: 'Romeo', subscription: 'both', groups: ['Friends'] },
        ]);
      }
      expect(await romeo.roster()).toMatchObject([{ jid: JULIET, subscription: 'both' }]);
    });

    it('chat, and the other device sees both sides', async () => {
      for (const device of [balcony, chamber]) await device.carbons();
      for (let i = 0; i < 5; i++) {
        await romeo.say(balconyJid, `it is my lady ${i}`);
        expect(await balcony.message()).toMatchObject({ from: romeoJid, body: `it is my lady ${i}` });
        expect(await chamber.copy()).toMatchObject({
          kind: 'received',
          from: romeoJid,
          to: balconyJid,
          body: `it is my lady ${i}`,
        });
        await balcony.say(romeoJid, `ay me ${i}`);
        expect(await romeo.message()).toMatchObject({ from: balconyJid, body: `ay me ${i}` });
        expect(await chamber.copy()).toMatchObject({
          kind: 'sent',
          from: balconyJid,
          to: romeoJid,
          body: `ay me ${i}`,
        });
        // What is said to the account reaches both devices as it is.
        await romeo.say(JULIET, `o, it is my love ${i}`);
        for (const device of [balcony, chamber])
          expect(await device.message()).toMatchObject({ from: romeoJid, body: `o, it is my love ${i}` });
      }
    });

    it('lose nothing and get nothing twice when the network breaks, in both directions', async () => {
      for (let round = 0; round < 4; round++) {
        const spoken = numbered(20, `round ${round}, spoken`);
        const heard = numbered(20, `round ${round}, heard`);
        for (const line of heard.slice(0, 10)) await romeo.say(JULIET, line);
        for (const line of spoken) await balcony.say(romeoJid, line);
        // A library that forgets them is let say them in peace.
        if (!julietKind.sendsAgain)
          for (const line of spoken) expect((await romeo.message()).body).toBe(line);
        network.cutAll();
        for (const line of heard.slice(10)) await romeo.say(balconyJid, line);
        await balcony.resumed();
        for (const line of heard) expect((await balcony.message()).body).toBe(line);
        if (julietKind.sendsAgain) for (const line of spoken) expect((await romeo.message()).body).toBe(line);
        for (const line of heard.slice(0, 10)) expect((await chamber.message()).body).toBe(line);
        // The other device has heard each side in order; how they mix is chance.
        const copies: Copy[] = [];
        while (copies.length < spoken.length + 10) copies.push(await chamber.copy());
        const bodies = (kind: string): string[] =>
          copies.filter((copy) => copy.kind === kind).map(({ body }) => body);
        expect(bodies('sent')).toEqual(spoken);
        expect(bodies('received')).toEqual(heard.slice(10));
      }
    });

    it('block, and unblock', async () => {
      for (const device of [balcony, chamber]) expect(await device.blocked()).toEqual([]);
      await chamber.block(ROMEO);
      for (const device of [balcony, chamber]) {
        expect(await device.blockChange()).toMatchObject({ kind: 'block', jids: [ROMEO] });
        expect(await device.blocked()).toEqual([ROMEO]);
      }
      await seen(romeo, [balconyJid, chamberJid], false);
      await romeo.say(balconyJid, 'not heard');
      expect(await romeo.bounce()).toMatchObject({ from: balconyJid, condition: 'service-unavailable' });
      await balcony.unblock(ROMEO);
      for (const device of [balcony, chamber]) {
        expect(await device.blockChange()).toMatchObject({ kind: 'unblock', jids: [ROMEO] });
        expect(await device.blocked()).toEqual([]);
      }
      await seen(romeo, [balconyJid, chamberJid], true);
      await romeo.say(balconyJid, 'heard again');
      expect((await balcony.message()).body).toBe('heard again');
      expect((await chamber.copy()).body).toBe('heard again');
    });

    it('show each other their cards', async () => {
      await chamber.publishCard('Giulietta Capuleti');
      expect(await romeo.fullName(JULIET)).toBe('Giulietta Capuleti');
      expect(await balcony.fullName(JULIET)).toBe('Giulietta Capuleti');
      await balcony.publishCard('Juliet & Co. <>');
      expect(await romeo.fullName(JULIET)).toBe('Juliet & Co. <>');
    });

    it('keep bookmarks for their other devices', async () => {
      expect(await chamber.bookmarks()).toEqual([]);
      await balcony.keepBookmark('balcony@rooms.localhost', 'Below the balcony');
      expect(await chamber.bookmarks()).toMatchObject([
        { jid: 'balcony@rooms.localhost', name: 'Below the balcony' },
      ]);
      expect(await romeo.bookmarks()).toEqual([]);
    });

    it('hear nothing while nobody looks, and all of it afterwards', async () => {
      await chamber.setInactive();
      // The server has heard that by the time it passes this on.
      await chamber.say(romeoJid, 'farewell');
      expect((await romeo.message()).body).toBe('farewell');
      expect(await balcony.copy()).toMatchObject({ kind: 'sent', body: 'farewell' });
      const lines = numbered(5, 'while nobody looks');
      for (const line of lines) await romeo.say(balconyJid, line);
      for (const line of lines) expect((await balcony.message()).body).toBe(line);
      let hasCome = false;
      const first = chamber.copy().finally(() => {
        hasCome = true;
      });
      // A question takes the way that a copy would take.
      await romeo.ping(JULIET);
      await balcony.ping('localhost');
      expect(hasCome).toBe(false);
      await chamber.setActive();
      expect((await first).body).toBe(lines[0]);
      for (const line of lines.slice(1)) expect((await chamber.copy()).body).toBe(line);
    });

    it('know who was there last, and what was said in leaving', async () => {
      expect((await romeo.lastActivity(JULIET)).seconds).toBe(0);
      await balcony.leave('to the friar');
      await seen(romeo, [balconyJid], false);
      await chamber.leave('gone to bed');
      await seen(romeo, [chamberJid], false);
      // The store hears of it in its own time.
      const isKnown = async (): Promise<boolean> => {
        const last = await romeo.lastActivity(JULIET).catch(() => undefined);
        return last?.status === 'gone to bed' && last.seconds >= 0;
      };
      await eventually(isKnown, 'what Juliet said in leaving is known');
      expect((await romeo.lastActivity('localhost')).seconds).toBeGreaterThan(0);
    });
  });
}
