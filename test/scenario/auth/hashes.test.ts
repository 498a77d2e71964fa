import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerTo, opened } from '../../helpers/login.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { base64, Scram } from '../../helpers/scram.ts';
import { TestServer } from '../../helpers/server.ts';
import { auth, NS_SASL, plain } from '../../helpers/xml.ts';

/** `auth.password.hash`: which keys are kept of a password, and what can be done with them. */

const FEW = 'few.example';
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    config: `
      [general]
        hosts = ["${FEW}"]
        shards = 2
      [[listen.c2s]]
        port = 0
        ip_address = "127.0.0.1"
        shaper = "none"
        connections_per_second_per_address = "infinity"
      [storage]
        directory = "./data"
      [auth.internal]
      [auth]
        password.hash = ["sha256", "sha384"]
      [modules.mod_presence]`,
  });
  const added = await meerkat(['user', 'add', `romeo@${FEW}`, 'secret', '--config', server.configFile]);
  expect(added.status).toBe(0);
});

afterAll(() => server.stop());

async function scram(mechanism: string): Promise<string> {
  const { client } = await opened(server.port(), FEW);
  const exchange = new Scram('romeo', 'secret', { mechanism });
  client.send(auth(mechanism, base64(exchange.first)));
  const challenge = await client.element();
  if (challenge.name === 'failure') return challenge.elements()[0]!.name;
  const final = exchange.final(Buffer.from(challenge.text(), 'base64').toString());
  const answer = await answerTo(client, `<response xmlns='${NS_SASL}'>${base64(final)}</response>`);
  client.cut();
  return answer;
}

async function byPlain(): Promise<string> {
  const { client } = await opened(server.port(), FEW);
  const answer = await answerTo(client, plain('romeo'));
  client.cut();
  return answer;
}

describe('hashes that are configured', () => {
  it('are offered and serve, others do not; PLAIN serves with any', async () => {
    const { client, mechanisms } = await opened(server.port(), FEW);
    client.cut();
    expect(mechanisms).toEqual(['SCRAM-SHA-384', 'SCRAM-SHA-256', 'PLAIN']);
    expect(await scram('SCRAM-SHA-256')).toBe('success');
    expect(await scram('SCRAM-SHA-384')).toBe('success');
    expect(await scram('SCRAM-SHA-1')).toBe('invalid-mechanism');
    expect(await byPlain()).toBe('success');
  });

  it('are the only ones kept: with others configured later the account fails by them until its password is set anew', async () => {
    const text = readFileSync(server.configFile, 'utf8');
    writeFileSync(server.configFile, text.replace('["sha256", "sha384"]', '["sha", "sha256"]'));
    expect((await meerkat(['reload', '--config', server.configFile])).status).toBe(0);
    expect(await scram('SCRAM-SHA-256')).toBe('success');
    expect(await scram('SCRAM-SHA-1')).toBe('not-authorized');
    expect(await byPlain()).toBe('success');
    const changed = await meerkat([
      'user',
      'passwd',
      `romeo@${FEW}`,
      'secret',
      '--config',
      server.configFile,
    ]);
    expect(changed.status).toBe(0);
    expect(await scram('SCRAM-SHA-1')).toBe('success');
    expect(await scram('SCRAM-SHA-384')).toBe('invalid-mechanism');
  });
});
