import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AccountService } from '../../helpers/account-service.ts';
import { TestClient } from '../../helpers/client.ts';
import { answerTo, opened, tryPlain } from '../../helpers/login.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { scram } from '../../helpers/scram.ts';
import { TestServer } from '../../helpers/server.ts';
import { plain } from '../../helpers/xml.ts';

/** The method `http`, against a web service that the test runs: `docs/authentication.md`. */

const PLAIN = 'plain.example';
const SCRAM = 'scram.example';

let service: AccountService;
let server: TestServer;

beforeAll(async () => {
  service = await AccountService.start();
  server = await TestServer.start({
    config: `
      [general]
        hosts = ["${PLAIN}", "${SCRAM}"]
        loglevel = "debug"
        shards = 2
      [[listen.c2s]]
        port = 0
        ip_address = "127.0.0.1"
        shaper = "none"
        connections_per_second_per_address = "infinity"
      [storage]
        directory = "./data"
      [outgoing_pools.http.auth]
        workers = 2
        max_worker_queue_len = 1
        [outgoing_pools.http.auth.connection]
          host = "http://127.0.0.1:${service.port}"
          path_prefix = "/accounts"
          request_timeout = 6000
      [auth]
        methods = ["http"]
        password.format = "plain"
        [auth.http]
          basic_auth = "meerkat:basic-secret"
      [modules.mod_presence]
      [modules.mod_offline]
      [[host_config]]
        host = "${SCRAM}"
        [host_config.auth]
          methods = ["http"]
          password.scram_iterations = 4096
          [host_config.auth.http]
    `,
  });
});

afterAll(async () => {
  await server.stop();
  await service.stop();
});

afterEach(() => {
  service.override = undefined;
});

function login(user: string, password: string, domain = PLAIN): Promise<string> {
  return tryPlain(server.port(), domain, user, password);
}

/** After trouble: shards ask again once they have rested. */
async function recovered(): Promise<void> {
  service.passwords.set(`recovered@${PLAIN}`, 'pw');
  const deadline = Date.now() + 60_000;
  for (let good = 0; good < 4 && Date.now() < deadline; ) {
    good = (await login('recovered', 'pw')) === 'success' ? good + 1 : 0;
    if (good === 0) await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

describe('with passwords in plain', () => {
  it('asks the service whether a password is right', async () => {
    service.passwords.set(`romeo@${PLAIN}`, 'wherefore & art=thou?%');
    service.asked.length = 0;
    expect(await login('romeo', 'wherefore & art=thou?%')).toBe('success');
    expect(service.asked).toEqual([
      {
        method: 'GET',
        path: '/accounts/check_password',
        fields: new Map([
          ['user', 'romeo'],
          ['server', PLAIN],
          ['pass', 'wherefore & art=thou?%'],
        ]),
        authorization: `Basic ${Buffer.from('meerkat:basic-secret').toString('base64')}`,
      },
    ]);
    expect(await login('romeo', 'wrong')).toBe('not-authorized');
    expect(await login('nobody', 'wherefore & art=thou?%')).toBe('not-authorized');
  });

  it('lets names and passwords be nothing but values (T63)', async () => {
    service.asked.length = 0;
    // What cannot be in a localpart never gets there; what can is encoded.
    expect(await login('a/../b', 'x')).toBe('not-authorized');
    expect(service.asked).toEqual([]);
    await login('a?b#c%2e', '/../&server=other.example\r\nHost: evil');
    expect(service.asked.map(({ path }) => path)).toEqual(['/accounts/check_password']);
    expect(service.asked[0]!.fields.get('user')).toBe('a?b#c%2e');
    expect(service.asked[0]!.fields.get('server')).toBe(PLAIN);
    expect(service.asked[0]!.fields.get('pass')).toBe('/../&server=other.example\r\nHost: evil');
  });

  it('does SCRAM with keys that it derives from the password', async () => {
    service.passwords.set(`juliet@${PLAIN}`, 'balcony');
    const { client, mechanisms } = await opened(server.port(), PLAIN);
    expect(mechanisms).toContain('SCRAM-SHA-256');
    expect((await scram(client, 'juliet', 'balcony', { mechanism: 'SCRAM-SHA-256' })).name).toBe('success');
    client.cut();
    const other = await opened(server.port(), PLAIN);
    expect((await scram(other.client, 'juliet', 'wrong')).name).toBe('failure');
    other.client.cut();
  });

  it('stores and delivers for accounts that the service has, and for no other', async () => {
    service.passwords.set(`away@${PLAIN}`, 'pw');
    service.passwords.set(`writer@${PLAIN}`, 'secret');
    const writer = await TestClient.login(server.port(), `writer@${PLAIN}/r`);
    writer.send(`<message to='away@${PLAIN}' type='chat'><body>for later</body></message>`);
    writer.send(`<message to='invented@${PLAIN}' type='chat' id='no'><body>nobody</body></message>`);
    const bounce = await writer.message();
    expect(bounce.attribute('id')).toBe('no');
    await writer.nothingElse();
    const away = await TestClient.login(server.port(), `away@${PLAIN}/r`, { password: 'pw' });
    expect((await away.message()).childText('body')).toBe('for later');
    await Promise.all([writer.close(), away.close()]);
  });

  it('asks once a second for an account, however many stanzas it gets', async () => {
    service.passwords.set(`busy@${PLAIN}`, 'pw');
    service.passwords.set(`writer@${PLAIN}`, 'secret');
    const writer = await TestClient.login(server.port(), `writer@${PLAIN}/r`);
    service.asked.length = 0;
    let text = '';
    for (let i = 0; i < 100; i++)
      text += `<message to='busy@${PLAIN}' type='chat'><body>${i}</body></message>`;
    writer.send(text);
    await writer.nothingElse();
    const questions = service.asked.filter(({ path }) => path.endsWith('user_exists'));
    expect(questions.length).toBeGreaterThan(0);
    expect(questions.length).toBeLessThan(20);
    await writer.close();
  });
});

describe('with SCRAM keys', () => {
  it('registers, changes and removes by what an operator types', async () => {
    const run = (args: string[], input = ''): ReturnType<typeof meerkat> =>
      meerkat([...args, '--config', server.configFile], { input });
    service.asked.length = 0;
    expect((await run(['user', 'add', `new@${SCRAM}`], 'first\n')).status).toBe(0);
    const stored = service.passwords.get(`new@${SCRAM}`)!;
    expect(stored).toMatch(/^==MULTI_SCRAM==,4096,===SHA1===/);
    expect(await login('new', 'first', SCRAM)).toBe('success');
    expect(await login('new', 'second', SCRAM)).toBe('not-authorized');
    expect((await run(['user', 'add', `new@${SCRAM}`], 'first\n')).status).not.toBe(0);
    expect((await run(['user', 'passwd', `new@${SCRAM}`], 'second\n')).status).toBe(0);
    expect(service.passwords.get(`new@${SCRAM}`)).not.toBe(stored);
    expect(await login('new', 'second', SCRAM)).toBe('success');
    expect(await login('new', 'first', SCRAM)).toBe('not-authorized');
    const { client } = await opened(server.port(), SCRAM);
    expect((await scram(client, 'new', 'second', { mechanism: 'SCRAM-SHA-512' })).name).toBe('success');
    client.cut();
    expect((await run(['user', 'delete', `new@${SCRAM}`])).status).toBe(0);
    expect(await login('new', 'second', SCRAM)).toBe('not-authorized');
    // The service never saw a password.
    expect(service.asked.some(({ path }) => path.endsWith('check_password'))).toBe(false);
  });

  it('takes a password that the service keeps in plain, too', async () => {
    service.passwords.set(`old@${SCRAM}`, 'as it was ');
    expect(await login('old', 'as it was ', SCRAM)).toBe('success');
    expect(await login('old', 'as it was', SCRAM)).toBe('not-authorized');
  });
});

describe('a service that does not answer as agreed', () => {
  const cases: [string, AccountService['override']][] = [
    ['status 500', (_asked, response) => void response.writeHead(500).end('true')],
    ['status 503', (_asked, response) => void response.writeHead(503).end()],
    [
      'status 401, which is about the server',
      (_asked, response) => void response.writeHead(401).end('false'),
    ],
    ['another body', (_asked, response) => void response.writeHead(200).end('maybe')],
    ['an empty body', (_asked, response) => void response.writeHead(200).end()],
    ['a redirection', (_asked, response) => void response.writeHead(302, { Location: '/ok' }).end('true')],
    [
      'more than was asked for',
      (_asked, response) => {
        response.writeHead(200);
        response.end('true'.repeat(40_000));
      },
    ],
    ['a cut connection', (_asked, response) => void response.destroy()],
  ];

  it.each(cases)('%s: temporary-auth-failure, never a wrong password', async (_name, answer) => {
    await recovered();
    service.override = answer;
    service.asked.length = 0;
    expect(await login('romeo', 'anything')).toBe('temporary-auth-failure');
    // A redirection is not followed.
    expect(service.asked.map(({ path }) => path)).not.toContain('/ok');
  });

  it('no answer: temporary-auth-failure in time', async () => {
    await recovered();
    service.override = () => {};
    expect(await login('romeo', 'anything')).toBe('temporary-auth-failure');
  });

  it('too many at once: two run, two wait, the next is refused at once', async () => {
    await recovered();
    const held: (() => void)[] = [];
    service.override = (_asked, response) => {
      held.push(() => response.writeHead(200).end('false'));
    };
    service.asked.length = 0;
    const clients = await Promise.all(Array.from({ length: 16 }, () => opened(server.port(), PLAIN)));
    const answers = clients.map(({ client }) => answerTo(client, plain('romeo', 'x')));
    // Whoever is refused is so before anybody was answered.
    const first = await Promise.race(answers);
    expect(first).toBe('temporary-auth-failure');
    await service.untilAsked(4);
    expect(service.asked.length).toBe(4);
    service.override = (_asked, response) => void response.writeHead(200).end('false');
    for (const release of held) release();
    const all = await Promise.all(answers);
    // Two shards: each asked two and kept two waiting.
    expect(all.filter((answer) => answer === 'not-authorized').length).toBe(8);
    expect(all.filter((answer) => answer === 'temporary-auth-failure').length).toBe(8);
    for (const { client } of clients) client.cut();
  });

  it('gone: refused at once after some attempts, and asked again when it is back', async () => {
    await recovered();
    const { port } = service;
    await service.stop();
    for (let i = 0; i < 14; i++) expect(await login('romeo', 'x')).toBe('temporary-auth-failure');
    expect(server.log).toContain('outgoing_pool_down');
    await service.listen(port);
    await recovered();
    expect(await login('recovered', 'wrong')).toBe('not-authorized');
  });

  it('logs no password, whatever happens (T69)', () => {
    for (const secret of [
      'wherefore',
      'basic-secret',
      'balcony',
      'as it was',
      Buffer.from('meerkat:basic-secret').toString('base64'),
    ])
      expect(server.log).not.toContain(secret);
    expect(server.log).toContain('auth_backend_failed');
  });
});
