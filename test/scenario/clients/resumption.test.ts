import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FlakyProxy } from '../../helpers/flaky-proxy.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import type { TestServer } from '../../helpers/server.ts';
import { type ChatClient, type ClientKind, isSkipped } from './chat-client.ts';
import { SLIXMPP } from './slixmpp.ts';
import { startTlsServer } from './tls-server.ts';
import { XMPP_JS } from './xmpp-js.ts';

/** Clients of somebody else's making that lose their network and resume their sessions (XEP-0198), inside of TLS and across shards. */
describe.each<[string, ClientKind]>([
  [XMPP_JS.name, XMPP_JS],
  [SLIXMPP.name, SLIXMPP],
])('%s on a network that breaks', (_name, kind) => {
  describe.skipIf(isSkipped(kind.missing))(kind.missing ?? 'comes back', () => {
    let server: TestServer;
    let network: FlakyProxy;
    let romeo: ChatClient;
    let juliet: ChatClient;

    beforeAll(async () => {
      const started = await startTlsServer('[modules.mod_stream_management]');
      const { certfile } = started;
      server = started.server;
      network = await FlakyProxy.start(started.port, 1);
      // Romeo's network is a good one.
      romeo = kind.create({ port: started.port, jid: 'romeo@localhost/orchard', certfile, resumes: true });
      juliet = kind.create({ port: network.port, jid: 'juliet@localhost/balcony', certfile, resumes: true });
      await romeo.login();
      await juliet.login();
      juliet.show('romeo@localhost/orchard');
      expect((await romeo.presence()).isAvailable).toBe(true);
    });

    afterAll(async () => {
      await romeo.dispose();
      await juliet.dispose();
      await network.stop();
      await server.stop();
    });

    it('loses nothing, gets nothing twice, and nobody notices', async () => {
      for (let round = 0; round < 4; round++) {
        const lines = Array.from({ length: 20 }, (_unused, i) => `round ${round}, line ${i}`);
        for (const line of lines.slice(0, 10)) romeo.say('juliet@localhost', line);
        expect((await juliet.message()).body).toBe(lines[0]);
        network.cutAll();
        for (const line of lines.slice(10)) romeo.say('juliet@localhost/balcony', line);
        await juliet.resumed();
        for (const line of lines.slice(1)) expect((await juliet.message()).body).toBe(line);
        juliet.say('romeo@localhost/orchard', `heard ${round}`);
        expect(await romeo.message()).toMatchObject({
          from: 'juliet@localhost/balcony',
          body: `heard ${round}`,
        });
      }
      const { stdout } = await meerkat(['session', 'list', '--json', '--config', server.configFile]);
      expect(JSON.parse(stdout)).toHaveLength(2);
      // The first presence that Romeo hears after her first is that she has gone in order.
      await juliet.logout();
      expect(await romeo.presence()).toMatchObject({ from: 'juliet@localhost/balcony', isAvailable: false });
    });
  });
});
