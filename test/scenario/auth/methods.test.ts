import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AccountService } from '../../helpers/account-service.ts';
import { type TestCertificate, TestCertificates } from '../../helpers/certificates.ts';
import type { TestClient } from '../../helpers/client.ts';
import { Scrape } from '../../helpers/http.ts';
import { opened, tryPlain } from '../../helpers/login.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { eventually } from '../../helpers/process.ts';
import { scram } from '../../helpers/scram.ts';
import { TestServer } from '../../helpers/server.ts';
import { bind, header } from '../../helpers/xml.ts';

/** Several methods in order, by host type and by listener; those without a counterpart of their own; reload. */

const certificates = new TestCertificates();
let ca: TestCertificate;
let service: AccountService;
let secure: AccountService;
let other: AccountService;
let server: TestServer;

beforeAll(async () => {
  ca = await certificates.make('Pool CA');
  const own = await certificates.make('accounts.example', ['accounts.example'], ca);
  const client = await certificates.make('meerkat', ['meerkat'], ca);
  service = await AccountService.start();
  other = await AccountService.start();
  secure = await AccountService.start({
    cert: own.cert,
    key: own.key,
    ca: ca.cert,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const pool = (port: number, more = ''): string => `
    [host_config.outgoing_pools.http.auth.connection]
      host = "https://127.0.0.1:${port}"
      tls.server_name_indication.host = "accounts.example"
      tls.certfile = "${client.certfile}"
      tls.keyfile = "${client.keyfile}"
      ${more}`;
  server = await TestServer.start({
    users: ['romeo@order.example', 'romeo@scram.example', 'romeo@reload.example'],
    config: `
      [general]
        hosts = ["order.example", "scram.example", "anon.example", "dummy.example", "noprogram.example", "secure.example", "distrust.example", "noname.example", "reload.example"]
        loglevel = "debug"
        shards = 2
      [[listen.c2s]]
        port = 0
        ip_address = "127.0.0.1"
        shaper = "none"
        connections_per_second_per_address = "infinity"
      [[listen.c2s]]
        port = 0
        ip_address = "127.0.0.1"
        shaper = "none"
        connections_per_second_per_address = "infinity"
        allowed_auth_methods = ["internal"]
      [[listen.c2s]]
        port = 0
        ip_address = "127.0.0.1"
        shaper = "none"
        connections_per_second_per_address = "infinity"
        state_timeout = 1500
      [[listen.http]]
        port = 0
        ip_address = "127.0.0.1"
      [storage]
        directory = "./data"
      [outgoing_pools.http.auth]
        connection.host = "http://127.0.0.1:${service.port}"
      [modules.mod_presence]
      [modules.mod_offline]
      [modules.mod_register]
      [auth]
        methods = ["internal", "http"]
        password.format = "plain"
      [[host_config]]
        host = "scram.example"
        [host_config.auth]
          methods = ["internal", "http"]
          password.scram_iterations = 4096
      [[host_config]]
        host = "anon.example"
        [host_config.auth]
          methods = ["anonymous", "http"]
          password.format = "plain"
          anonymous.protocol = "both"
      [[host_config]]
        host = "dummy.example"
        [host_config.auth.dummy]
          base_time = 2500
          variance = 1
      [[host_config]]
        host = "noprogram.example"
        [host_config.auth.external]
          program = "no-such-program-anywhere"
      ${['secure', 'distrust', 'noname']
        .map(
          (name) => `
      [[host_config]]
        host = "${name}.example"
        [host_config.auth]
          methods = ["http"]
          password.format = "plain"
        ${pool(secure.port, name === 'distrust' ? '' : `tls.cacertfile = "${ca.certfile}"`)}`,
        )
        .join('\n')
        .replace(/(noname[\s\S]*)accounts\.example/, '$1elsewhere.example')}
      [[host_config]]
        host = "reload.example"
        [host_config.auth]
          methods = ["http"]
          password.format = "plain"
        [host_config.outgoing_pools.http.auth]
          workers = 1
          connection.host = "http://127.0.0.1:${service.port}" # reload.example
    `,
  });
});

afterAll(async () => {
  await server?.stop();
  for (const each of [service, other, secure]) await each?.stop();
  certificates.remove();
});

afterEach(() => {
  service.override = undefined;
});

function login(domain: string, user: string, password: string, listener = 0): Promise<string> {
  return tryPlain(server.port('c2s', listener), domain, user, password);
}

describe('several methods', () => {
  it('are asked in order: the first that accepts wins', async () => {
    service.passwords.set('romeo@order.example', 'other');
    service.passwords.set('juliet@order.example', 'balcony');
    service.asked.length = 0;
    expect(await login('order.example', 'romeo', 'secret')).toBe('success');
    expect(service.asked).toEqual([]);
    expect(await login('order.example', 'romeo', 'other')).toBe('success');
    expect(await login('order.example', 'juliet', 'balcony')).toBe('success');
    expect(await login('order.example', 'juliet', 'secret')).toBe('not-authorized');
  });

  it('one that cannot answer makes "no" uncertain, but "yes" stays "yes"', async () => {
    service.override = (_asked, response) => void response.writeHead(500).end();
    expect(await login('order.example', 'romeo', 'secret')).toBe('success');
    expect(await login('order.example', 'romeo', 'wrong')).toBe('temporary-auth-failure');
    expect(await login('order.example', 'nobody', 'wrong')).toBe('temporary-auth-failure');
  });

  it('likewise for SCRAM', async () => {
    const { client } = await opened(server.port(), 'scram.example');
    service.override = (_asked, response) => void response.writeHead(500).end();
    expect((await scram(client, 'romeo')).name).toBe('success');
    client.cut();
    const second = await opened(server.port(), 'scram.example');
    const failure = await scram(second.client, 'nobody');
    expect(failure.elements()[0]!.name).toBe('temporary-auth-failure');
    second.client.cut();
  });

  it('a listener may allow some of them only', async () => {
    service.passwords.set('nurse@order.example', 'pw');
    expect(await login('order.example', 'nurse', 'pw', 0)).toBe('success');
    expect(await login('order.example', 'nurse', 'pw', 1)).toBe('not-authorized');
    expect(await login('order.example', 'romeo', 'secret', 1)).toBe('success');
    const { client, mechanisms } = await opened(server.port('c2s', 1), 'dummy.example');
    expect(mechanisms).toEqual([]);
    client.cut();
  });

  it('a registration is refused while one of them cannot say whether the name is free', async () => {
    const { client } = await opened(server.port('c2s', 1), 'order.example');
    service.override = (_asked, response) => void response.writeHead(500).end();
    const answer = await client.iq(
      'set',
      'order.example',
      "<query xmlns='jabber:iq:register'><username>fresh</username><password>a good long one</password></query>",
    );
    expect(answer.attribute('type')).toBe('error');
    client.cut();
    service.override = undefined;
    expect(await login('order.example', 'fresh', 'a good long one')).toBe('not-authorized');
  });
});

describe('anonymous users beside accounts elsewhere', () => {
  async function bound(client: TestClient): Promise<string> {
    client.send(header({ to: 'anon.example' }) + bind('r'));
    await client.expect('open');
    await client.element();
    const result = await client.element();
    return result.child('bind', 'urn:ietf:params:xml:ns:xmpp-bind')!.childText('jid')!;
  }

  it('come in under a name that is free, and not under one that is not', async () => {
    service.passwords.set('owner@anon.example', 'pw');
    expect(await login('anon.example', 'visitor', 'anything')).toBe('success');
    expect(await login('anon.example', 'owner', 'anything')).toBe('not-authorized');
    expect(await login('anon.example', 'owner', 'pw')).toBe('success');
  });

  it('do not come in while nobody can say whether the name is free', async () => {
    service.override = (_asked, response) => void response.writeHead(503).end();
    expect(await login('anon.example', 'visitor', 'anything')).toBe('temporary-auth-failure');
  });

  it('are counted when they come and when they go', async () => {
    const count = async (event: string): Promise<number> =>
      (await Scrape.of(server.port('http'))).sum(
        'meerkat_module_events_total',
        `event="auth_anonymous_${event}"`,
      );
    const before = [await count('register_user'), await count('unregister_user')];
    const { client } = await opened(server.port(), 'anon.example');
    client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
    expect((await client.element()).name).toBe('success');
    expect(await bound(client)).toMatch(/^[0-9a-f]{32}@anon\.example\/r$/);
    await client.close();
    expect([await count('register_user'), await count('unregister_user')]).toEqual(before.map((n) => n + 1));
  });
});

describe('methods without a counterpart', () => {
  it('dummy: everybody, after a while, which is not the time of the client', async () => {
    // This listener gives clients less than that for each step; this step is the server's.
    const startMs = performance.now();
    expect(await login('dummy.example', 'anybody', 'anything', 2)).toBe('success');
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(2_500);
  });

  it('a program that does not exist: temporary-auth-failure', async () => {
    expect(await login('noprogram.example', 'romeo', 'secret')).toBe('temporary-auth-failure');
    expect(server.log).toContain('ENOENT');
  });
});

describe('a web service over TLS', () => {
  it('is asked if its certificate is right, and shown ours', async () => {
    secure.passwords.set('romeo@secure.example', 'pw');
    expect(await login('secure.example', 'romeo', 'pw')).toBe('success');
    expect(await login('secure.example', 'romeo', 'wrong')).toBe('not-authorized');
  });

  it.each(['distrust.example', 'noname.example'])(
    'is not, and hears nothing, if it is not: %s',
    async (domain) => {
      secure.asked.length = 0;
      expect(await login(domain, 'romeo', 'pw')).toBe('temporary-auth-failure');
      expect(secure.asked).toEqual([]);
    },
  );
});

describe('a reload', () => {
  async function reloaded(change: (text: string) => string): Promise<void> {
    const text = readFileSync(server.configFile, 'utf8');
    expect(change(text)).not.toBe(text);
    writeFileSync(server.configFile, change(text));
    const result = await meerkat(['reload', '--config', server.configFile]);
    expect(result.status, result.stderr).toBe(0);
  }

  it('goes over to another service, keeps connections that did not change, and takes new methods', async () => {
    service.passwords.set('mercutio@reload.example', 'one');
    other.passwords.set('mercutio@reload.example', 'two');
    expect(await login('reload.example', 'mercutio', 'one')).toBe('success');
    service.passwords.set('romeo@order.example', 'other');
    expect(await login('order.example', 'romeo', 'other')).toBe('success');
    const [kept] = service.connectionsFor('order.example').slice(-1);
    expect(service.connectionsFor('reload.example')).toHaveLength(1);
    await reloaded((text) =>
      text.replace(`:${service.port}" # reload.example`, `:${other.port}" # reload.example`),
    );
    expect(await login('reload.example', 'mercutio', 'two')).toBe('success');
    expect(await login('reload.example', 'mercutio', 'one')).toBe('not-authorized');
    await eventually(() => service.connectionsFor('reload.example').length === 0, 'the old pool is closed');
    expect(service.connectionsFor('order.example')).toContain(kept);
    await reloaded((text) =>
      text.replace(
        /(host = "reload\.example"\s+\[host_config\.auth\]\s+)methods = \["http"\]/,
        '$1methods = ["internal"]',
      ),
    );
    expect(await login('reload.example', 'mercutio', 'two')).toBe('not-authorized');
    expect(await login('reload.example', 'romeo', 'secret')).toBe('success');
  });

  it('reads certificates again that were renewed in place', async () => {
    const reload = (): ReturnType<typeof meerkat> => meerkat(['reload', '--config', server.configFile]);
    const stranger = await certificates.make('Other CA');
    expect(await login('secure.example', 'romeo', 'pw')).toBe('success');
    writeFileSync(ca.certfile, stranger.cert);
    expect((await reload()).status).toBe(0);
    expect(await login('secure.example', 'romeo', 'pw')).toBe('temporary-auth-failure');
    writeFileSync(ca.certfile, ca.cert);
    expect((await reload()).status).toBe(0);
    expect(await login('secure.example', 'romeo', 'pw')).toBe('success');
  });

  it('that cannot be, changes nothing', async () => {
    const text = readFileSync(server.configFile, 'utf8');
    writeFileSync(server.configFile, text.replaceAll(ca.certfile, `${ca.certfile}.gone`));
    const result = await meerkat(['reload', '--config', server.configFile]);
    expect(result.status).not.toBe(0);
    writeFileSync(server.configFile, text);
    expect(await login('secure.example', 'romeo', 'pw')).toBe('success');
    expect(await login('dummy.example', 'anybody', 'x')).toBe('success');
  });
});
