import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newToken, requestToken, tokenLogin, tokenOf } from '../helpers/fast.ts';
import { eventually } from '../helpers/process.ts';
import { agent, bind2, condition2, login2, plain2, secureStream, tlsConfig } from '../helpers/sasl2.ts';
import { TestServer } from '../helpers/server.ts';

/** Logins by SASL2 and with tokens while threads of the server die. */

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet'],
    isFaulty: true,
    config: tlsConfig(
      '[modules.mod_presence]\n[modules.mod_sasl2]\n[modules.mod_bind2]\n[modules.mod_fast_auth_token]',
    ),
  });
});

afterAll(() => server.stop());

async function fate(token: string): Promise<string> {
  const { client, answer } = await tokenLogin(server, 'romeo', token);
  client.cut();
  return answer.name === 'success' ? 'success' : condition2(answer);
}

describe('when the store dies', () => {
  it('a login with a token fails for now, and the token is still good afterwards', async () => {
    const token = await newToken(server, 'romeo');
    await server.strike('store', 'stall-and-exit', 700);
    expect(await fate(token)).toBe('temporary-auth-failure');
    await eventually(async () => (await fate(token)) === 'success', 'the token is good');
  });

  it('a login that asks for a token meanwhile fails or succeeds whole: with a session there is an answer', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', agent() + requestToken() + bind2()));
    await server.strike('store', 'stall-and-exit', 200);
    const answer = await client.element();
    if (answer.name === 'failure') expect(condition2(answer)).toBe('temporary-auth-failure');
    else {
      expect(answer.childText('authorization-identifier')).toContain('/');
      await client.element();
      await client.nothingElse();
    }
    client.cut();
    await eventually(async () => {
      const again = await secureStream(server);
      again.client.send(plain2('romeo', agent() + requestToken()));
      const token = tokenOf(await again.client.element());
      again.client.cut();
      return token !== undefined && (await fate(token)) === 'success';
    }, 'tokens are issued again');
  });
});

describe('when the process dies', () => {
  it('a token that a client was given is good', async () => {
    const { client, success } = await login2(server, 'romeo', { inside: agent() + requestToken() });
    await server.kill();
    client.cut();
    await server.launch();
    expect(await fate(tokenOf(success)!)).toBe('success');
  });
});
