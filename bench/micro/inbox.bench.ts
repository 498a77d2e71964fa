import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Accumulator, Origin } from '../../src/hooks/accumulator.ts';
import { Changes } from '../../src/modules/mod-inbox/changes.ts';
import { isCountedStanza } from '../../src/modules/mod-inbox/counting.ts';
import { type InboxOptions, optionsSchema } from '../../src/modules/mod-inbox/options.ts';
import { type ModuleContext, parseElementText, parseJid, Stanza } from '../../src/modules/module.ts';
import type { InboxChange } from '../../src/store/operations.ts';
import { SqliteDriver } from '../../src/store/sqlite/driver.ts';
import { type MicroBench, measure } from '../lib/micro.ts';

/** Inboxes: what a message costs the shard, and the store, disk included; and what it takes to read one. */

const DOMAIN = 'localhost';
const USERS = 1_000;
const PEERS = 100;
const CONTENT = Buffer.from(
  `<message xmlns='jabber:client' from='romeo@localhost/orchard' to='juliet@localhost' type='chat' id='1'><body>${'x'.repeat(200)}</body></message>`,
);

/** Writes so many messages in one transaction, to conversations all over the table. */
function write(driver: SqliteDriver, messages: number): () => number {
  let next = 0;
  return () => {
    const changes = Array.from({ length: messages }, (): InboxChange => {
      const n = (next++ * 7_919) % (USERS * PEERS);
      const user = `user${Math.floor(n / PEERS)}`;
      return ['message', DOMAIN, user, `user${n % PEERS}@${DOMAIN}`, next, `${next}`, CONTENT, false, 1];
    });
    driver.begin();
    driver.run('inbox_write', [changes]);
    driver.commit();
    return messages;
  };
}

function read(driver: SqliteDriver): () => number {
  let next = 0;
  return () => {
    const query = {
      above: [-1, ''] as const,
      below: [Number.MAX_SAFE_INTEGER, ''] as const,
      box: null,
      isUnreadOnly: false,
      isAscending: false,
      limit: PEERS,
      bytesMax: 1_048_576,
    };
    const user = `user${next++ % USERS}`;
    return driver.run('inbox_page', [DOMAIN, user, query]).conversations.length;
  };
}

/** What a shard does for a message between two of its users, but for sending what is gathered. */
function record(): () => number {
  const context = {
    options: optionsSchema.parse({}),
    shard: 0,
    store: { write: () => Promise.resolve([]), keptFor: () => ({ flush: () => {} }) },
    atTurnEnd: (callback: () => void) => setImmediate(callback),
    committing: () => {},
    onAnnouncement: () => {},
    onStop: () => {},
    count: () => {},
    log: { warn: () => {} },
  } as unknown as ModuleContext<InboxOptions>;
  const changes = new Changes(context, () => {});
  const [from, to] = [parseJid('romeo@localhost/orchard')!, parseJid('juliet@localhost')!];
  const stanza = Stanza.ofStored(
    Stanza.of(
      parseElementText(`<message type='chat' id='1'><body>${'x'.repeat(200)}</body></message>`),
    ).toBuffer('', ''),
  );
  return () => {
    const acc = new Accumulator(1, 1, Origin.C2S, undefined, DOMAIN, stanza, from, to);
    if (!isCountedStanza(stanza)) throw new Error('not counted');
    changes.message(acc, from.bareJid, to, true);
    changes.message(acc, to, from.bareJid, false);
    changes.flush();
    return 1;
  };
}

export const run: MicroBench = async ({ smoke }) => {
  const directory = mkdtempSync(join(tmpdir(), 'mk-bench-'));
  const driver = new SqliteDriver(directory, 'full');
  try {
    const fill = write(driver, 1_000);
    for (let i = 0; i < (smoke ? 1 : (USERS * PEERS) / 1_000); i++) fill();
    return await measure(
      smoke,
      (add) => {
        add('commit of 1 message in an inbox', write(driver, 1));
        add('commit of 100 messages in inboxes', write(driver, 100));
        add('read an inbox of 100 conversations', read(driver));
        add('a message for two inboxes, in the shard', record());
      },
      1,
    );
  } finally {
    driver.close();
    rmSync(directory, { recursive: true });
  }
};
