import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCertificates } from '../../helpers/certificates.ts';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { numbered } from '../modules/mam-support.ts';
import { LAB, shardOf } from '../modules/support.ts';
import {
  type ArchivedMessage,
  type ArchiveReader,
  type ArchiveReaderKind,
  SLIXMPP_READER,
  XMPP_JS_READER,
} from './archive-reader.ts';
import { isSkipped } from './chat-client.ts';

/**
 * Clients of other projects page through an archive (XEP-0313) while others write to it as fast as they can, on both shards: who asks for what comes after the last message
 * that he has gets every message once, none too late to be found, and the same again when it is quiet, forwards and backwards.
 */

const PER_SHARD = 2;
/** Messages of each who writes. */
const COUNT = 750;
/** So many are written before an answer is waited for. */
const BURST = 25;
const PAGE = 50;

function names(shard: number): string[] {
  return Array.from({ length: PER_SHARD }, (_unused, i) => `writer${shard}${i}`);
}

/** Writes all of somebody's messages to Juliet. */
async function write(client: TestClient): Promise<void> {
  const [name] = client.jid.split('@');
  const messages = numbered(COUNT, name).map(
    (body) => `<message to='juliet@localhost' type='chat'><body>${body}</body></message>`,
  );
  for (let n = 0; n < COUNT; n += BURST) {
    client.send(messages.slice(n, n + BURST).join(''));
    await client.iq('get', undefined, "<nothing xmlns='urn:test:nothing'/>");
  }
}

/** All pages behind the last message of which one has heard, until there is nothing more and `isOver`. */
async function readOn(reader: ArchiveReader, isOver: () => boolean): Promise<ArchivedMessage[]> {
  const messages: ArchivedMessage[] = [];
  for (let after = ''; ; ) {
    const wasOver = isOver();
    const page = await reader.page({ max: PAGE, after });
    messages.push(...page.messages);
    after = page.messages.at(-1)?.id ?? after;
    if (page.isComplete && wasOver) return messages;
  }
}

/** All pages before a message, as they come. */
async function readBack(reader: ArchiveReader, from: string): Promise<ArchivedMessage[]> {
  const messages: ArchivedMessage[] = [];
  for (let before = from; ; ) {
    const page = await reader.page({ max: PAGE, before });
    messages.push(...page.messages.toReversed());
    before = page.first ?? before;
    if (page.isComplete) return messages;
  }
}

function tellOf(kind: ArchiveReaderKind, what: string, modules: string): void {
  describe.skipIf(isSkipped(kind.missing))(`${kind.name}, ${what}`, () => {
    const certificates = new TestCertificates();
    let server: TestServer;
    let reader: ArchiveReader;

    beforeAll(async () => {
      const { certfile, keyfile } = await certificates.make('localhost');
      server = await TestServer.start({
        shards: 2,
        users: ['juliet', ...names(0), ...names(1)],
        c2s: `
          [listen.c2s.tls]
            mode = "starttls"
            certfile = "${certfile}"
            keyfile = "${keyfile}"`,
        moreC2s: [''],
        toml: `[modules.mod_presence]\n[modules.mod_disco]\n${modules}\n${LAB}`,
      });
      reader = kind.create({ port: server.port(), jid: 'juliet@localhost/balcony', certfile });
      await reader.login();
    });

    afterAll(async () => {
      await reader?.dispose();
      await server?.stop();
      certificates.remove();
    });

    async function onShard(name: string, shard: number): Promise<TestClient> {
      for (;;) {
        const client = await TestClient.login(server.port('c2s', 1), `${name}@localhost/r`);
        if ((await shardOf(client)) === String(shard)) return client;
        await client.close();
      }
    }

    it('finds every message once, in order, while they are written and again when they are', async () => {
      const placed = [0, 1].flatMap((shard) => names(shard).map((name) => onShard(name, shard)));
      const writers = await Promise.all(placed);
      let isWritten = false;
      const writing = Promise.all(writers.map(write)).then(() => {
        isWritten = true;
      });
      const [meanwhile] = await Promise.all([readOn(reader, () => isWritten), writing]);
      const afterwards = await readOn(reader, () => true);
      const backwards = await readBack(reader, afterwards.at(-1)!.id);
      await Promise.all(writers.map((writer) => writer.close()));

      const bodies = meanwhile.map(({ body }) => body);
      for (const name of [...names(0), ...names(1)]) {
        expect(bodies.filter((body) => body.startsWith(name))).toEqual(numbered(COUNT, name));
      }
      expect(meanwhile).toHaveLength(2 * PER_SHARD * COUNT);
      expect(meanwhile.every(({ id }, i) => i === 0 || meanwhile[i - 1]!.id < id)).toBe(true);
      expect(afterwards).toEqual(meanwhile);
      expect(backwards.toReversed()).toEqual(meanwhile.slice(0, -1));
    });
  });
}

const PLAIN = '[modules.mod_mam.pm]';
/** What each user wants is read for each message: they reach the archive some time after they came. */
const LATE = '[modules.mod_mam]\n  cache_users = false\n  user_prefs_store = "rdbms"\n  [modules.mod_mam.pm]';

tellOf(SLIXMPP_READER, 'of an archive', PLAIN);
tellOf(XMPP_JS_READER, 'of an archive', PLAIN);
tellOf(XMPP_JS_READER, 'where messages wait before they are archived', `[modules.mod_stanzaid]\n${LATE}`);
