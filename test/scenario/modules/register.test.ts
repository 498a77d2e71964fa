import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestCertificates } from '../../helpers/certificates.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { header, NS_TLS, plain } from '../../helpers/xml.ts';
import { condition, fixture, messagesUntilNow } from './support.ts';

/** mod_register (XEP-0077): accounts that clients make, change and cancel themselves (threat T32). */

const NS = 'jabber:iq:register';
const NOT_LIMITED = 'registration_timeout = "infinity"';

const form = (username: string, password = 'secret'): string =>
  `<query xmlns='${NS}'><username>${username}</username><password>${password}</password></query>`;
const REMOVE = `<query xmlns='${NS}'><remove/></query>`;
const GET = `<query xmlns='${NS}'/>`;

const servers: TestServer[] = [];

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

interface Setup {
  readonly options?: string;
  readonly general?: string;
  readonly toml?: string;
  readonly shards?: number;
  readonly users?: readonly string[];
}

async function start({
  options = '',
  general = NOT_LIMITED,
  toml = '',
  shards,
  users,
}: Setup): Promise<TestServer> {
  const server = await TestServer.start({
    users: users ?? ['romeo', 'nurse'],
    general,
    toml: `${toml}\n[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_register]\n${options}`,
    ...(shards === undefined ? {} : { shards }),
  });
  servers.push(server);
  return server;
}

/** A stream without a user, and what it is offered. */
async function stranger(server: TestServer): Promise<{ client: TestClient; features: Element }> {
  const client = await TestClient.connect(server.port());
  return { client, features: await client.openStream('localhost') };
}

/** Asks for an account on a stream of its own. */
async function register(server: TestServer, username: string, password?: string): Promise<Element> {
  const { client } = await stranger(server);
  const answer = await client.iq('set', 'localhost', form(username, password));
  await client.close();
  return answer;
}

const outcome = (answer: Element): string => condition(answer) ?? answer.attribute('type')!;

/** Whether an account can log in. */
async function canLogIn(server: TestServer, user: string, password = 'secret'): Promise<boolean> {
  const { client } = await stranger(server);
  client.send(plain(user, password));
  const { name } = await client.element();
  client.cut();
  return name === 'success';
}

describe.each([1, 2])('registration before login on %i shards', (shards) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await start({ shards });
  });

  it('is offered, and tells what to fill in', async () => {
    const { client, features } = await stranger(server);
    expect(features.child('register', 'http://jabber.org/features/iq-register')).toBeDefined();
    const answer = await client.iq('get', 'localhost', GET);
    expect([answer.attribute('type'), answer.attribute('from')]).toEqual(['result', 'localhost']);
    const query = answer.child('query', NS)!;
    expect(query.elements().map(({ name }) => name)).toEqual(['instructions', 'username', 'password']);
    expect(query.childText('username')).toBe('');
    await client.close();
  });

  it('makes an account that can log in at once, on the same stream', async () => {
    const { client } = await stranger(server);
    const answer = await client.iq('set', 'localhost', form('tybalt', 'pass word'));
    expect(outcome(answer)).toBe('result');
    expect(answer.elements()).toEqual([]);
    client.send(plain('tybalt', 'pass word'));
    expect((await client.element()).name).toBe('success');
    await client.openStream('localhost');
    expect(await client.bind('tomb')).toBe('tybalt@localhost/tomb');
    await client.close();
  });

  it('prepares the name like every address', async () => {
    expect(outcome(await register(server, 'MERCUTIO'))).toBe('result');
    expect(outcome(await register(server, 'mercutio'))).toBe('conflict');
    expect(await canLogIn(server, 'mercutio')).toBe(true);
  });

  it('of one name by many at once succeeds for one', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_unused, i) => register(server, 'paris', `secret${i}`)),
    );
    const outcomes = answers.map(outcome);
    expect(outcomes.filter((one) => one === 'result')).toHaveLength(1);
    expect(outcomes.filter((one) => one === 'conflict')).toHaveLength(7);
    expect(await canLogIn(server, 'paris', `secret${outcomes.indexOf('result')}`)).toBe(true);
  });

  it.each([
    ['an account that exists', form('romeo'), 'conflict'],
    ['an empty password', form('empty', ''), 'not-acceptable'],
    ['a name that is none', form('a b'), 'bad-request'],
    ['an empty name', form(''), 'bad-request'],
    ['a name of scripts that look alike', form('аdmin'), 'not-acceptable'],
    ['nothing', GET, 'bad-request'],
    ['no password', `<query xmlns='${NS}'><username>x</username></query>`, 'bad-request'],
    ['no name', `<query xmlns='${NS}'><password>x</password></query>`, 'bad-request'],
    ['something else', `<query xmlns='${NS}'><other/></query>`, 'bad-request'],
    ['its removal', REMOVE, 'not-allowed'],
    [
      'its removal, and more',
      `<query xmlns='${NS}'><remove/><username>romeo</username></query>`,
      'bad-request',
    ],
  ])('is refused for %s', async (_what, payload, expected) => {
    const { client } = await stranger(server);
    expect(outcome(await client.iq('set', 'localhost', payload))).toBe(expected);
    // The stream lives on.
    expect(outcome(await client.iq('get', 'localhost', GET))).toBe('result');
    await client.close();
  });

  it('keeps names of one script, whichever it is', async () => {
    for (const name of ['ромео', 'ジュリエット', 'ρωμαιος']) {
      expect(outcome(await register(server, name)), name).toBe('result');
      expect(await canLogIn(server, name), name).toBe(true);
    }
  });

  it('belongs to the domain of the stream, and to requests', async () => {
    const { client } = await stranger(server);
    expect(outcome(await client.iq('set', 'elsewhere.example', form('x')))).toBe('not-allowed');
    expect(outcome(await client.iq('set', undefined, form('benvolio')))).toBe('result');
    client.send(`<iq type='result' id='r'>${GET}</iq>`);
    expect(await client.streamError()).toBe('not-authorized');
  });
});

describe('an account', () => {
  let server: TestServer;
  const open: TestClient[] = [];

  beforeAll(async () => {
    server = await start({
      options: fixture('mod_spy', 'mod-spy.ts', 'file = "/dev/null"\n  hooks = []'),
    });
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
  });

  async function fresh(name: string, resource = 'one'): Promise<TestClient> {
    if (!(await canLogIn(server, name))) expect(outcome(await register(server, name))).toBe('result');
    const client = await TestClient.login(server.port(), `${name}@localhost/${resource}`);
    open.push(client);
    return client;
  }

  it('learns that it is registered, with its name', async () => {
    const client = await fresh('known');
    for (const to of ['localhost', undefined]) {
      const query = (await client.iq('get', to, GET)).child('query', NS)!;
      expect(query.child('registered')).toBeDefined();
      expect(query.childText('username')).toBe('known');
    }
    expect(outcome(await client.iq('get', 'romeo@localhost', GET))).toBe('service-unavailable');
  });

  it('changes its password', async () => {
    const client = await fresh('changes');
    expect(outcome(await client.iq('set', 'localhost', form('changes', 'another')))).toBe('result');
    expect(await canLogIn(server, 'changes')).toBe(false);
    expect(await canLogIn(server, 'changes', 'another')).toBe(true);
    expect(outcome(await client.iq('set', 'localhost', form('changes', '')))).toBe('bad-request');
    expect(await canLogIn(server, 'changes', 'another')).toBe(true);
  });

  it('registers another one', async () => {
    const client = await fresh('parent');
    expect(outcome(await client.iq('set', 'localhost', form('child')))).toBe('result');
    expect(outcome(await client.iq('set', 'localhost', form('child')))).toBe('conflict');
    expect(await canLogIn(server, 'child')).toBe(true);
  });

  it('is removed: the result comes first, then all its sessions end, and it cannot log in again', async () => {
    const one = await fresh('leaves');
    const two = await fresh('leaves', 'two');
    const answer = await one.iq('set', 'localhost', REMOVE);
    expect(outcome(answer)).toBe('result');
    for (const client of [one, two]) expect(await client.streamError()).toBe('conflict');
    expect(await canLogIn(server, 'leaves')).toBe(false);
    expect(outcome(await register(server, 'leaves'))).toBe('result');
  });

  it('is not removed when something stands beside the wish', async () => {
    const client = await fresh('stays');
    const query = `<query xmlns='${NS}'><remove/><username>stays</username></query>`;
    expect(outcome(await client.iq('set', 'localhost', query))).toBe('bad-request');
    expect(await canLogIn(server, 'stays')).toBe(true);
  });
});

describe('the rule of access', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await start({
      toml: `
        [acl]
          wanted = [{ user_glob = "good*" }]
        [access]
          register = [{ acl = "wanted", value = "allow" }]`,
      options: '  access = "register"',
    });
  });

  it('says which names may be registered', async () => {
    expect(outcome(await register(server, 'bad'))).toBe('forbidden');
    expect(outcome(await register(server, 'good'))).toBe('result');
  });

  it('says who may register others, and cancel the own account', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    expect(outcome(await romeo.iq('set', 'localhost', form('goodchild')))).toBe('forbidden');
    expect(outcome(await romeo.iq('set', 'localhost', REMOVE))).toBe('not-allowed');
    // Its password is its own.
    expect(outcome(await romeo.iq('set', 'localhost', form('romeo', 'secret')))).toBe('result');
    await romeo.close();
    expect(await canLogIn(server, 'romeo')).toBe(true);
  });
});

describe('addresses of clients', () => {
  it.each([
    ['[{ address = "127.0.0.1", policy = "deny" }]', 'forbidden'],
    ['[{ address = "127.0.0.0/8", policy = "deny" }]', 'forbidden'],
    ['[{ address = "127.0.0.1", policy = "allow" }, { address = "0.0.0.0/0", policy = "deny" }]', 'result'],
    [
      '[{ address = "10.0.0.0/8", policy = "allow" }, { address = "0.0.0.0/0", policy = "deny" }]',
      'forbidden',
    ],
    ['[{ address = "::/0", policy = "deny" }]', 'result'],
  ])('are looked up in %s: %s', async (rules, expected) => {
    const server = await start({ options: `  ip_access = ${rules}` });
    expect(outcome(await register(server, 'anybody'))).toBe(expected);
  });
});

describe('a new account', () => {
  it('is welcomed, and watchers are told who it is and where from', async () => {
    const server = await start({
      options: `
        registration_watchers = ["nurse@localhost"]
        [modules.mod_register.welcome_message]
          subject = "Welcome"
          body = "Good pilgrim"`,
    });
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
    expect(outcome(await register(server, 'pilgrim'))).toBe('result');
    const told = await nurse.message();
    expect([told.attribute('from'), told.attribute('type')]).toEqual(['localhost', 'chat']);
    expect(told.childText('body')).toMatch(/pilgrim@localhost .*127\.0\.0\.1/);
    const pilgrim = await TestClient.login(server.port(), 'pilgrim@localhost/one');
    const [welcome, ...more] = await messagesUntilNow(pilgrim);
    expect(more).toEqual([]);
    expect([welcome!.attribute('from'), welcome!.attribute('type')]).toEqual(['localhost', 'normal']);
    expect([welcome!.childText('subject'), welcome!.childText('body')]).toEqual(['Welcome', 'Good pilgrim']);
    // By another account: that one is named, too. And nobody is told of what failed.
    expect(outcome(await pilgrim.iq('set', 'localhost', form('squire')))).toBe('result');
    expect((await nurse.message()).childText('body')).toMatch(/squire@localhost .*pilgrim@localhost/);
    expect(outcome(await register(server, 'squire'))).toBe('conflict');
    expect(await messagesUntilNow(nurse)).toEqual([]);
  });

  it('needs a password of the strength asked for, and keeps to it', async () => {
    const server = await start({ options: '  password_strength = 40' });
    expect(outcome(await register(server, 'careless', 'abc'))).toBe('not-acceptable');
    expect(outcome(await register(server, 'careful', 'Correct horse 4'))).toBe('result');
    const careful = await TestClient.login(server.port(), 'careful@localhost/one', {
      password: 'Correct horse 4',
    });
    expect(outcome(await careful.iq('set', 'localhost', form('careful', 'abc')))).toBe('not-acceptable');
    expect(outcome(await careful.iq('set', 'localhost', form('careful', 'battery Staple 5')))).toBe('result');
  });
});

describe('the time between registrations', () => {
  it('holds for an address, whether one succeeded or failed, on all shards together', async () => {
    const server = await start({ general: 'registration_timeout = 600', shards: 2 });
    expect(outcome(await register(server, 'first'))).toBe('result');
    for (const name of ['second', 'third', 'first']) {
      expect(outcome(await register(server, name)), name).toBe('resource-constraint');
    }
    expect(await canLogIn(server, 'second')).toBe(false);
  });

  it('counts a failed try', async () => {
    const server = await start({ general: 'registration_timeout = 600' });
    expect(outcome(await register(server, 'romeo'))).toBe('conflict');
    expect(outcome(await register(server, 'first'))).toBe('resource-constraint');
  });

  it('holds for an account that registers others, and not for what is no registration', async () => {
    const server = await start({ general: 'registration_timeout = 600' });
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    expect(outcome(await romeo.iq('set', 'localhost', form('romeo', 'secret')))).toBe('result');
    expect(outcome(await romeo.iq('set', 'localhost', form('child')))).toBe('result');
    expect(outcome(await romeo.iq('set', 'localhost', form('child2')))).toBe('resource-constraint');
    expect(outcome(await romeo.iq('set', 'localhost', form('romeo', 'secret')))).toBe('result');
  });

  it('passes', async () => {
    const server = await start({ general: 'registration_timeout = 1' });
    expect(outcome(await register(server, 'first'))).toBe('result');
    let tries = 0;
    let last: string;
    do last = outcome(await register(server, `later${++tries}`));
    while (last === 'resource-constraint');
    // How many tries that takes is the machine's affair; that it is not over at once, the tests above say.
    expect(last).toBe('result');
  });

  it('is none with "infinity"', async () => {
    const server = await start({});
    for (let i = 0; i < 20; i++) expect(outcome(await register(server, `user${i}`))).toBe('result');
  });
});

describe('where no account can be made', () => {
  it.each([
    ['all users are anonymous', '[auth]\n  methods = ["anonymous"]'],
    ['the domain is full', '[auth]\n  max_users_per_domain = 2'],
  ])('because %s, the answer is not-allowed', async (_why, toml) => {
    const server = await start({ toml });
    expect(outcome(await register(server, 'third'))).toBe('not-allowed');
  });
});

describe('where there is TLS', () => {
  const certificates = new TestCertificates();

  afterAll(() => certificates.remove());

  it.each(['starttls', 'starttls_required'])('registration waits for it (%s)', async (mode) => {
    const { certfile, keyfile } = await certificates.make('localhost');
    const server = await TestServer.start({
      users: ['romeo'],
      config: `
        [general]
          hosts = ["localhost"]
          loglevel = "warning"
          ${NOT_LIMITED}
        [[listen.c2s]]
          port = 0
          ip_address = "127.0.0.1"
          [listen.c2s.tls]
            mode = "${mode}"
            certfile = "${certfile}"
            keyfile = "${keyfile}"
        [storage]
          directory = "./data"
        [modules.mod_register]`,
    });
    servers.push(server);
    const { client, features } = await stranger(server);
    const feature = ['register', 'http://jabber.org/features/iq-register'] as const;
    expect(features.child(...feature)).toBeUndefined();
    client.send(`<iq type='set' id='r' to='localhost'>${form('early')}</iq>`);
    if (mode === 'starttls') {
      expect(condition(await client.element())).toBe('policy-violation');
      await client.close();
    } else expect(await client.streamError()).toBe('policy-violation');

    const { client: second } = await stranger(server);
    second.send(`<starttls xmlns='${NS_TLS}'/>`);
    expect((await second.element()).name).toBe('proceed');
    await second.startTls();
    second.send(header());
    await second.expect('open');
    expect((await second.element()).child(...feature)).toBeDefined();
    expect(outcome(await second.iq('set', 'localhost', form('early')))).toBe('result');
    await second.close();
  });
});

describe('without mod_register', () => {
  it('nobody can register', async () => {
    const server = await TestServer.start({ users: ['romeo'] });
    servers.push(server);
    const { client, features } = await stranger(server);
    expect(features.child('register', 'http://jabber.org/features/iq-register')).toBeUndefined();
    client.send(`<iq type='set' id='r' to='localhost'>${form('anybody')}</iq>`);
    expect(await client.streamError()).toBe('not-authorized');
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    expect(outcome(await romeo.iq('set', 'localhost', REMOVE))).toBe('service-unavailable');
  });
});
