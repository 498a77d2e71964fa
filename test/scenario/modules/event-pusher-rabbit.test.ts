import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { type Consumer, Rabbit, rabbitMissing } from '../../helpers/rabbit.ts';
import type { TestServer } from '../../helpers/server.ts';
import { chat, counted, events, RABBIT, RABBIT_MS, rabbitServer } from './event-pusher-support.ts';
import { fixture, loginOn } from './support.ts';

/** Events for RabbitMQ, a real one, from two shards. */

const CHAT_STATE = "<active xmlns='http://jabber.org/protocol/chatstates'/>";

describe.skipIf(rabbitMissing() !== undefined)('RabbitMQ', { timeout: RABBIT_MS }, () => {
  let rabbit: Rabbit;

  beforeAll(async () => {
    rabbit = await Rabbit.start();
  }, RABBIT_MS);

  afterAll(() => rabbit.stop());

  async function exists(exchange: string): Promise<boolean> {
    const channel = await rabbit.channel();
    try {
      await channel.checkExchange(exchange);
      await channel.close();
      return true;
    } catch {
      return false;
    }
  }

  describe('is told', () => {
    let server: TestServer;
    let romeo: TestClient;
    let juliet: TestClient;
    let presence: Consumer;
    let chats: Consumer;
    let roomsSent: Consumer;
    let roomsReceived: Consumer;

    beforeAll(async () => {
      server = await rabbitServer(
        `[modules.mod_event_pusher.rabbit]
          presence_exchange = {}
          [modules.mod_event_pusher.rabbit.chat_msg_exchange]
            sent_topic = "sent"
            recv_topic = "received"
          [modules.mod_event_pusher.rabbit.groupchat_msg_exchange]
            name = "rooms"
            type = "direct"`,
        `${rabbit.pool('event_pusher')}\n${fixture('mod_play_rooms', 'mod-play-rooms.ts')}`,
      );
      await counted(server, `${RABBIT}connections_opened`, 2);
      presence = await rabbit.consumer('presence');
      chats = await rabbit.consumer('chat_msg');
      // The exchange is a direct one: keys must be these.
      roomsSent = await rabbit.consumer('rooms', 'romeo@localhost.groupchat_msg_sent');
      roomsReceived = await rabbit.consumer('rooms', 'juliet@localhost.groupchat_msg_recv');
      romeo = await TestClient.login(server.port(), 'romeo@localhost/Orchard');
      juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    }, RABBIT_MS);

    afterAll(() => server.stop());

    const sent = (text: string, more = {}): object => ({
      exchange: 'chat_msg',
      key: 'romeo@localhost.sent',
      content: {
        from_user_id: 'romeo@localhost/Orchard',
        to_user_id: 'juliet@localhost/balcony',
        message: text,
        ...more,
      },
    });
    const received = (text: string, more = {}): object => ({
      ...sent(text, more),
      key: 'juliet@localhost.received',
    });

    it('who comes and who goes, on both shards', async () => {
      const status = (user: string, resource: string, present: boolean): object => ({
        exchange: 'presence',
        key: `${user}@localhost`,
        content: { user_id: `${user}@localhost/${resource}`, present },
      });
      expect(await presence.next()).toEqual(status('romeo', 'Orchard', true));
      expect(await presence.next()).toEqual(status('juliet', 'balcony', true));
      juliet.send("<presence type='unavailable'/>");
      expect(await presence.next()).toEqual(status('juliet', 'balcony', false));
      await juliet.available();
      expect(await presence.next()).toEqual(status('juliet', 'balcony', true));
      const desk = await loginOn(server, 'juliet@localhost/desk', 'same', romeo);
      expect(await presence.next()).toEqual(status('juliet', 'desk', true));
      desk.cut();
      expect(await presence.next()).toEqual(status('juliet', 'desk', false));
    });

    it('of chats, when they are sent and when they are delivered', async () => {
      romeo.send(chat('juliet@localhost/balcony', 'a &amp; "b" 💘'));
      expect(await chats.next()).toEqual(sent('a & "b" 💘'));
      expect(await chats.next()).toEqual(received('a & "b" 💘'));
    });

    it('nothing of what has no text, is no chat, or was kept back; more if a module has more', async () => {
      romeo.send(`<message to='juliet@localhost/balcony' type='chat'>${CHAT_STATE}</message>`);
      for (const type of ['normal', 'headline', 'error'])
        romeo.send(chat('juliet@localhost/balcony', 'no', type));
      romeo.send(chat('juliet@localhost/balcony', 'a secret'));
      romeo.send(chat('juliet@localhost/balcony', 'noted'));
      const first = await chats.next();
      const { note } = first.content as { note: number };
      expect([0, 1]).toContain(note);
      expect(first).toEqual(sent('noted', { note }));
      expect(await chats.next()).toEqual(received('noted', { note }));
    });

    const inRoom = (room: string, text: string): object => ({
      exchange: 'rooms',
      key: 'romeo@localhost.groupchat_msg_sent',
      content: { from_user_id: 'romeo@localhost/Orchard', to_user_id: room, message: text },
    });
    const fromRoom = (room: string, nick: string, to: string, text: string): object => ({
      exchange: 'rooms',
      key: 'juliet@localhost.groupchat_msg_recv',
      content: { from_user_id: `${room}/${nick}`, to_user_id: to, message: text },
    });

    it.each([
      ['XEP-0045', 'romeo.juliet@classic.localhost', 'romeo', 'juliet@localhost/balcony'],
      ['MUC Light', 'romeo.juliet@light.localhost', 'romeo@localhost', 'juliet@localhost'],
    ])(
      'of group chats (%s) by an exchange of their own: when they are sent to the room, and when the room sends them to each',
      async (_kind, room, nick, to) => {
        romeo.send(chat(room, 'to all', 'groupchat'));
        expect(await roomsSent.next()).toEqual(inRoom(room, 'to all'));
        expect(await roomsReceived.next()).toEqual(fromRoom(room, nick, to, 'to all'));
      },
    );

    it('nothing of a marker that a message was displayed (XEP-0333), which has no text', async () => {
      const displayed = "<displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/>";
      const room = 'romeo.juliet@classic.localhost';
      romeo.send(`<message to='juliet@localhost/balcony' type='chat' id='d1'>${displayed}</message>`);
      romeo.send(chat('juliet@localhost/balcony', 'after the marker'));
      expect(await chats.next()).toEqual(sent('after the marker'));
      expect(await chats.next()).toEqual(received('after the marker'));
      romeo.send(`<message to='${room}' type='groupchat' id='d2'>${displayed}</message>`);
      romeo.send(chat(room, 'after the marker', 'groupchat'));
      expect(await roomsSent.next()).toEqual(inRoom(room, 'after the marker'));
      expect(await roomsReceived.next()).toEqual(
        fromRoom(room, 'romeo', 'juliet@localhost/balcony', 'after the marker'),
      );
      // They are delivered all the same.
      const markers: (string | undefined)[] = [];
      while (markers.length < 2) {
        const message = await juliet.message();
        if (message.child('displayed', 'urn:xmpp:chat-markers:0') !== undefined)
          markers.push(message.attribute('id'));
      }
      expect(markers).toEqual(['d1', 'd2']);
    });

    it('not of those whose address is no routing key; that is counted', async () => {
      const refused = await events(server, `${RABBIT}refused`);
      const long = await TestClient.login(server.port(), `${'x'.repeat(300)}@localhost/a`);
      await counted(server, `${RABBIT}refused`, refused + 1);
      romeo.send(chat('juliet@localhost/balcony', 'goes on'));
      expect(await chats.next()).toEqual(sent('goes on'));
      expect(await chats.next()).toEqual(received('goes on'));
      await long.close();
    });

    it('in the order of each sender', async () => {
      for (let i = 0; i < 500; i++) romeo.send(chat('juliet@localhost/balcony', String(i)));
      const bySent: string[] = [];
      while (bySent.length < 500) {
        const { key, content } = await chats.next();
        if (key.endsWith('.sent')) bySent.push((content as { message: string }).message);
      }
      expect(bySent).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
    });
  });

  describe('has only the exchanges that are wanted', () => {
    it('and what it is sent is not confirmed unless that is wanted, too', async () => {
      const server = await rabbitServer(
        '[modules.mod_event_pusher.rabbit]\n  presence_exchange = { name = "only", durable = true }',
        rabbit.pool('event_pusher', 'confirms_enabled = true', 'workers = 3'),
      );
      try {
        await counted(server, `${RABBIT}connections_opened`, 6);
        const consumer = await rabbit.consumer('only');
        expect(await exists('only')).toBe(true);
        expect(await exists('never')).toBe(false);
        const romeo = await TestClient.login(server.port(), 'romeo@localhost/a');
        await consumer.next();
        await counted(server, `${RABBIT}confirmed`, 1);
        romeo.send(chat('juliet@localhost', 'not told'));
        await romeo.close();
        expect((await consumer.next()).content).toEqual({ user_id: 'romeo@localhost/a', present: false });
        expect(await events(server, `${RABBIT}published`)).toBe(2);
      } finally {
        await server.stop();
      }
    });
  });

  describe('whose pool changes while the server runs', () => {
    it('is told by the new one, and the former one is closed', async () => {
      const section = '[modules.mod_event_pusher.rabbit]\n  presence_exchange = { name = "moved" }';
      const server = await rabbitServer(section, rabbit.pool('event_pusher', '', 'workers = 2'));
      try {
        await counted(server, `${RABBIT}connections_opened`, 4);
        const channel = await rabbit.channel();
        await channel.deleteExchange('moved');
        const text = readFileSync(server.configFile, 'utf8');
        writeFileSync(server.configFile, text.replace('workers = 2', 'workers = 1'));
        expect((await meerkat(['--config', server.configFile, 'reload'])).status).toBe(0);
        // The module was not started anew: its exchange is declared by its pool all the same.
        await counted(server, `${RABBIT}connections_opened`, 6);
        const consumer = await rabbit.consumer('moved');
        const romeo = await TestClient.login(server.port(), 'romeo@localhost/a');
        expect((await consumer.next()).content).toEqual({ user_id: 'romeo@localhost/a', present: true });
        await romeo.close();
      } finally {
        await server.stop();
      }
    });
  });
});
