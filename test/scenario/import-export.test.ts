import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AdminClient } from '../../src/cli/client.ts';
import type { ImportReport } from '../../src/cli/import-file.ts';
import { TestClient } from '../helpers/client.ts';
import { meerkat } from '../helpers/meerkat.ts';
import { ejabberdFiles, ejabberdUser, prosodyFile } from '../helpers/portable.ts';
import { Scram } from '../helpers/scram.ts';
import { TestServer } from '../helpers/server.ts';
import { header } from '../helpers/xml.ts';

/** Accounts that come from other servers, and go to others (XEP-0227), seen by their users. */

// Each starts several processes.
vi.setConfig({ testTimeout: 120_000 });

const MODULES = ['roster', 'presence', 'offline', 'private', 'privacy', 'blocking', 'vcard', 'last'];
const TOML = MODULES.map((name) => `[modules.mod_${name}]\n`).join('');
const FRIENDS = "<item jid='romeo@localhost' name='Romeo' subscription='both'><group>Friends</group></item>";

let directory: string;
let server: TestServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk-import-'));
  server = await TestServer.start({ shards: 2, toml: TOML, hosts: ['localhost', 'montague.net'] });
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

let files = 0;

/** Puts files into a directory of their own. Returns the path of the first. */
function write(contents: Readonly<Record<string, string>>): string {
  const own = join(directory, String(++files));
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(own, name)), { recursive: true });
    writeFileSync(join(own, name), text);
  }
  return join(own, Object.keys(contents)[0]!);
}

function run(...args: readonly string[]) {
  return meerkat(['--config', server.configFile, '--json', ...args]);
}

async function take(...paths: readonly string[]): Promise<ImportReport & { readonly status: unknown }> {
  const { status, stdout } = await run('import', ...paths);
  return { status, ...(JSON.parse(stdout) as ImportReport) };
}

/** Everything of an account as a file, without its head and its keys, whose order is free. */
async function exported(jid: string, from = server): Promise<string> {
  const path = join(directory, `export-${++files}.xml`);
  const { status, stderr } = await meerkat(['--config', from.configFile, 'export', path, '--user', jid]);
  expect(status, stderr).toBe(0);
  return readFileSync(path, 'utf8');
}

/** Logs in with SCRAM. Resolves to the name of what the server answers in the end. */
async function scram(user: string, password: string, mechanism: string): Promise<string> {
  const client = await TestClient.connect(server.port(), user);
  client.send(header());
  await client.expect('open');
  await client.element();
  const exchange = new Scram(user, password, { mechanism });
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  client.send(
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='${mechanism}'>${encode(exchange.first)}</auth>`,
  );
  const challenge = await client.element();
  if (challenge.name !== 'challenge') return challenge.name;
  const final = exchange.final(Buffer.from(challenge.text(), 'base64').toString());
  client.send(`<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${encode(final)}</response>`);
  const { name } = await client.element();
  client.cut();
  return name;
}

const kinds = ({ losses }: ImportReport): string[] =>
  losses.map(({ code, what, count }) => `${code} ${what} ${count}`).toSorted();

describe('accounts of Prosody', () => {
  let report: ImportReport & { readonly status: unknown };
  let path: string;

  beforeAll(async () => {
    path = write({ 'juliet@localhost.xml': prosodyFile('juliet', 'localhost', 'wherefore', FRIENDS) });
    report = await take(path);
  });

  it('come with what is understood, and a report about the rest', () => {
    expect(report).toMatchObject({ status: 4, users: 1, accounts: 1, entries: 5, known: 0, problem: null });
    expect(kinds(report)).toEqual([
      'attribute {http://prosody.im/protocol/extended-xep0227}created of user 1',
      'unknown pubsub (http://jabber.org/protocol/pubsub#owner) 1',
      'unknown pubsub (http://jabber.org/protocol/pubsub) 1',
    ]);
    const pubsub = report.losses.find(({ what }) => what === 'pubsub (http://jabber.org/protocol/pubsub)');
    expect(pubsub!.places).toEqual([{ file: 'juliet@localhost.xml', line: 7, user: 'juliet@localhost' }]);
  });

  it('are entered with their old passwords', async () => {
    expect(await scram('juliet', 'wherefore', 'SCRAM-SHA-1')).toBe('success');
    expect(await scram('juliet', 'therefore', 'SCRAM-SHA-1')).toBe('failure');
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony', {
      password: 'wherefore',
    });
    await juliet.close();
  });

  it('have their contacts, requests, vCard and private storage', async () => {
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony', {
      password: 'wherefore',
      isAvailable: false,
    });
    const roster = await juliet.iq('get', undefined, "<query xmlns='jabber:iq:roster'/>");
    const [item, ...more] = roster.child('query', 'jabber:iq:roster')!.elements();
    expect(more).toEqual([]);
    expect(Object.fromEntries(item!.attributes)).toEqual({
      jid: 'romeo@localhost',
      name: 'Romeo',
      subscription: 'both',
    });
    expect(item!.childText('group')).toBe('Friends');
    juliet.send('<presence/>');
    const request = await juliet.until((e) => e.attribute('type') === 'subscribe');
    expect(request.attribute('from')).toBe('paris@localhost');
    const vcard = await juliet.iq('get', undefined, "<vCard xmlns='vcard-temp'/>");
    expect(vcard.child('vCard', 'vcard-temp')!.childText('FN')).toBe('juliet');
    const kept = await juliet.iq(
      'get',
      undefined,
      "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>",
    );
    const storage = kept.child('query', 'jabber:iq:private')!.child('storage', 'storage:bookmarks')!;
    expect(storage.elements()[0]!.attribute('name')).toBe('The orchard');
    await juliet.close();
  });

  it('change nothing when they come again', async () => {
    const before = await exported('juliet@localhost');
    const again = await take(path);
    expect(again).toMatchObject({ users: 1, accounts: 0, entries: 0, known: 5 });
    expect(kinds(again)).toEqual(kinds(report));
    expect(await exported('juliet@localhost')).toBe(before);
  });
});

describe('accounts of ejabberd', () => {
  const users = [
    ejabberdUser(
      'mercutio',
      'localhost',
      'queen mab',
      "<item jid='benvolio@localhost' subscription='to' ask='none'/>",
    ),
    ejabberdUser('benvolio', 'localhost', 'peace', "<item jid='mercutio@localhost' subscription='from'/>"),
    "<user name='rosaline' password='coral'/>",
    "<user name='abram'/>",
    "<user name='not@valid'/>",
  ].join('');

  it('come out of several files', async () => {
    const report = await take(write(ejabberdFiles('localhost', users)));
    expect(report).toMatchObject({ status: 4, users: 5, accounts: 4, problem: null });
    expect(kinds(report)).toEqual(['invalid user 1', 'no_password account 1']);
    expect(report.losses.map(({ places }) => places[0]!.file)).toEqual([
      '20260501-120000_localhost.xml',
      '20260501-120000_localhost.xml',
    ]);
    expect(await scram('mercutio', 'queen mab', 'SCRAM-SHA-256')).toBe('success');
    expect(await scram('rosaline', 'coral', 'SCRAM-SHA-512')).toBe('success');
    expect(await scram('abram', '', 'SCRAM-SHA-1')).toBe('failure');
  });

  it('get their messages, with the time at which they were kept, and only once', async () => {
    const mercutio = await TestClient.login(server.port(), 'mercutio@localhost/street', {
      password: 'queen mab',
    });
    for (const [text, stamp] of [
      ['First', '2026-05-01T10:00:00.123Z'],
      ['Second', '2026-05-01T10:00:01.000Z'],
    ]) {
      const message = await mercutio.message();
      expect(message.childText('body')).toBe(text);
      expect(message.attribute('from')).toBe('nurse@localhost/hall');
      const delays = message.elements().filter(({ name }) => name === 'delay');
      expect(delays.map((delay) => delay.attribute('stamp'))).toEqual([stamp]);
    }
    await mercutio.nothingElse();
    await mercutio.close();
    // The store has deleted them when it answers this.
    await run('user', 'exists', 'mercutio@localhost');
    const report = await take(write(ejabberdFiles('localhost', users)));
    expect(report).toMatchObject({ accounts: 0, entries: 0 });
    const again = await TestClient.login(server.port(), 'mercutio@localhost/street', {
      password: 'queen mab',
    });
    await again.nothingElse();
    await again.close();
  });

  it('have their privacy lists in force', async () => {
    await run('user', 'add', 'tybalt@localhost', 'secret');
    const tybalt = await TestClient.login(server.port(), 'tybalt@localhost/square');
    const benvolio = await TestClient.login(server.port(), 'benvolio@localhost/square', {
      password: 'peace',
    });
    await benvolio.message();
    await benvolio.message();
    tybalt.send("<message to='benvolio@localhost' type='chat'><body>Have at thee</body></message>");
    expect((await tybalt.element()).attribute('type')).toBe('error');
    await benvolio.nothingElse();
    await benvolio.close();
    await tybalt.close();
  });

  it('stay as they are where they are different', async () => {
    const other = ejabberdUser(
      'mercutio',
      'localhost',
      'other',
      "<item jid='benvolio@localhost' subscription='both'/>",
    );
    const before = await exported('mercutio@localhost');
    const report = await take(
      write(ejabberdFiles('localhost', other.replaceAll('of ejabberd', 'of elsewhere'))),
    );
    expect(kinds(report)).toEqual([
      'differs account 1',
      'differs query (jabber:iq:roster) 1',
      'differs vCard (vcard-temp) 1',
    ]);
    expect(await exported('mercutio@localhost')).toBe(before);
    expect(await scram('mercutio', 'queen mab', 'SCRAM-SHA-256')).toBe('success');
  });
});

describe('an account without a password', () => {
  it('is made, and gets it with a later file, or by an administrator', async () => {
    const without = "<user name='peter'><vCard xmlns='vcard-temp'><FN>Peter</FN></vCard></user>";
    expect(kinds(await take(write(ejabberdFiles('localhost', without))))).toEqual(['no_password account 1']);
    expect(kinds(await take(write(ejabberdFiles('localhost', without))))).toEqual(['no_password account 1']);
    // It is worth nothing to others.
    expect(await exported('peter@localhost')).not.toContain('scram');
    const withOne = without.replace("name='peter'", "name='peter' password='fan'");
    const report = await take(write(ejabberdFiles('localhost', withOne)));
    expect(report).toMatchObject({ status: 0, accounts: 1 });
    expect(await scram('peter', 'fan', 'SCRAM-SHA-256')).toBe('success');
    expect(await take(write(ejabberdFiles('localhost', withOne)))).toMatchObject({ status: 0, accounts: 0 });
    expect(await exported('peter@localhost')).toContain('scram');
  });
});

describe('a server', () => {
  it('gives another one all that it has, and passwords go on', async () => {
    const path = join(directory, 'all.xml');
    const done = await run('export', path);
    expect(done.status).toBe(0);
    const { hosts, users, bytes } = JSON.parse(done.stdout) as {
      hosts: number;
      users: number;
      bytes: number;
    };
    expect({ hosts, users: users > 5, bytes }).toEqual({ hosts: 2, users: true, bytes: statSync(path).size });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, 'utf8');

    const other = await TestServer.start({ shards: 2, toml: TOML, hosts: ['localhost', 'montague.net'] });
    try {
      const own = ['--config', other.configFile, '--json'];
      const first = JSON.parse((await meerkat([...own, 'import', path])).stdout) as ImportReport;
      // Only the account without a password is lost.
      expect(first).toMatchObject({ users, problem: null, known: expect.any(Number) });
      expect(kinds(first)).toEqual(['no_password account 1']);
      const copy = join(directory, 'copy.xml');
      expect((await meerkat([...own, 'export', copy])).status).toBe(0);
      expect(readFileSync(copy, 'utf8')).toBe(text);
      const second = JSON.parse((await meerkat([...own, 'import', path])).stdout) as ImportReport;
      expect(second).toMatchObject({ accounts: 0, entries: 0 });
      const juliet = await TestClient.login(other.port(), 'juliet@localhost/balcony', {
        password: 'wherefore',
      });
      await juliet.close();
    } finally {
      await other.stop();
    }
  });

  it('keeps what the format has no place for, to the microsecond', async () => {
    await run('user', 'add', 'nurse@localhost', 'secret');
    await run('user', 'add', 'romeo@localhost', 'secret');
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
    for (const payload of [
      "<block xmlns='urn:xmpp:blocking'><item jid='tybalt@localhost'/></block>",
      "<query xmlns='jabber:iq:roster'><item jid='peter@localhost' name='Peter &#10; &amp; co'><group>Servants</group><x xmlns='urn:x' a='1'/></item></query>",
    ])
      expect((await nurse.iq('set', undefined, payload)).attribute('type')).toBe('result');
    // Approved in advance, and asked.
    nurse.send(
      "<presence to='peter@localhost' type='subscribed'/><presence to='peter@localhost' type='subscribe'/>",
    );
    nurse.send("<iq type='get' id='end'><nothing xmlns='urn:test:nothing'/></iq>");
    await nurse.until((e) => e.attribute('id') === 'end');
    nurse.send("<presence type='unavailable'><status>Anon, good nurse</status></presence>");
    await nurse.close();
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    for (const body of ['same', 'same'])
      romeo.send(`<message to='nurse@localhost' type='chat'><body>${body}</body></message>`);
    await romeo.nothingElse();
    await romeo.close();
    const text = await exported('nurse@localhost');
    expect(text).toContain("by='command'");
    expect(text).toContain('Anon, good nurse</last>');
    expect(text).toContain("approved='true'");
    expect(text).toContain("ask='subscribe'");
    expect(text.match(/<body>same<\/body>/g)).toHaveLength(2);

    const { status } = await run('user', 'delete', 'nurse@localhost');
    expect(status).toBe(0);
    const report = await take(write({ 'nurse.xml': text }));
    expect(report).toMatchObject({ status: 0, accounts: 1, lost: 0 });
    expect(await exported('nurse@localhost')).toBe(text);
  });

  it('takes a file while the account is in use, and its clients see what it brings', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    await romeo.iq('get', undefined, "<query xmlns='jabber:iq:roster'/>");
    const user = `<user name='romeo'><query xmlns='jabber:iq:roster'><item jid='juliet@localhost' name='Juliet'/></query>
      <offline-messages><message xmlns='jabber:client' from='juliet@localhost/balcony'><body>Ay me</body></message></offline-messages></user>`;
    expect(await take(write(ejabberdFiles('localhost', user)))).toMatchObject({ status: 0, entries: 2 });
    const heard = [await romeo.element(), await romeo.element()];
    const push = heard.find(({ name }) => name === 'iq')!;
    expect(push.child('query', 'jabber:iq:roster')!.elements()[0]!.attribute('name')).toBe('Juliet');
    expect(heard.find(({ name }) => name === 'message')!.childText('body')).toBe('Ay me');
    await romeo.close();
  });
});

describe('what cannot be taken', () => {
  const report = async (user: string): Promise<string[]> =>
    kinds(await take(write(ejabberdFiles('localhost', user))));

  it('is each entry that is not what it should be, and nothing else of the user', async () => {
    const bad = `<user name='gregory' password='coals'>
      <query xmlns='jabber:iq:roster'><item/><item jid='@'/><item jid='a@localhost' subscription='maybe'/><item jid='gregory@localhost'/><item jid='sampson@localhost'/></query>
      <presence xmlns='jabber:client' from='a@localhost'/><presence xmlns='jabber:client' type='subscribe'/>
      <offline-messages><message xmlns='jabber:client'/><iq xmlns='jabber:client'/></offline-messages>
      <query xmlns='jabber:iq:private'><x xmlns=''/></query>
      <query xmlns='jabber:iq:privacy'><list/><list name='a'><item/></list><active name='a'/><default name='b'/></query>
      <last xmlns='urn:x-meerkat:portable:0'/></user>`;
    expect(await report(bad)).toEqual([
      'invalid last (urn:x-meerkat:portable:0) 1',
      'invalid offline-messages 2',
      'invalid presence (jabber:client) 2',
      'invalid query (jabber:iq:privacy) 4',
      'invalid query (jabber:iq:private) 1',
      'invalid query (jabber:iq:roster) 4',
    ]);
    expect(await exported('gregory@localhost')).toContain('sampson@localhost');
  });

  it('is what is too much for an account', async () => {
    const items = Array.from({ length: 2_003 }, (_unused, i) => `<item jid='c${i}@localhost'/>`).join('');
    const messages = Array.from(
      { length: 505 },
      (_unused, i) => `<message xmlns='jabber:client' from='a@localhost'><body>${i}</body></message>`,
    ).join('');
    const large = `<x xmlns='urn:x'>${'x'.repeat(600_000)}</x>`;
    expect(
      await report(
        `<user name='sampson' password='coals'><query xmlns='jabber:iq:roster'>${items}</query><offline-messages>${messages}</offline-messages><query xmlns='jabber:iq:private'>${large}</query></user>`,
      ),
    ).toEqual([
      'full offline-messages 5',
      'full query (jabber:iq:roster) 3',
      'too_large query (jabber:iq:private) 1',
    ]);
  });

  it('is a domain that is not served, with all of its users', async () => {
    const path = write(
      ejabberdFiles('verona.example', "<user name='a'><vCard xmlns='vcard-temp'/></user><user name='b'/>"),
    );
    const result = await take(path);
    expect(result).toMatchObject({ users: 0, accounts: 0 });
    expect(kinds(result)).toEqual(['unknown_host host verona.example 1', 'unknown_host user 2']);
  });

  it('is told of where a file ends too early: what came before is there, and the whole file may follow', async () => {
    const users = Array.from(
      { length: 30 },
      (_unused, i) =>
        `<user name='u${i}' password='p'><vCard xmlns='vcard-temp'><FN>${i}</FN></vCard></user>\n`,
    );
    const whole = ejabberdFiles('montague.net', users.join(''));
    const [main, part] = Object.keys(whole) as [string, string];
    const cut = { ...whole, [part]: whole[part]!.slice(0, whole[part]!.indexOf("<user name='u20'") + 40) };
    const { status, stdout } = await run('import', write(cut));
    expect(status).toBe(1);
    const { error } = JSON.parse(stdout) as {
      error: { code: string; message: string; details: ImportReport };
    };
    expect(error).toMatchObject({ code: 'import_failed', details: { users: 20, accounts: 20 } });
    expect(error.message).toMatch(/montague_net\.xml:21: /);
    expect(JSON.parse((await run('user', 'list', 'montague.net')).stdout)).toHaveLength(20);
    const rest = await take(write({ [main]: whole[main]!, ...whole }));
    expect(rest).toMatchObject({ status: 0, users: 30, accounts: 10, known: 20, entries: 10 });
  });

  it('is no file at all', async () => {
    const { status, stderr } = await meerkat([
      '--config',
      server.configFile,
      'import',
      join(directory, 'none.xml'),
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain('[import_failed]');
  });

  it('is said in words, too, and nothing of the file moves the cursor', async () => {
    const path = write(ejabberdFiles('localhost', "<user name='potpan'><x xmlns='urn:&#x9b;31m'/></user>"));
    const { status, stdout } = await meerkat(['--config', server.configFile, 'import', path]);
    expect(status).toBe(4);
    expect(stdout).toContain('1 users read: 1 accounts made; 0 entries stored, 0 there already, 2 losses');
    expect(stdout).toContain('potpan@localhost');
    expect(stdout).not.toContain('\u009b');
  });
});

describe('the admin socket', () => {
  it('takes nothing that is not what it should be', async () => {
    const admin = await AdminClient.connect(join(server.directory, 'data', 'meerkat.sock'));
    const entry = { name: 'vCard', ns: 'vcard-temp', xml: "<vCard xmlns='vcard-temp'/>", ordinal: 0 };
    const ask = (args: Record<string, unknown>): Promise<unknown> =>
      admin.request('import_user', { domain: 'localhost', name: 'angelica', entries: [], ...args });
    for (const [args, code] of [
      [{ name: 7 }, 'bad_request'],
      [{ password: 7 }, 'bad_request'],
      [{ entries: undefined }, 'bad_request'],
      [{ entries: [7] }, 'bad_request'],
      [{ entries: [{ ...entry, xml: 7 }] }, 'bad_request'],
      [{ entries: new Array(2_001).fill(entry) }, 'bad_request'],
      [{ name: 'a@b' }, 'invalid_jid'],
      [{ name: '' }, 'invalid_jid'],
      [{ domain: 'verona.example' }, 'domain_unknown'],
    ] as const)
      await expect(ask(args), JSON.stringify(args).slice(0, 80)).rejects.toMatchObject({ code });
    expect(await admin.request('user_exists', { jid: 'angelica@localhost' })).toBe(false);
    // What the command sends has been read by sax; here is the parser of stanzas.
    const bombs = [
      '<!DOCTYPE a><a/>',
      "<vCard xmlns='vcard-temp'>&b;</vCard>",
      "<vCard xmlns='vcard-temp'/><vCard xmlns='vcard-temp'/>",
      '<vCard',
      `${'<a>'.repeat(70)}${'</a>'.repeat(70)}`,
      '',
    ].map((xml) => ({ ...entry, xml }));
    const { entries } = (await ask({ entries: [...bombs, entry] })) as { entries: unknown[] };
    expect(entries).toEqual([...bombs.map(() => expect.objectContaining({ code: 'invalid' })), 'taken']);
    for (const cursor of [7, ['a', null], [-1, null], [0, 7]])
      await expect(admin.request('export_user', { jid: 'angelica@localhost', cursor })).rejects.toMatchObject(
        {
          code: 'bad_request',
        },
      );
    admin.close();
  });
});

describe('an export', () => {
  it('replaces no file unless told to, and leaves nothing half-made', async () => {
    const path = join(directory, 'there.xml');
    writeFileSync(path, 'mine');
    const refused = await run('export', path);
    expect(refused.status).toBe(1);
    expect(refused.stdout).toContain('file_exists');
    expect(readFileSync(path, 'utf8')).toBe('mine');
    expect((await run('export', path, '--force', '--host', 'montague.net')).status).toBe(0);
    const text = readFileSync(path, 'utf8');
    expect(text).toContain("<host jid='montague.net'>");
    expect(text).not.toContain("<host jid='localhost'>");
    const failed = await run('export', join(directory, 'failed.xml'), '--user', 'nobody@localhost');
    expect(failed.stdout).toContain('user_unknown');
    expect((await run('export', join(directory, 'failed.xml'), '--host', 'verona.example')).stdout).toContain(
      'domain_unknown',
    );
    expect((await run('export', join(directory, 'no', 'such', 'file.xml'))).stdout).toContain(
      'export_failed',
    );
    expect(
      readdirSync(directory).filter((name) => name.includes('failed') || name.endsWith('.part')),
    ).toEqual([]);
  });

  it('works on the storage of a server that does not run, and so does an import', async () => {
    const stopped = mkdtempSync(join(tmpdir(), 'mk-stopped-'));
    const config = join(stopped, 'meerkat.toml');
    writeFileSync(config, `[general]\n  hosts = ["localhost"]\n[[listen.c2s]]\n  port = 5222\n${TOML}`);
    const own = ['--config', config];
    const path = write({ 'juliet@localhost.xml': prosodyFile('juliet', 'localhost', 'wherefore', FRIENDS) });
    expect((await meerkat([...own, 'import', path])).status).toBe(4);
    const out = join(stopped, 'out.xml');
    expect((await meerkat([...own, 'export', out])).status).toBe(0);
    expect(readFileSync(out, 'utf8')).toContain("name='Romeo'");
    rmSync(stopped, { recursive: true });
  });
});
