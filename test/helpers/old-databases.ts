import { join } from 'node:path';
import Database from 'better-sqlite3';
import { encodeValue } from '../../src/frame/value.ts';
import { DATABASE_FILE, migrate, type Sqlite } from '../../src/store/sqlite/database.ts';
import { MIGRATIONS } from '../../src/store/sqlite/migrations.ts';

/** Databases as earlier versions left them, with rows in every table. */

export const PACKET = "<message type='chat'><body>Ay me</body></message>";
export const DETAILS =
  '==MULTI_SCRAM==,4096,===SHA1===MDEyMzQ1Njc4OWFiY2RlZg==|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA=';

type Row = Readonly<Record<string, string | number | Buffer | null>>;

const WHO = { server: 'localhost', username: 'juliet' };

/** Rows for each table, with the columns that it had when it was made; more recent columns must have a default. A new table needs some here. */
const ROWS: Readonly<Record<string, readonly Row[]>> = {
  users: [{ ...WHO, pass_details: DETAILS, created_at: 1_000_000 }],
  offline_message: [
    {
      ...WHO,
      timestamp: 5,
      expire: null,
      from_jid: 'romeo@localhost/o',
      to_jid: 'juliet@localhost',
      packet: Buffer.from(PACKET),
      permanent_fields: encodeValue([['stable_stanza_id/value', 'X']]),
    },
  ],
  module_value: [
    { module: 'mod_greeter', scope: 'juliet@localhost', key: 'greeting', value: encodeValue('Good morrow') },
  ],
  roster_item: [
    {
      ...WHO,
      jid: 'romeo@localhost',
      nick: 'Romeo',
      subscription: 'B',
      ask: 'N',
      askmessage: '',
      approved: 0,
      listed: 1,
      groups: '["Friends"]',
      xs: '',
      created_at: 7,
    },
  ],
  roster_version: [{ ...WHO, version: 12 }],
  private_storage: [{ ...WHO, namespace: 'urn:x', data: "<x xmlns='urn:x'/>" }],
  last: [{ ...WHO, timestamp: 99, status: 'gone' }],
  vcard: [{ ...WHO, vcard: "<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>", created_at: 3 }],
  vcard_search: [
    {
      ...WHO,
      shown: JSON.stringify(['Juliet', '', '', '', '', '', '', '', '', '', '']),
      lfn: 'juliet',
      ...Object.fromEntries(
        ['first', 'middle', 'last', 'nick', 'bday', 'ctry', 'locality', 'email', 'orgname', 'orgunit'].map(
          (name) => [`l${name}`, ''],
        ),
      ),
    },
  ],
  fast_auth_token: [
    {
      ...WHO,
      user_agent_id: 'agent',
      slot: 0,
      token: 'token',
      mechanism: 'HT-SHA-256-NONE',
      auth_method: 'internal',
      expire: 9e15,
      count: -1,
    },
  ],
  fast_auth_revocation: [{ ...WHO, revoked_at: 4 }],
  auth_token: [{ ...WHO, seq_no: 3, valid_since: 2 }],
  privacy_list: [{ ...WHO, name: 'quiet', items: '[["j","tybalt@localhost","d",1,0]]' }],
  privacy_default_list: [{ ...WHO, name: 'quiet' }],
  blocklist: [{ lserver: 'localhost', luser: 'tybalt', reason: 'spam' }],
  write_batch: [{ shard: 0, place: 1, since: 5, number: 1, results: encodeValue(['stored']) }],
  mam_jid: [
    { id: 1, server: 'localhost', user_name: 'juliet' },
    { id: 2, server: 'localhost', user_name: 'romeo' },
  ],
  mam_message: [
    {
      id: 256_000_001,
      sender: 2,
      recipient: 1,
      sent: 2,
      received: 1,
      pending: null,
      is_groupchat: 0,
      is_searchable: 0,
      origin_hash: null,
      sender_resource: 'o',
      recipient_resource: null,
      origin_id: null,
      packet: Buffer.from(PACKET),
    },
  ],
  mam_index_queue: [],
  mam_removed: [{ owner: 2, up_to: 256_000_000 }],
  mam_config: [{ user_id: 1, remote_jid: '', behaviour: 'R' }],
  mam_search_queue: [],
  mam_muc_message: [],
  inbox: [
    {
      lserver: 'localhost',
      luser: 'juliet',
      remote_bare_jid: 'romeo@localhost',
      msg_id: 'm',
      timestamp: 5,
      unread_count: 2,
      effect: 2,
      content: Buffer.from(PACKET),
    },
  ],
  inbox_writer: [{ name: '0', number: 3 }],
  smart_markers: [
    {
      lserver: 'localhost',
      luser: 'romeo',
      to_server: 'localhost',
      to_user: 'juliet',
      thread: '',
      type: 'D',
      msg_id: 'm',
      timestamp: 6,
    },
  ],
  offline_markers: [{ lserver: 'localhost', luser: 'juliet', thread: '', room: '', timestamp: 6, latest: 6 }],
  push_subscription: [
    { ...WHO, service: 'push.example.org', node: 'n', form: '[["secret","s"]]', created_at: 8 },
  ],
  archive_layout: [],
  offline_imported: [{ ...WHO, digests: Buffer.alloc(24, 7) }],
};

/** Tables that are there no more, and had nothing that anybody would miss. */
export const DROPPED: ReadonlySet<string> = new Set(['inbox_writer']);

/** Ordinary tables of a database; those of its own and of its indices for words are left out. */
export function tablesOf(db: Sqlite): string[] {
  const all = db.pragma('table_list') as { schema: string; name: string; type: string }[];
  return all
    .filter(({ schema, name, type }) => schema === 'main' && type === 'table' && !name.startsWith('sqlite_'))
    .map(({ name }) => name)
    .sort();
}

/** All rows of a table, in their order. */
export function rowsOf(db: Sqlite, table: string): Row[] {
  return db.prepare(`SELECT * FROM "${table}"`).all() as Row[];
}

/** Makes the database that a version with so many migrations left in a directory, and returns what was in it. */
export function makeOldDatabase(directory: string, schema: number): ReadonlyMap<string, readonly Row[]> {
  const db = new Database(join(directory, DATABASE_FILE));
  db.pragma('journal_mode = WAL');
  migrate(db, MIGRATIONS.slice(0, schema));
  for (const table of tablesOf(db)) {
    const rows = ROWS[table];
    if (rows === undefined)
      throw new Error(`test/helpers/old-databases.ts has no rows for the table ${table}`);
    for (const row of rows) {
      const columns = Object.keys(row);
      const places = columns.map(() => '?').join(', ');
      db.prepare(`INSERT INTO "${table}" (${columns.join(', ')}) VALUES (${places})`).run(
        ...Object.values(row),
      );
    }
  }
  const content = new Map(tablesOf(db).map((table) => [table, rowsOf(db, table)]));
  db.close();
  return content;
}
