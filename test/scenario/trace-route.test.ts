import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NamedExplanation } from '../../src/admin/commands.ts';
import { AdminClient } from '../../src/cli/client.ts';
import { openReader } from '../../src/store/sqlite/database.ts';
import { TestClient } from '../helpers/client.ts';
import { meerkat } from '../helpers/meerkat.ts';
import { TestServer } from '../helpers/server.ts';

/** `meerkat route`: says what would happen to a stanza, and nothing of it happens. */

let directory: string;
let server: TestServer;
let admin: AdminClient;
const clients: TestClient[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk-route-'));
  // A module that tries everything that a module may do, when it sees a message that asks for it.
  writeFileSync(
    join(directory, 'mod-busy.ts'),
    `import { appendFileSync } from 'node:fs';
const done = (what) => appendFileSync('${join(directory, 'done')}', what + '\\n');
export default {
  name: 'mod_busy',
  options: { safeParse: (data) => ({ success: true, data }) },
  setup(context) {
    const wants = (acc, word) => acc.stanza.element.childText('body') === word;
    context.hook('user_send_message', 10, (acc, params) => {
      if (!wants(acc, 'busy')) return undefined;
      const to = context.jid('juliet@localhost/balcony');
      void context.values.set('localhost', 'key', 'value');
      void context.takeTurn('limit', 'key', 1000).then(() => done('turn'));
      void context.route(context.accumulator(acc.from, to, acc.stanza));
      void context.route(acc.derive(acc.stanza, acc.from, to));
      context.sendEvent(to.bareJid, { event: true });
      context.request(to, acc.from.bareJid, acc.stanza.element.elements()[0], () => done('answer'));
      context.after(1, () => done('timer'));
      context.setPresence(params, acc, 9, acc.stanza);
      context.session(acc.from)?.stop('busy');
      params.setModuleState(context.slot, 'state');
      acc.addAction({ kind: 'socket_send', xml: '<busy/>' });
      acc.addAction({ kind: 'hard_stop', reason: 'busy' });
    });
    context.hook('user_send_message', 15, (acc, params) => {
      if (wants(acc, 'busy') && params.moduleState(context.slot) !== 'state') throw new Error('state forgotten');
      if (wants(acc, 'state') && params.moduleState(context.slot) !== undefined) done('state kept');
    });
    context.hook('user_send_message', 30, () => done('effect'), { hasEffects: true });
    context.hook('foreign_event', 10, (_acc, { tag }) => (tag === 'mod_busy' ? done('event') : undefined));
    context.hook('filter_local_packet', 10, async (acc) => {
      if (!wants(acc, 'late')) return;
      await context.values.get('localhost', 'key');
      done('late');
    });
  },
};
`,
  );
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_busy]\n  path = "${join(directory, 'mod-busy.ts')}"\n`,
  });
  admin = await AdminClient.connect(join(server.directory, 'data', 'meerkat.sock'));
});

afterAll(async () => {
  admin.close();
  await server.stop();
  rmSync(directory, { recursive: true });
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function login(
  jid: string,
  options?: { isAvailable?: boolean; priority?: number },
): Promise<TestClient> {
  const others = clients.filter((client) => client.jid.split('/')[0] === jid.split('/')[0]);
  const client = await TestClient.login(server.port(), jid, options);
  // All resources of the user know of each other before anything else happens.
  for (const other of others) {
    await other.until((element) => element.attribute('from') === jid);
    await client.until((element) => element.attribute('from') === other.jid);
  }
  clients.push(client);
  return client;
}

async function route(from: string, to: string | undefined, stanza: string): Promise<NamedExplanation> {
  return (await admin.request('route', { from, to, stanza })) as NamedExplanation;
}

function message(body: string, type = 'chat'): string {
  return `<message xmlns='jabber:client' type='${type}' id='x1'><body>${body}</body></message>`;
}

function steps({ steps }: NamedExplanation): string[] {
  return steps.map(({ step, module, outcome }) => [step, module, outcome].filter(Boolean).join(' '));
}

/** Messages that are stored, as the database has them. */
function stored(): unknown {
  const reader = openReader(join(server.directory, 'data'));
  try {
    return reader
      .prepare('SELECT (SELECT count(*) FROM offline_message) + (SELECT count(*) FROM module_value)')
      .pluck()
      .get();
  } finally {
    reader.close();
  }
}

interface Counts {
  readonly routed: Record<string, Record<string, number>>;
  readonly store: { readonly commits: number };
}

describe('a route that is explained', () => {
  it('tells to which sessions a message goes, on whichever shard they are', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const balcony = await login('juliet@localhost/balcony', { priority: 1 });
    const chamber = await login('juliet@localhost/chamber', { priority: 1 });
    const cellar = await login('juliet@localhost/cellar', { priority: 0 });
    const full = await route('romeo@localhost/orchard', 'juliet@localhost/balcony', message('x'));
    expect(full.session).toBe('romeo@localhost/orchard');
    expect(full.decision).toEqual({ outcome: 'delivered', sessions: ['juliet@localhost/balcony'] });
    const bare = await route('romeo@localhost', 'juliet@localhost', message('x'));
    expect(bare.session).toBe('romeo@localhost/orchard');
    expect([...bare.decision.sessions].sort()).toEqual([
      'juliet@localhost/balcony',
      'juliet@localhost/chamber',
    ]);
    const headline = await route('romeo@localhost', 'juliet@localhost', message('x', 'headline'));
    expect(headline.decision.sessions).toHaveLength(3);
    for (const client of [romeo, balcony, chamber, cellar]) await client.nothingElse();
  });

  it('shows hooks, routing modules and decisions, with times', async () => {
    await login('romeo@localhost/orchard');
    await login('juliet@localhost/balcony');
    const explanation = await route('romeo@localhost/orchard', 'juliet@localhost/balcony', message('x'));
    expect(steps(explanation)).toEqual([
      'user_send_message 10 mod_busy ok',
      'user_send_message 15 mod_busy ok',
      'user_send_message 30 mod_busy would run',
      'router global pass',
      'router localdomain asked',
      'filter_local_packet 10 mod_busy suspended',
      expect.stringMatching(/^(frame to shard|session juliet)/),
      expect.stringMatching(/^outcome (forwarded|delivered): juliet@localhost\/balcony$/),
    ]);
    expect(explanation.steps[0]).toMatchObject({ depth: 0, us: expect.any(Number) });
  });

  it('tells that a message would be stored, and stores none', async () => {
    await login('romeo@localhost/orchard');
    const before = stored();
    const { decision } = await route('romeo@localhost/orchard', 'nurse@localhost', message('x'));
    expect(decision).toMatchObject({ outcome: 'stored', by: 'mod_offline', sessions: [] });
    await admin.request('user_exists', { jid: 'nobody2@localhost' });
    expect(stored()).toBe(before);
    const nurse = await login('nurse@localhost/hall');
    await nurse.nothingElse();
  });

  it.each([
    ['an unknown user', 'nobody@localhost', message('x'), 'service-unavailable'],
    ['an unknown domain', 'a@nowhere.example', message('x'), 'remote-server-not-found'],
    ['a groupchat message to a user', 'juliet@localhost', message('x', 'groupchat'), 'service-unavailable'],
    [
      'a request that nobody answers',
      'localhost',
      "<iq xmlns='jabber:client' type='get' id='q1'><x xmlns='urn:x'/></iq>",
      'service-unavailable',
    ],
    ['a request that is none', 'localhost', "<iq xmlns='jabber:client' type='get' id='q1'/>", 'bad-request'],
  ])('tells the error that the sender would get for %s, and sends none', async (_what, to, stanza, error) => {
    const romeo = await login('romeo@localhost/orchard');
    await login('juliet@localhost/balcony');
    const { decision, steps: all } = await route('romeo@localhost/orchard', to, stanza);
    expect(decision).toMatchObject({ outcome: 'bounced', error });
    // The way of the error back is explained, too.
    expect(all.find(({ depth }) => depth === 1)).toMatchObject({
      stanza: expect.stringContaining('type=error'),
    });
    await romeo.nothingElse();
  });

  it('tells that nothing would come of it', async () => {
    await login('romeo@localhost/orchard');
    const { decision } = await route('romeo@localhost/orchard', 'nurse@localhost', message('x', 'headline'));
    expect(decision).toMatchObject({ outcome: 'dropped' });
  });

  it('tells how presence goes, and changes nobody’s', async () => {
    const romeo = await login('romeo@localhost/orchard', { priority: 3 });
    const juliet = await login('juliet@localhost/balcony');
    const directed = await route(
      'romeo@localhost/orchard',
      'juliet@localhost',
      "<presence xmlns='jabber:client'/>",
    );
    expect(directed.decision).toMatchObject({ outcome: 'delivered', sessions: ['juliet@localhost/balcony'] });
    const own = await route(
      'romeo@localhost/orchard',
      undefined,
      "<presence xmlns='jabber:client'><priority>9</priority></presence>",
    );
    expect(own.decision).toMatchObject({ outcome: 'broadcast', sessions: ['romeo@localhost/orchard'] });
    const sessions = (await admin.request('session_list', { jid: 'romeo@localhost' })) as {
      priority: number;
    }[];
    expect(sessions[0]!.priority).toBe(3);
    await romeo.nothingElse();
    await juliet.nothingElse();
    // Had it become unavailable, nobody would be told now.
    await romeo.close();
    clients.splice(clients.indexOf(romeo), 1);
    await juliet.nothingElse();
  });

  it('stops every effect that a module may have', async () => {
    const romeo = await login('romeo@localhost/orchard', { priority: 3 });
    const juliet = await login('juliet@localhost/balcony');
    const before = stored();
    const explanation = await route('romeo@localhost/orchard', 'juliet@localhost/balcony', message('busy'));
    const text = steps(explanation).join('\n');
    for (const effect of [
      'store would ask: value_set',
      'mod_busy limit would ask: limit',
      'mod_busy event would happen',
      'mod_busy request would happen',
      'mod_busy timer would happen',
      'mod_busy presence would happen',
      'session would do: socket_send, hard_stop',
    ]) {
      expect(text).toContain(effect);
    }
    expect(text).not.toContain('failed');
    await romeo.nothingElse();
    await juliet.nothingElse();
    expect(stored()).toBe(before);
    // What a handler set as its state is forgotten: a live message finds none.
    romeo.send("<message to='juliet@localhost/balcony' type='chat'><body>state</body></message>");
    await juliet.message();
    expect(await readDone()).toEqual(['effect']);
    expect(server.log).not.toContain('hook_failed');
  });

  it('lets no handler go on that waits for the store', async () => {
    await login('romeo@localhost/orchard');
    const juliet = await login('juliet@localhost/balcony');
    const lines = await readDone();
    const { steps: all } = await route(
      'romeo@localhost/orchard',
      'juliet@localhost/balcony',
      message('late'),
    );
    expect(all.find(({ outcome }) => outcome === 'would ask: value_get')).toBeDefined();
    await juliet.nothingElse();
    expect(await readDone()).toEqual(lines);
  });

  it('leaves counters and live traffic alone', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const juliet = await login('juliet@localhost/balcony');
    const before = (await admin.request('stats')) as Counts;
    for (let i = 0; i < 50; i++) {
      romeo.send(`<message to='juliet@localhost/balcony' type='chat' id='l${i}'><body>live</body></message>`);
      if (i % 10 === 0) await route('romeo@localhost/orchard', 'juliet@localhost/balcony', message('x'));
    }
    for (let i = 0; i < 50; i++) expect((await juliet.message()).attribute('id')).toBe(`l${i}`);
    await juliet.nothingElse();
    const after = (await admin.request('stats')) as Counts;
    expect(after.routed['delivered']!['message']! - before.routed['delivered']!['message']!).toBe(50);
    expect(after.store.commits).toBe(before.store.commits);
  });

  it('begins at the router when the sender has no session, and says so', async () => {
    await login('juliet@localhost/balcony');
    const explanation = await route('romeo@localhost/orchard', 'juliet@localhost/balcony', message('x'));
    expect(explanation.session).toBeUndefined();
    expect(steps(explanation)[0]).toBe('router global pass');
    expect(explanation.decision.outcome).toBe('delivered');
    const foreign = await route('stranger@far.example', 'juliet@localhost', message('x'));
    expect(foreign.decision.outcome).toBe('delivered');
    const { stdout } = await meerkat(
      ['--config', server.configFile, 'route', '--from', 'romeo@localhost', '--to', 'juliet@localhost', '-'],
      { input: '<message type="chat"><body>x</body></message>' },
    );
    expect(stdout).toContain('the sender has no session');
    expect(stdout).toContain('⇒ delivered to juliet@localhost/balcony');
  });

  it('takes the recipient from the stanza, or else the sender’s account', async () => {
    await login('romeo@localhost/orchard');
    await login('juliet@localhost/balcony');
    const named = await route(
      'romeo@localhost/orchard',
      undefined,
      "<message xmlns='jabber:client' to='juliet@localhost' type='chat'/>",
    );
    expect(named.decision.sessions).toEqual(['juliet@localhost/balcony']);
    const own = await route(
      'romeo@localhost/orchard',
      undefined,
      "<message xmlns='jabber:client' type='chat'/>",
    );
    expect(own.decision.sessions).toEqual(['romeo@localhost/orchard']);
  });

  it.each([
    ['no address', '@', 'juliet@localhost', message('x'), 'invalid_jid'],
    ['no recipient', 'romeo@localhost', '@', message('x'), 'invalid_jid'],
    [
      'bad XML',
      'romeo@localhost',
      'juliet@localhost',
      "<message xmlns='jabber:client'><body></message>",
      'invalid_stanza',
    ],
    [
      'two elements',
      'romeo@localhost',
      'juliet@localhost',
      `${message('x')}${message('x')}`,
      'invalid_stanza',
    ],
    [
      'no stanza',
      'romeo@localhost',
      'juliet@localhost',
      "<presents xmlns='jabber:client'/>",
      'invalid_stanza',
    ],
    [
      'a foreign namespace',
      'romeo@localhost',
      'juliet@localhost',
      "<message xmlns='urn:x'/>",
      'invalid_stanza',
    ],
    ['a document type', 'romeo@localhost', 'juliet@localhost', '<!DOCTYPE x><message/>', 'invalid_stanza'],
    ['nothing', 'romeo@localhost', 'juliet@localhost', '', 'invalid_stanza'],
  ])('is refused for %s', async (_what, from, to, stanza, code) => {
    await expect(route(from, to, stanza)).rejects.toMatchObject({ code });
  });
});

/** What the busy module really did, once everything under way has come through. */
async function readDone(): Promise<string[]> {
  const { existsSync, readFileSync } = await import('node:fs');
  const file = join(directory, 'done');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}
