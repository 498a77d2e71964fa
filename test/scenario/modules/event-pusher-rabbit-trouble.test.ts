import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestCertificate, TestCertificates } from '../../helpers/certificates.ts';
import { TestClient } from '../../helpers/client.ts';
import { Rabbit, rabbitMissing } from '../../helpers/rabbit.ts';
import type { TestServer } from '../../helpers/server.ts';
import { chat, counted, events, RABBIT, RABBIT_MS, rabbitServer } from './event-pusher-support.ts';
import { loginOn } from './support.ts';

/** Events for a real RabbitMQ that is not there, not well, or not the right one. Those who chat notice nothing. */

describe.skipIf(rabbitMissing() !== undefined)('RabbitMQ', { timeout: RABBIT_MS }, () => {
  const certificates = new TestCertificates();
  let authority: TestCertificate;
  let rabbit: Rabbit;

  beforeAll(async () => {
    authority = await certificates.make('Test CA');
    rabbit = await Rabbit.start(await certificates.make('rabbit.test', ['rabbit.test'], authority));
  }, RABBIT_MS);

  afterAll(async () => {
    await rabbit.stop();
    certificates.remove();
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
      server = await rabbitServer(
        `[modules.mod_event_pusher.rabbit]
          chat_msg_exchange = { name = "${exchange}", durable = true, sent_topic = "sent", recv_topic = "received" }`,
        rabbit.pool('event_pusher', `reconnect.delay = 50\n${connection}`, lines),
      );
      await counted(server, `${RABBIT}connections_opened`, 2);
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
        await counted(server, `${RABBIT}connections_closed`, 2);
        const dropped = await events(server, `${RABBIT}dropped`);
        // Each is sent and delivered, on one shard: two messages for RabbitMQ.
        await say(1, 21);
        await counted(server, `${RABBIT}dropped`, dropped + 30);
        await rabbit.launch();
        expect(await texts('limited', 5)).toEqual(numbers(16, 21));
        await say(21, 23);
        expect(await texts('limited', 2)).toEqual(numbers(21, 23));
        expect(await events(server, `${RABBIT}dropped`)).toBe(dropped + 30);
      } finally {
        await server.stop();
      }
    });

    it('away for too long gets nothing of what waited, if that is wanted', async () => {
      await keep('given_up', 'given_up_chats');
      await begin('given_up_chats', 'reconnect.attempts = 3');
      try {
        await rabbit.kill();
        await counted(server, `${RABBIT}connections_closed`, 2);
        await say(0, 3);
        await counted(server, `${RABBIT}dropped`, 6);
        await rabbit.launch();
        await counted(server, `${RABBIT}connections_opened`, 4);
        await say(3, 4);
        expect(await texts('given_up', 1)).toEqual(['3']);
      } finally {
        await server.stop();
      }
    });

    it('out of memory gets what waits when it has room again: the latest, if it is too much', async () => {
      await keep('blocked', 'blocked_chats');
      await begin('blocked_chats', '', 'max_worker_queue_len = 10');
      try {
        await say(0, 1);
        expect(await texts('blocked', 1)).toEqual(['0']);
        await rabbit.exhaust(true);
        // What is sent before it says so lies on its doorstep.
        let count = 1;
        while ((await events(server, `${RABBIT}dropped`)) === 0) await say(count, ++count);
        await say(count, count + 10);
        expect(await events(server, `${RABBIT}connections_closed`)).toBe(0);
        await rabbit.exhaust(false);
        let last = '';
        while (last !== String(count + 9)) [last = ''] = await texts('blocked', 1);
      } finally {
        await rabbit.exhaust(false);
        await server.stop();
      }
    });

    it('silent is left, and sent again what it has not confirmed', async () => {
      await keep('confirmed', 'confirmed_chats');
      await begin('confirmed_chats', 'confirms_enabled = true', 'call_timeout = 2000');
      try {
        await say(0, 1);
        await counted(server, `${RABBIT}confirmed`, 2);
        rabbit.signal('SIGSTOP');
        await say(1, 6);
        await counted(server, `${RABBIT}timeout`, 1);
        rabbit.signal('SIGCONT');
        await counted(server, `${RABBIT}confirmed`, 12);
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
      const server = await rabbitServer(
        '[modules.mod_event_pusher.rabbit]\n  presence_exchange = { name = "taken", durable = true }',
        rabbit.pool('event_pusher', 'reconnect.delay = 50'),
      );
      try {
        await counted(server, `${RABBIT}connections_failed`, 4);
        expect(server.log).toContain('outgoing_pool_down');
        expect(server.log).toContain('PRECONDITION_FAILED');
        const romeo = await TestClient.login(server.port(), 'romeo@localhost/a');
        await channel.deleteExchange('taken');
        await counted(server, `${RABBIT}published`, 1);
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
      const server = await rabbitServer(section, pool(secure(authority.certfile, 'rabbit.test')));
      try {
        await counted(server, `${RABBIT}connections_opened`, 2);
        const consumer = await rabbit.consumer('secure');
        const romeo = await TestClient.login(server.port(), 'romeo@localhost/a');
        expect((await consumer.next()).content).toEqual({ user_id: 'romeo@localhost/a', present: true });
        await romeo.close();
      } finally {
        await server.stop();
      }
    });

    it('is told nothing if it is somebody else’s', async () => {
      const server = await rabbitServer(section, pool(secure(authority.certfile, 'other.test')));
      try {
        await counted(server, `${RABBIT}connections_failed`, 2);
        expect(server.log).toContain('other.test');
        expect(await events(server, `${RABBIT}connections_opened`)).toBe(0);
      } finally {
        await server.stop();
      }
    });
  });

  describe('that does not know us', () => {
    it('is told nothing; the password is not in the log', async () => {
      const server = await rabbitServer(
        '[modules.mod_event_pusher.rabbit]\n  presence_exchange = {}',
        rabbit.pool('event_pusher', 'reconnect.delay = 50\npassword = "wrong-password"'),
      );
      try {
        await counted(server, `${RABBIT}connections_failed`, 2);
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
