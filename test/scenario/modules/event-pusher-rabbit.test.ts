import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestCertificate, TestCertificates } from '../../helpers/certificates.ts';
import { TestClient } from '../../helpers/client.ts';
import { type Consumer, Rabbit, rabbitMissing } from '../../helpers/rabbit.ts';
import { TestServer } from '../../helpers/server.ts';
import { chat, counted, events, METRICS, PUSH_SERVICE } from './event-pusher-support.ts';
import { LAB, loginOn } from './support.ts';

/** Events for RabbitMQ, a real one, from two shards. */

const START_MS = 90_000;
const CHAT_STATE = "<active xmlns='http://jabber.org/protocol/chatstates'/>";
const PREFIX = 'rabbit_event_pusher_';

function start(sections: string, pool: string): Promise<TestServer> {
  return TestServer.start({
    users: ['romeo', 'juliet', 'watcher', 'x'.repeat(300)],
    toml: `
      [modules.mod_presence]
      [modules.mod_offline]
      ${sections}
      ${pool}
      ${PUSH_SERVICE}
      ${LAB}
      ${METRICS}
    `,
  });
}

describe.skipIf(rabbitMissing() !== undefined)('RabbitMQ', { timeout: START_MS }, () => {
  const certificates = new TestCertificates();
  let authority: TestCertificate;
  let rabbit: Rabbit;

  beforeAll(async () => {
    authority = await certificates.make('Test CA');
    rabbit = await Rabbit.start(await certificates.make('rabbit.test', ['rabbit.test'], authority));
  }, START_MS);

  afterAll(async () => {
    await rabbit.stop();
    certificates.remove();
  });

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
    let rooms: Consumer;

    beforeAll(async () => {
      server = await start(
        `[modules.mod_event_pusher.rabbit]
          presence_exchange = {}
          [modules.mod_event_pusher.rabbit.chat_msg_exchange]
            sent_topic = "sent"
            recv_topic = "received"
          [modules.mod_event_pusher.rabbit.groupchat_msg_exchange]
            name = "rooms"
            type = "direct"`,
        rabbit.pool('event_pusher'),
      );
      await counted(server, `${PREFIX}connections_opened`, 2);
      presence = await rabbit.consumer('presence');
      chats = await rabbit.consumer('chat_msg');
      rooms = await rabbit.consumer('rooms', 'romeo@localhost.groupchat_msg_sent');
      romeo = await TestClient.login(server.port(), 'romeo@localhost/Orchard');
      juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    }, START_MS);

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

    it('of group chats by an exchange of their own', async () => {
      romeo.send(chat('room@localhost', 'to all', 'groupchat'));
      expect(await rooms.next()).toEqual({
        exchange: 'rooms',
        key: 'romeo@localhost.groupchat_msg_sent',
        content: {
          from_user_id: 'romeo@localhost/Orchard',
          to_user_id: 'room@localhost',
          message: 'to all',
        },
      });
    });

    it('not of those whose address is no routing key; that is counted', async () => {
      const refused = await events(server, `${PREFIX}refused`);
      const long = await TestClient.login(server.port(), `${'x'.repeat(300)}@localhost/a`);
      await counted(server, `${PREFIX}refused`, refused + 1);
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
      const server = await start(
        '[modules.mod_event_pusher.rabbit]\n  presence_exchange = { name = "only", durable = true }',
        rabbit.pool('event_pusher', 'confirms_enabled = true'),
      );
      try {
        await counted(server, `${PREFIX}connections_opened`, 2);
        const consumer = await rabbit.consumer('only');
        expect(await exists('only')).toBe(true);
        expect(await exists('never')).toBe(false);
        const romeo = await TestClient.login(server.port(), 'romeo@localhost/a');
        await consumer.next();
        await counted(server, `${PREFIX}confirmed`, 1);
        romeo.send(chat('juliet@localhost', 'not told'));
        await romeo.close();
        expect((await consumer.next()).content).toEqual({ user_id: 'romeo@localhost/a', present: false });
        expect(await events(server, `${PREFIX}published`)).toBe(2);
      } finally {
        await server.stop();
      }
    });
  });

  /** A queue that outlives RabbitMQ, at a durable exchange. */
  async function keep(queue: string, exchange: string): Promise<void> {
    const channel = await rabbit.channel();
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.assertQueue(queue, { durable: true });
    await channel.bindQueue(queue, exchange, '#');
    await channel.close();
  }

  /** The next texts that were sent, of a queue made by {@link keep}. */
  async function texts(queue: string, count: number): Promise<string[]> {
    const channel = await rabbit.channel();
    const found: string[] = [];
    while (found.length < count) {
      const message = await channel.get(queue, { noAck: true });
      if (message === false || !message.fields.routingKey.endsWith('.sent')) continue;
      found.push((JSON.parse(message.content.toString()) as { message: string }).message);
    }
    await channel.close();
    return found;
  }

  describe('that goes', () => {
    let server: TestServer;
    let romeo: TestClient;
    let juliet: TestClient;

    async function begin(exchange: string, connection: string, lines = ''): Promise<void> {
      server = await start(
        `[modules.mod_event_pusher.rabbit]
          chat_msg_exchange = { name = "${exchange}", durable = true, sent_topic = "sent", recv_topic = "received" }`,
        rabbit.pool('event_pusher', `reconnect.delay = 50\n${connection}`, lines),
      );
      await counted(server, `${PREFIX}connections_opened`, 2);
      romeo = await TestClient.login(server.port(), 'romeo@localhost/a');
      juliet = await loginOn(server, 'juliet@localhost/b', 'other', romeo);
    }

    /** Sends so many, and waits until they are delivered: nobody waits for RabbitMQ. */
    async function say(from: number, to: number): Promise<void> {
      for (let i = from; i < to; i++) romeo.send(chat('juliet@localhost/b', String(i)));
      for (let i = from; i < to; i++) expect((await juliet.message()).childText('body')).toBe(String(i));
    }

    const numbers = (from: number, to: number): string[] =>
      Array.from({ length: to - from }, (_, i) => String(from + i));

    it('away, and comes back, gets what waits: the latest, if it is too much', async () => {
      await keep('limited', 'limited_chats');
      await begin('limited_chats', '', 'max_worker_queue_len = 10');
      try {
        await say(0, 1);
        expect(await texts('limited', 1)).toEqual(['0']);
        await rabbit.kill();
        await counted(server, `${PREFIX}connections_closed`, 2);
        const dropped = await events(server, `${PREFIX}dropped`);
        // Each is sent and delivered, on one shard: two messages for RabbitMQ.
        await say(1, 21);
        await counted(server, `${PREFIX}dropped`, dropped + 30);
        await rabbit.launch();
        expect(await texts('limited', 5)).toEqual(numbers(16, 21));
        await say(21, 23);
        expect(await texts('limited', 2)).toEqual(numbers(21, 23));
        expect(await events(server, `${PREFIX}dropped`)).toBe(dropped + 30);
      } finally {
        await server.stop();
      }
    });

    it('away for too long gets nothing of what waited, if that is wanted', async () => {
      await keep('given_up', 'given_up_chats');
      await begin('given_up_chats', 'reconnect.attempts = 3');
      try {
        await rabbit.kill();
        await counted(server, `${PREFIX}connections_closed`, 2);
        await say(0, 3);
        await counted(server, `${PREFIX}dropped`, 6);
        await rabbit.launch();
        await counted(server, `${PREFIX}connections_opened`, 4);
        await say(3, 4);
        expect(await texts('given_up', 1)).toEqual(['3']);
      } finally {
        await server.stop();
      }
    });

    it('silent is left, and sent again what it has not confirmed', async () => {
      await keep('confirmed', 'confirmed_chats');
      await begin('confirmed_chats', 'confirms_enabled = true', 'call_timeout = 500');
      try {
        await say(0, 1);
        await counted(server, `${PREFIX}confirmed`, 2);
        rabbit.signal('SIGSTOP');
        await say(1, 6);
        await counted(server, `${PREFIX}timeout`, 1);
        rabbit.signal('SIGCONT');
        await counted(server, `${PREFIX}confirmed`, 12);
        // It may have had them before it fell silent: then they come twice.
        const found = new Set<string>();
        while (found.size < 6) for (const text of await texts('confirmed', 1)) found.add(text);
        expect([...found]).toEqual(numbers(0, 6));
      } finally {
        await server.stop();
      }
    });
  });

  describe('that has an exchange of another kind', () => {
    it('is told nothing until that is gone, and the server goes on', async () => {
      const channel = await rabbit.channel();
      await channel.assertExchange('taken', 'fanout', { durable: true });
      const server = await start(
        '[modules.mod_event_pusher.rabbit]\n  presence_exchange = { name = "taken", durable = true }',
        rabbit.pool('event_pusher', 'reconnect.delay = 50'),
      );
      try {
        await counted(server, `${PREFIX}connections_failed`, 4);
        expect(server.log).toContain('outgoing_pool_down');
        expect(server.log).toContain('PRECONDITION_FAILED');
        const romeo = await TestClient.login(server.port(), 'romeo@localhost/a');
        await channel.deleteExchange('taken');
        await counted(server, `${PREFIX}published`, 1);
        await romeo.close();
      } finally {
        await server.stop();
      }
    });
  });

  describe('behind TLS', () => {
    const secure = (cacertfile: string, name: string): string => `
        host = "localhost"
        port = ${rabbit.tlsPort}
        reconnect.delay = 50
        [outgoing_pools.rabbit.event_pusher.connection.tls]
          cacertfile = "${cacertfile}"
          server_name_indication.host = "${name}"
      `;
    const section = '[modules.mod_event_pusher.rabbit]\n  presence_exchange = { name = "secure" }';
    const pool = (lines: string): string => `[outgoing_pools.rabbit.event_pusher.connection]\n${lines}`;

    it('is told if its certificate is the right one', async () => {
      const server = await start(section, pool(secure(authority.certfile, 'rabbit.test')));
      try {
        await counted(server, `${PREFIX}connections_opened`, 2);
        const consumer = await rabbit.consumer('secure');
        const romeo = await TestClient.login(server.port(), 'romeo@localhost/a');
        expect((await consumer.next()).content).toEqual({ user_id: 'romeo@localhost/a', present: true });
        await romeo.close();
      } finally {
        await server.stop();
      }
    });

    it('is told nothing if it is somebody else’s', async () => {
      const server = await start(section, pool(secure(authority.certfile, 'other.test')));
      try {
        await counted(server, `${PREFIX}connections_failed`, 2);
        expect(server.log).toContain('other.test');
        expect(await events(server, `${PREFIX}connections_opened`)).toBe(0);
      } finally {
        await server.stop();
      }
    });
  });

  describe('that does not know us', () => {
    it('is told nothing; the password is not in the log', async () => {
      const server = await start(
        '[modules.mod_event_pusher.rabbit]\n  presence_exchange = {}',
        rabbit.pool('event_pusher', 'reconnect.delay = 50\npassword = "wrong-password"'),
      );
      try {
        await counted(server, `${PREFIX}connections_failed`, 2);
        const romeo = await TestClient.login(server.port(), 'romeo@localhost/a');
        await romeo.close();
        expect(server.log).toContain('outgoing_pool_down');
        expect(server.log).not.toContain('wrong-password');
      } finally {
        await server.stop();
      }
    });
  });
});
