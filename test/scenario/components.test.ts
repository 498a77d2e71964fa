import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { Spy } from '../helpers/spy.ts';

/** Domains that are served outside of the host types: where their stanzas go, who may send, which hooks run. */

const MODULE = new URL('../fixtures/modules/mod-test-component.ts', import.meta.url).pathname;
const USERS = ['alice', 'bob', 'mallory'];

function component(name: string, lines: string): string {
  return `[modules.${name}]\n  path = "${MODULE}"\n  ${lines}\n`;
}

describe('a component on one shard of two', () => {
  const spy = new Spy();
  let server: TestServer;
  let clients: TestClient[];

  beforeAll(async () => {
    server = await TestServer.start({
      users: USERS,
      toml: `
        [modules.mod_presence]
        ${component('mod_test_component', 'domain = "echo.test"\n  shards = [1]\n  access = "friends"')}
        ${spy.toml()}
        [acl]
          enemies = [{ user = "mallory" }]
        [access]
          friends = [{ acl = "enemies", value = "deny" }, { acl = "all", value = "allow" }]
      `,
    });
    clients = await Promise.all(
      USERS.map((user) => TestClient.login(server.port(), `${user}@localhost/desk`)),
    );
  });

  afterAll(() => server.stop());
  afterEach(() => spy.forget());

  it('gets the stanzas of every shard, and answers', async () => {
    for (const client of clients.slice(0, 2)) {
      client.send("<message to='any@echo.test/where' type='chat' id='c1'><body>hello</body></message>");
      const answer = await client.message();
      expect(answer.attribute('from')).toBe('any@echo.test/where');
      expect(answer.attribute('to')).toBe(client.jid);
      expect(answer.childText('body')).toBe('shard 1: hello');
    }
  });

  it('keeps order from one sender', async () => {
    const [alice] = clients;
    for (let i = 0; i < 200; i++) {
      alice!.send(`<message to='echo.test' id='o${i}'><body>${i}</body></message>`);
    }
    for (let i = 0; i < 200; i++) expect((await alice!.message()).attribute('id')).toBe(`o${i}`);
  });

  it('runs packet_to_component on its own shard, and no filter_local_packet', async () => {
    const [alice] = clients;
    alice!.send("<message to='echo.test' id='hooks'><body>hello</body></message>");
    await alice!.message();
    const hooks = spy.lines().filter((line) => line.id === 'hooks' && line.to === 'echo.test');
    expect(hooks.map((line) => line.hook)).toEqual([
      'user_send_packet',
      'user_send_message',
      'filter_packet',
      'packet_to_component',
    ]);
    expect(hooks.at(-1)?.shard).toBe(1);
  });

  it('refuses senders that its access rule denies, without the hook', async () => {
    const mallory = clients[2]!;
    mallory.send("<message to='echo.test' type='chat' id='no'><body>hello</body></message>");
    const error = await mallory.until((e) => e.attribute('id') === 'no');
    expect(error.attribute('type')).toBe('error');
    expect(error.child('error')?.attribute('type')).toBe('cancel');
    expect(error.child('error')?.child('not-allowed', 'urn:ietf:params:xml:ns:xmpp-stanzas')).toBeDefined();
    expect(spy.lines().some((line) => line.id === 'no' && line.hook === 'packet_to_component')).toBe(false);
  });

  it('does not answer an error', async () => {
    const mallory = clients[2]!;
    mallory.send("<message to='echo.test' type='error' id='e'><body>hello</body></message>");
    await mallory.nothingElse();
  });
});

describe('register_subhost and unregister_subhost', () => {
  it('run for the component on the shard that serves it, and when it ends', async () => {
    const spy = new Spy();
    // The name sorts after the spy's: modules start in order of their names.
    const toml = `[modules.mod_presence]\n${spy.toml()}\n${component('mod_test_component', 'domain = "echo.test"\n  shards = [1]')}`;
    const server = await TestServer.start({ toml });
    const up = spy.lines().filter((line) => line.hook === 'register_subhost');
    expect(up.map((line) => line.shard)).toEqual([1]);
    await server.stop();
    const down = spy.lines().filter((line) => line.hook === 'unregister_subhost');
    expect(down.map((line) => line.shard)).toEqual([1]);
  });
});

describe('a domain that is taken', () => {
  it('is not served: a host stays a host', async () => {
    const server = await TestServer.start({
      users: ['alice'],
      toml: `[modules.mod_presence]\n${component('mod_test_component', 'domain = "localhost"\n  shards = [0, 1]')}`,
    });
    const alice = await TestClient.login(server.port(), 'alice@localhost/desk');
    alice.send("<message to='alice@localhost/desk' id='me'><body>still here</body></message>");
    expect((await alice.message()).childText('body')).toBe('still here');
    expect(server.log).toContain('the domain is taken');
    await server.stop();
  });
});

describe('a domain that nobody serves', () => {
  const condition = async (general: string, to: string): Promise<string | undefined> => {
    const server = await TestServer.start({ users: ['alice'], general });
    const alice = await TestClient.login(server.port(), 'alice@localhost/desk');
    alice.send(`<message to='${to}' type='chat' id='x'><body>hello</body></message>`);
    const error = (await alice.until((e) => e.attribute('id') === 'x')).child('error');
    await server.stop();
    return error?.elements()[0]?.name;
  };

  it('is a server that cannot be found', async () => {
    expect(await condition('', 'other.example')).toBe('remote-server-not-found');
  });

  it('is unavailable when a parent domain is hosted here', async () => {
    expect(await condition('', 'gone.localhost')).toBe('service-unavailable');
    expect(await condition('', 'a.b.localhost')).toBe('service-unavailable');
  });

  it('is left to federation with route_subdomains', async () => {
    expect(await condition('route_subdomains = "s2s"', 'gone.localhost')).toBe('remote-server-not-found');
  });
});
