import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meerkat } from '../../helpers/meerkat.ts';
import type { TestServer } from '../../helpers/server.ts';
import { type ChatClient, type ClientKind, isSkipped } from './chat-client.ts';
import { startTlsServer } from './tls-server.ts';

interface ListedSession {
  readonly jid: string;
  readonly shard: number;
  readonly isEncrypted: boolean;
}

/** What two clients of some kind do with each other through a server of two shards. */
export function tellStories(romeoKind: ClientKind, julietKind: ClientKind): void {
  const missing = romeoKind.missing ?? julietKind.missing;
  const name = `${romeoKind.name} and ${julietKind.name}${missing === undefined ? '' : `: ${missing}`}`;
  // Servers and clients that start on a busy machine take their time.
  describe.skipIf(isSkipped(missing))(name, () => {
    let server: TestServer;
    let romeo: ChatClient;
    let juliet: ChatClient;
    const clients: ChatClient[] = [];
    let create: (kind: ClientKind, jid: string) => ChatClient;

    beforeAll(async () => {
      const { port, certfile, ...started } = await startTlsServer();
      server = started.server;
      create = (kind, jid) => {
        const client = kind.create({ port, jid, certfile });
        clients.push(client);
        return client;
      };
    });

    afterAll(async () => {
      for (const client of clients) await client.dispose();
      await server?.stop();
    });

    it('log in inside of STARTTLS, on two shards', async () => {
      romeo = create(romeoKind, 'romeo@localhost/orchard');
      juliet = create(julietKind, 'juliet@localhost/balcony');
      for (const [client, jid, { mechanism }] of [
        [romeo, 'romeo@localhost/orchard', romeoKind],
        [juliet, 'juliet@localhost/balcony', julietKind],
      ] as const) {
        const login = await client.login();
        expect(login.jid).toBe(jid);
        expect(login.mechanism).toMatch(mechanism);
      }
      const { stdout } = await meerkat(['session', 'list', '--json', '--config', server.configFile]);
      const sessions = JSON.parse(stdout) as ListedSession[];
      expect(sessions.map(({ jid, isEncrypted }) => ({ jid, isEncrypted }))).toEqual(
        expect.arrayContaining([
          { jid: 'romeo@localhost/orchard', isEncrypted: true },
          { jid: 'juliet@localhost/balcony', isEncrypted: true },
        ]),
      );
      expect(new Set(sessions.map(({ shard }) => shard)).size).toBe(2);
    });

    it('chat both ways, in order, whatever they say', async () => {
      const lines = [
        'Art thou <not> Romeo & a Montague?',
        'Ω 🌹 "quoted" \'too\'',
        'two\nlines',
        ' '.repeat(3),
      ];
      for (const line of [...lines, ...Array.from({ length: 50 }, (_, i) => `line ${i}`)]) {
        romeo.say('juliet@localhost', line);
        juliet.say('romeo@localhost/orchard', line);
        expect(await juliet.message()).toMatchObject({ from: 'romeo@localhost/orchard', body: line });
        expect(await romeo.message()).toMatchObject({ from: 'juliet@localhost/balcony', body: line });
      }
      for (let i = 0; i < 200; i++) romeo.say('juliet@localhost/balcony', `burst ${i}`);
      for (let i = 0; i < 200; i++) expect((await juliet.message()).body).toBe(`burst ${i}`);
    });

    it('see each other’s directed presence', async () => {
      romeo.show('juliet@localhost');
      expect(await juliet.presence()).toMatchObject({ from: 'romeo@localhost/orchard', isAvailable: true });
      juliet.show('romeo@localhost/orchard');
      expect(await romeo.presence()).toMatchObject({ from: 'juliet@localhost/balcony', isAvailable: true });
    });

    it('discover the server’s features, and ping it and each other’s account', async () => {
      for (const client of [romeo, juliet]) {
        expect(await client.features('localhost')).toEqual(
          expect.arrayContaining(['http://jabber.org/protocol/disco#info', 'urn:xmpp:ping', 'msgoffline']),
        );
        await client.ping('localhost');
      }
    });

    it('find what was said while they were away, once and in order', async () => {
      await juliet.logout();
      expect(await romeo.presence()).toMatchObject({ from: 'juliet@localhost/balcony', isAvailable: false });
      for (let i = 0; i < 5; i++) romeo.say('juliet@localhost', `waiting ${i}`);
      // Romeo's own request is answered behind them.
      await romeo.ping('localhost');
      await juliet.dispose();
      juliet = create(julietKind, 'juliet@localhost/balcony');
      await juliet.login();
      for (let i = 0; i < 5; i++) {
        expect(await juliet.message()).toEqual(
          expect.objectContaining({ from: 'romeo@localhost/orchard', body: `waiting ${i}`, isDelayed: true }),
        );
      }
      romeo.say('juliet@localhost', 'no more');
      expect(await juliet.message()).toMatchObject({ body: 'no more', isDelayed: false });
    });

    it('come back by themselves after the server was restarted, and after it was killed', async () => {
      for (const end of ['SIGTERM', 'SIGKILL'] as const) {
        server.signal(end);
        await server.exited();
        await server.launch();
        const [first, second] = await Promise.all([romeo.online(), juliet.online()]);
        expect([first.jid, second.jid]).toEqual(['romeo@localhost/orchard', 'juliet@localhost/balcony']);
        romeo.say('juliet@localhost/balcony', `after ${end}`);
        expect((await juliet.message()).body).toBe(`after ${end}`);
        juliet.say('romeo@localhost/orchard', `after ${end}, too`);
        expect((await romeo.message()).body).toBe(`after ${end}, too`);
      }
    });
  });
}
