import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAdmin } from '../helpers/admin.ts';
import { TestClient } from '../helpers/client.ts';
import { Scrape } from '../helpers/http.ts';
import { answerTo, opened, tryPlain } from '../helpers/login.ts';
import { plain2, secureStream } from '../helpers/sasl2.ts';
import { scram } from '../helpers/scram.ts';
import { TestServer } from '../helpers/server.ts';
import { auth } from '../helpers/xml.ts';
import { LAB } from './modules/support.ts';

/** What is counted of logins, and of what authentication methods are asked. */

const EXCHANGES = 'meerkat_sasl_exchanges_total';
const EXCHANGE_SECONDS = 'meerkat_sasl_exchange_seconds_total';
const QUESTIONS = 'meerkat_auth_questions_total';
const QUESTION_SECONDS = 'meerkat_auth_question_seconds_total';
const BROKEN = 'broken.example';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet'],
    hosts: ['localhost', BROKEN],
    moreC2s: ['tls.mode = "tls"'],
    toml: `[[listen.http]]
  port = 0
  ip_address = "127.0.0.1"
  max_connections_per_address = "infinity"
  connections_per_second_per_address = "infinity"
[outgoing_pools.http.auth]
  [outgoing_pools.http.auth.connection]
    host = "http://127.0.0.1:${await closedPort()}"
[auth]
  methods = ["internal", "anonymous"]
  [auth.internal]
  [auth.anonymous]
[modules.mod_presence]
[modules.mod_sasl2]
${LAB}
[[host_config]]
  host = "${BROKEN}"
  [host_config.auth]
    methods = ["http"]
    [host_config.auth.http]`,
  });
});

afterAll(() => server.stop());

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as { port: number };
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

function scrape(): Promise<Scrape> {
  return Scrape.of(server.port('http'));
}

/** What `work` adds to metrics with these labels. */
async function added(
  work: () => Promise<unknown>,
): Promise<(name: string, ...labels: readonly string[]) => number> {
  const before = await scrape();
  await work();
  const after = await scrape();
  return (name, ...labels) => after.sum(name, ...labels) - before.sum(name, ...labels);
}

function tried(mechanism: string, result: string): [name: string, ...labels: string[]] {
  return [EXCHANGES, `mechanism="${mechanism}"`, `result="${result}"`];
}

function asked(question: string, answer: string, method = 'internal'): [name: string, ...labels: string[]] {
  return [QUESTIONS, `method="${method}"`, `question="${question}"`, `answer="${answer}"`];
}

const login = (user: string, password: string, domain = 'localhost') =>
  tryPlain(server.port(), domain, user, password);

describe('metrics of authentication', () => {
  it('count logins by mechanism and result, and the time that they took', async () => {
    const more = await added(async () => {
      expect(await login('romeo', 'secret')).toBe('success');
      expect(await login('romeo', 'wrong')).toBe('not-authorized');
      expect(await login('nobody', 'wrong')).toBe('not-authorized');
      const { client } = await opened(server.port(), 'localhost');
      expect((await scram(client, 'juliet', 'secret', { mechanism: 'SCRAM-SHA-256' })).name).toBe('success');
      client.cut();
    });
    expect(more(...tried('PLAIN', 'success'))).toBe(1);
    expect(more(...tried('PLAIN', 'failure'))).toBe(2);
    expect(more(...tried('SCRAM-SHA-256', 'success'))).toBe(1);
    expect(more(EXCHANGES)).toBe(4);
    expect(more(EXCHANGE_SECONDS, 'mechanism="PLAIN"', 'result="failure"')).toBeGreaterThan(0);
    expect(more(EXCHANGE_SECONDS, 'mechanism="SCRAM-SHA-256"')).toBeGreaterThan(0);
    expect(more('meerkat_logins_total', 'result="failure"')).toBe(2);
  });

  it('count an anonymous login, and one by SASL2', async () => {
    const more = await added(async () => {
      const { client } = await opened(server.port(), 'localhost');
      expect(await answerTo(client, auth('ANONYMOUS', '='))).toBe('success');
      client.cut();
      const { client: other } = await secureStream(server, { index: 1 });
      other.send(plain2('romeo', '', 'wrong'));
      expect((await other.element()).name).toBe('failure');
      other.cut();
    });
    expect(more(...tried('ANONYMOUS', 'success'))).toBe(1);
    expect(more(...tried('PLAIN', 'failure'))).toBe(1);
  });

  it('have no label that a client has written', async () => {
    const more = await added(async () => {
      const { client } = await opened(server.port(), 'localhost');
      for (const mechanism of ['X-MINE', '__proto__', '"}\n'])
        expect(await answerTo(client, auth(escaped(mechanism), '='))).toBe('invalid-mechanism');
      client.cut();
    });
    expect(more(...tried('unknown', 'failure'))).toBe(3);
    expect(more(EXCHANGES)).toBe(3);
  });

  it('count what methods are asked, by answer, and the time of the answers', async () => {
    const more = await added(async () => {
      await login('romeo', 'secret');
      await login('romeo', 'wrong');
      const { client } = await opened(server.port(), 'localhost');
      await scram(client, 'juliet');
      client.cut();
    });
    expect(more(...asked('check_password', 'yes'))).toBe(1);
    expect(more(...asked('check_password', 'no'))).toBe(1);
    expect(more(...asked('scram_keys', 'yes'))).toBe(1);
    expect(more(QUESTION_SECONDS, 'question="check_password"', 'answer="yes"')).toBeGreaterThan(0);
    expect(more(QUESTION_SECONDS, 'question="scram_keys"')).toBeGreaterThan(0);
  });

  it('count accounts that come, change and go', async () => {
    const jid = 'paris@localhost';
    const more = await added(async () => {
      await askAdmin(server, 'user_add', { jid, password: 'secret' });
      await askAdmin(server, 'user_passwd', { jid, password: 'other' });
      await askAdmin(server, 'user_delete', { jid });
      await askAdmin(server, 'user_delete', { jid });
    });
    expect(more(...asked('does_user_exist', 'no'))).toBeGreaterThan(0);
    expect(more(...asked('does_user_exist', 'yes'))).toBeGreaterThan(0);
    expect(more(...asked('try_register', 'yes'))).toBe(1);
    expect(more(...asked('set_password', 'yes'))).toBe(1);
    expect(more(...asked('remove_user', 'yes'))).toBe(1);
    expect(more(...asked('remove_user', 'no'))).toBe(1);
  });

  it('count methods that cannot answer', async () => {
    const more = await added(async () => {
      expect(await login('romeo', 'secret', BROKEN)).toBe('temporary-auth-failure');
    });
    expect(more(...tried('PLAIN', 'failure'))).toBe(1);
    expect(more(QUESTIONS, 'method="http"', 'answer="failed"')).toBe(1);
    expect(more(QUESTIONS, 'method="http"')).toBe(1);
  });

  it('never fall, also when a shard is replaced', async () => {
    const before = await scrape();
    const client = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    client.send("<iq type='set' id='crash' to='localhost'><crash xmlns='urn:test:lab'/></iq>");
    while ((await client.next()).kind !== 'disconnected');
    await login('romeo', 'secret');
    const after = await scrape();
    for (const labels of [['mechanism="PLAIN"', 'result="success"'], []]) {
      expect(after.sum(EXCHANGES, ...labels)).toBeGreaterThan(before.sum(EXCHANGES, ...labels));
    }
  });
});

function escaped(text: string): string {
  return text.replaceAll('"', '&quot;').replaceAll('\n', '&#10;');
}
