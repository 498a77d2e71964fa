import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestServer } from '../../helpers/server.ts';
import { isSkipped } from './chat-client.ts';
import { PROFANITY_MISSING, Profanity } from './profanity.ts';
import { startTlsServer } from './tls-server.ts';

/** The first chat of README.md, with the client that it names. */
describe.skipIf(isSkipped(PROFANITY_MISSING))(
  `profanity${PROFANITY_MISSING === undefined ? '' : `: ${PROFANITY_MISSING}`}`,
  { timeout: 120_000 },
  () => {
    let server: TestServer;
    let port: number;
    let romeo: Profanity;
    let juliet: Profanity;

    beforeAll(async () => {
      ({ server, port } = await startTlsServer());
      romeo = new Profanity();
      juliet = new Profanity();
    });

    afterAll(async () => {
      await romeo.dispose();
      await juliet.dispose();
      await server.stop();
    });

    it('logs in by SCRAM inside of STARTTLS', async () => {
      for (const [profanity, jid] of [
        [romeo, 'romeo@localhost/orchard'],
        [juliet, 'juliet@localhost/balcony'],
      ] as const) {
        await profanity.connect(jid, port);
        await profanity.reads('<success ');
      }
    });

    it('chats both ways', async () => {
      romeo.type('/msg juliet@localhost Art thou there?');
      const message = await juliet.reads('<body>Art thou there?</body>');
      expect(message).toContain('from="romeo@localhost/orchard"');
      juliet.type('/msg romeo@localhost <O & Romeo>');
      await romeo.reads('<body>&lt;O &amp; Romeo&gt;</body>');
      await romeo.shows('<O & Romeo>');
    });

    it('discovers the server', async () => {
      romeo.type('/disco info localhost');
      const answer = await romeo.reads('category="server"');
      expect(answer).toContain('name="Meerkat"');
      expect(answer).toContain('var="msgoffline"');
    });

    it('finds what was said while it was away', async () => {
      await juliet.quit();
      romeo.type('/msg juliet@localhost It waits');
      await romeo.reads('<body>It waits</body>', 'SENT');
      // What is asked next is answered behind it.
      romeo.type('/disco items localhost');
      await romeo.reads('disco#items');
      await juliet.dispose();
      juliet = new Profanity();
      await juliet.connect('juliet@localhost/balcony', port);
      const message = await juliet.reads('<body>It waits</body>');
      expect(message).toContain('urn:xmpp:delay');
      juliet.type('/win 2');
      await juliet.shows('It waits');
    });

    it('comes back by itself after the server was restarted', async () => {
      server.signal('SIGTERM');
      await server.exited();
      await romeo.reads('<system-shutdown ');
      await juliet.reads('<system-shutdown ');
      await server.launch();
      for (const profanity of [romeo, juliet]) {
        // By the answer about its roster it is bound. It waits for that answer to send presence again, and takes an error for none.
        await profanity.reads('<iq id="roster"');
        profanity.type('/status set online');
        await profanity.reads('<presence ');
      }
      juliet.type('/msg romeo@localhost Still there?');
      await romeo.reads('<body>Still there?</body>');
    });
  },
);
