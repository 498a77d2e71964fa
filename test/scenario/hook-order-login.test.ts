import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bind2, NS_SASL2, plain2, secureStream, tlsConfig } from '../helpers/sasl2.ts';
import { TestServer } from '../helpers/server.ts';
import { Spy } from '../helpers/spy.ts';

/** The order of hooks while a client logs in by SASL2 and binds in the same breath. */

const spy = new Spy();
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo'],
    config: tlsConfig(
      `[modules.mod_presence]\n[modules.mod_sasl2]\n[modules.mod_bind2]\n[modules.mod_fast_auth_token]\n${spy.toml()}`,
    ),
  });
});

afterAll(() => server.stop());

const LOGIN = new Set([
  'c2s_stream_features',
  'sasl2_stream_features',
  'bind2_stream_features',
  'user_send_xmlel',
  'auth_failed',
  'sasl2_start',
  'sasl2_success',
  'user_open_session',
  'session_opening_allowed_for_user',
  'bind2_enable_features',
  'sm_register_connection',
]);

function seen(): string[] {
  return spy
    .lines()
    .map(({ hook }) => hook)
    .filter((hook) => LOGIN.has(hook));
}

describe('a login by SASL2', () => {
  it('runs its hooks in their order, and those of a session before the success', async () => {
    spy.forget();
    const { client } = await secureStream(server);
    client.send(plain2('romeo', bind2()));
    for (let i = 0; i < 2; i++) await client.element();
    expect(seen()).toEqual([
      'c2s_stream_features',
      'sasl2_stream_features',
      'bind2_stream_features',
      'user_send_xmlel',
      'sasl2_start',
      'sasl2_success',
      'user_open_session',
      'session_opening_allowed_for_user',
      'bind2_enable_features',
      'sm_register_connection',
      'c2s_stream_features',
    ]);
    client.cut();
  });

  it('that fails runs nothing that follows a success', async () => {
    spy.forget();
    const { client } = await secureStream(server);
    client.send(plain2('romeo', bind2(), 'wrong'));
    expect((await client.element()).ns).toBe(NS_SASL2);
    expect(seen().slice(3)).toEqual(['user_send_xmlel', 'sasl2_start', 'auth_failed']);
    client.cut();
  });
});
