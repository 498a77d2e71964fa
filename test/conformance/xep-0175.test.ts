import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { Gate } from '../helpers/gate.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { auth, bind, header, plain } from '../helpers/xml.ts';

/** XEP-0175: SASL ANONYMOUS, with the life of the names that go with it. */

const gate = new Gate();
let server: TestServer;

beforeAll(async () => {
  const hosts = [
    ['anon.example', 'protocol = "sasl_anon"'],
    ['login.example', 'protocol = "login_anon"'],
    ['both.example', 'protocol = "both"\n  allow_multiple_connections = true'],
  ];
  server = await TestServer.start({
    users: ['romeo@login.example', 'romeo@localhost'],
    config: `
      [general]
        hosts = ["localhost", ${hosts.map(([host]) => `"${host}"`).join(', ')}]
        loglevel = "warning"
        shards = 3
      [[listen.c2s]]
        port = 0
        ip_address = "127.0.0.1"
        shaper = "none"
        connections_per_second_per_address = "infinity"
      [storage]
        directory = "./data"
      [auth.internal]
      [modules.mod_presence]
      [modules.mod_offline]
      ${gate.toml}
      ${hosts
        .map(
          ([host, options]) => `
      [[host_config]]
        host = "${host}"
        [host_config.auth.internal]
        [host_config.auth.anonymous]
          ${options}`,
        )
        .join('\n')}`,
  });
});

afterAll(() => server.stop());

async function opened(to: string): Promise<{ client: TestClient; mechanisms: string[] }> {
  const client = await TestClient.connect(server.port());
  client.send(header({ to }));
  await client.expect('open');
  const features = await client.element();
  const list = features.elements().find((element) => element.name === 'mechanisms')!;
  return { client, mechanisms: list.elements().map((element) => element.text()) };
}

/** Logs in with what `text` says and binds. Returns the client and what came instead of, or with, its address. */
async function login(to: string, text: string, resource = 'r'): Promise<{ client: TestClient; jid: string }> {
  const { client } = await opened(to);
  client.send(text);
  const answer = await client.element();
  if (answer.name !== 'success') return { client, jid: answer.elements()[0]!.name };
  client.send(header({ to }) + bind(resource));
  await client.expect('open');
  await client.element();
  const result = await client.element();
  const jid = result.child('bind', 'urn:ietf:params:xml:ns:xmpp-bind')?.childText('jid');
  return { client, jid: jid ?? result.child('error')!.elements()[0]!.name };
}

async function purged(jid: string, times = 1): Promise<void> {
  await eventually(
    () => gate.lines('anonymous_purge').filter((line) => line.jid === jid).length === times,
    `${jid} is purged`,
  );
}

describe('sasl_anon', () => {
  it('is offered where it is configured', async () => {
    for (const [host, expected] of [
      ['localhost', false],
      ['anon.example', true],
      ['login.example', false],
      ['both.example', true],
    ] as const) {
      const { client, mechanisms } = await opened(host);
      expect(mechanisms.includes('ANONYMOUS')).toBe(expected);
      client.cut();
    }
  });

  it.each(['', '=', Buffer.from('romeo').toString('base64')])(
    'gives each client a name of its own, whatever trace data %j says (§3)',
    async (data) => {
      const first = await login('anon.example', auth('ANONYMOUS', data));
      const second = await login('anon.example', auth('ANONYMOUS', data));
      expect(first.jid).toMatch(/^[0-9a-f]{32}@anon\.example\/r$/);
      expect(second.jid).not.toBe(first.jid);
      first.client.cut();
      second.client.cut();
    },
  );

  it('its users send and receive; they register when they come and are purged when they go', async () => {
    const first = await login('anon.example', auth('ANONYMOUS'));
    const second = await login('anon.example', auth('ANONYMOUS'));
    first.client.send(`<presence/><message to='${second.jid}'><body>Who are you?</body></message>`);
    const message = await second.client.message();
    expect([message.attribute('from'), message.childText('body')]).toEqual([first.jid, 'Who are you?']);
    const bare = first.jid.split('/')[0]!;
    expect(gate.lines('register_user')).toContainEqual({ hook: 'register_user', jid: bare });
    expect(gate.lines('sm_register_connection')).toContainEqual({
      hook: 'sm_register_connection',
      jid: first.jid,
      method: 'anonymous',
    });
    expect(gate.lines('anonymous_purge').filter((line) => line.jid === bare)).toEqual([]);
    await first.client.close();
    await purged(bare);
    // Nobody is there any more, and nothing is kept for a name that will not come back.
    second.client.send(`<message to='${bare}' type='chat' id='late'><body>?</body></message>`);
    const error = await second.client.message();
    expect(error.child('error')!.elements()[0]!.name).toBe('service-unavailable');
    second.client.cut();
  });

  it('leaves accounts with passwords alone', async () => {
    const romeo = await login('login.example', plain('romeo'));
    expect(romeo.jid).toBe('romeo@login.example/r');
    await romeo.client.close();
    const lines = (): unknown[] =>
      gate.lines('sm_remove_connection').filter((line) => line.jid === romeo.jid);
    await eventually(() => lines().length === 1, 'romeo is gone');
    expect(gate.lines('anonymous_purge').filter((line) => line.jid === 'romeo@login.example')).toEqual([]);
  });
});

describe('login_anon', () => {
  it('lets anybody in under a free name, with any password', async () => {
    const guest = await login('login.example', plain('guest', 'anything'));
    expect(guest.jid).toBe('guest@login.example/r');
    await guest.client.close();
    await purged('guest@login.example');
  });

  it('but not under the name of an account', async () => {
    const forger = await login('login.example', plain('romeo', 'anything'));
    expect(forger.jid).toBe('not-authorized');
    forger.client.cut();
  });

  it('nor under a name that is in use; once it is free, somebody else may have it', async () => {
    const first = await login('login.example', plain('taken', 'mine'));
    const second = await login('login.example', plain('taken', 'mine'));
    expect([first.jid, second.jid]).toEqual(['taken@login.example/r', 'not-authorized']);
    second.client.cut();
    await first.client.close();
    await purged('taken@login.example');
    const third = await login('login.example', plain('taken', 'yours'));
    expect(third.jid).toBe('taken@login.example/r');
    third.client.cut();
    await purged('taken@login.example', 2);
  });

  it('of those who come at the same moment one remains, on whatever shard', async () => {
    for (let round = 0; round < 5; round++) {
      const name = `race${round}`;
      const clients = await Promise.all(
        Array.from({ length: 6 }, async () => {
          const { client } = await opened('login.example');
          client.send(plain(name, 'x'));
          const answer = await client.element();
          if (answer.name !== 'success') return undefined;
          client.send(header({ to: 'login.example' }));
          await client.expect('open');
          await client.element();
          return client;
        }),
      );
      // All that passed the password now bind, each another resource.
      const asked = clients.filter((client) => client !== undefined);
      expect(asked.length).toBeGreaterThan(1);
      for (const [i, client] of asked.entries()) client.send(bind(`r${i}`));
      const fates = await Promise.all(
        asked.map(async (client) => {
          const result = await client.element();
          if (result.attribute('type') === 'error') return 'refused';
          client.send("<iq type='get' id='alive'><nothing xmlns='urn:test:nothing'/></iq>");
          const next = await client.element();
          return next.name === 'error' ? next.elements()[0]!.name : 'remains';
        }),
      );
      // A session that answered may still be told to go: whoever is left in the end answers once more.
      const left = asked.filter((_client, i) => fates[i] === 'remains');
      const ends = await Promise.all(
        left.map(async (client) => {
          client.send("<iq type='get' id='alive2'><nothing xmlns='urn:test:nothing'/></iq>");
          const next = await client.next();
          return next.kind === 'element' && next.element.attribute('id') === 'alive2';
        }),
      );
      expect(ends.filter(Boolean)).toHaveLength(1);
      for (const client of asked) client.cut();
      await purged(`${name}@login.example`);
    }
  });

  it('several sessions of one name, where that is allowed, are purged with the last of them', async () => {
    const first = await login('both.example', plain('shared', 'x'), 'one');
    const second = await login('both.example', plain('shared', 'y'), 'two');
    expect([first.jid, second.jid]).toEqual(['shared@both.example/one', 'shared@both.example/two']);
    await first.client.close();
    const isGone = (): boolean => gate.lines('sm_remove_connection').some((line) => line.jid === first.jid);
    await eventually(isGone, 'the first is gone');
    await second.client.nothingElse();
    expect(gate.lines('anonymous_purge').filter((line) => line.jid === 'shared@both.example')).toEqual([]);
    await second.client.close();
    await purged('shared@both.example');
  });
});
