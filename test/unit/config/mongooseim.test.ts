import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FIXTURES, load, loaded, warningsOf } from './helpers.ts';

const TEXT = readFileSync(`${FIXTURES}mongooseim.toml`, 'utf8');

describe('a file of MongooseIM', () => {
  it('loads', () => {
    expect(load(TEXT)).toMatchObject({ ok: true });
  });

  it('names in warnings, with their places, what Meerkat does not have', () => {
    const warnings = warningsOf(TEXT);
    expect(warnings.map((warning) => warning.slice(warning.indexOf(' ') + 1))).toEqual([
      'general.sm_backend: has no effect in Meerkat, ignored',
      'general.s2s_backend: has no effect in Meerkat, ignored',
      'general.component_backend: has no effect in Meerkat, ignored',
      'general.http_server_name: not built yet, ignored',
      'listen.http[0].transport.num_acceptors: has no effect in Meerkat, ignored',
      'listen.http[0].transport.max_connections: ignored, use max_connections of the listener',
      'listen.http[0].handlers.mongoose_bosh_handler: not built yet, ignored',
      'listen.http[0].handlers.mongoose_websocket_handler: not built yet, ignored',
      'listen.http[1].transport.num_acceptors: has no effect in Meerkat, ignored',
      'listen.http[1].protocol: not built yet, ignored',
      'listen.http[1].handlers.mongoose_websocket_handler: not built yet, ignored',
      'listen.http[2].proto: has no effect in Meerkat, ignored',
      'listen.http[2].handlers.mongoose_graphql_handler: not built yet, ignored',
      'listen.c2s[0].proto: has no effect in Meerkat, ignored',
      'listen.c2s[0].num_acceptors: has no effect in Meerkat, ignored',
      'listen.c2s[0].reuse_port: has no effect in Meerkat, ignored',
      'listen.c2s[0].hibernate_after: has no effect in Meerkat, ignored',
      'listen.c2s[0].backwards_compatible_session: has no effect in Meerkat, ignored',
      'listen.c2s[0].proxy_protocol: not built yet, ignored',
      'listen.c2s[0].tls.dhfile: not built yet, ignored',
      'listen.c2s[0].tls.versions[0]: "tlsv1.1" is unsafe, never offered',
      'listen.c2s[1].allowed_auth_methods[0]: "rdbms" is not built yet, ignored',
      'listen.c2s[1].tls.early_data: not built yet, ignored',
      'listen.c2s[1].tls.session_tickets: not built yet, ignored',
      'listen.s2s: not built yet, ignored',
      'listen.component: not built yet, ignored',
      'auth.methods[0]: "rdbms" is not built yet, ignored',
      'auth.rdbms: not built yet, ignored',
      'internal_databases: not built yet, ignored',
      'outgoing_pools.rdbms: not built yet, ignored',
      'outgoing_pools.redis: not built yet, ignored',
      'services: not built yet, ignored',
      'modules.mod_disco.iqdisc: has no effect in Meerkat, ignored',
      'modules.mod_mam.muc: not built yet, ignored',
      'modules.mod_muc: not built yet, ignored',
      'modules.mod_offline.backend: has no effect in Meerkat, ignored',
      'modules.mod_ping.iqdisc: has no effect in Meerkat, ignored',
      'instrumentation: not built yet, ignored',
      'access.c2s[0].acl: no [acl] list has the name "blocked", so this clause never matches',
      's2s: not built yet, ignored',
      'host_config[0].s2s: not built yet, ignored',
    ]);
    expect(warnings[0]).toMatch(/^11:3 general\.sm_backend:/);
  });

  it('keeps all the rest', () => {
    const config = loaded(TEXT);
    expect(config.listen.c2s).toMatchObject([
      { port: 5222, access: 'c2s', shaper: { maxRate: 16_384, burst: 16_384 }, maxStanzaSizeBytes: 65_536 },
      { port: 5223, ipAddress: '::', allowedAuthMethods: ['internal'], tls: { mode: 'tls' } },
    ]);
    expect(config.listen.http.map(({ port, handlers }) => [port, handlers.length])).toEqual([
      [5280, 0],
      [5285, 0],
      [5551, 0],
      [9091, 1],
    ]);
    expect(config.hostTypes.get('im.example.org')!.modules.get('mod_ping')!.options).toMatchObject({
      timeout_action: 'kill',
    });
    expect(config.hostTypes.get('anonymous.example.org')!.auth.methods).toEqual(['anonymous']);
    expect(config.hostTypes.get('tenants')).toMatchObject({ hosts: [], replacedWaitTimeoutMs: 5000 });
  });

  it('keeps an option that the operator’s own module has under such a name', () => {
    const { modules } = loaded(
      '[general]\nhosts = ["a.example"]\n[modules.mod_mam]\npath = "my-mam"\nbackend = "x"\n',
    ).hostTypes.get('a.example')!;
    expect(modules.get('mod_mam')).toMatchObject({ path: 'my-mam', options: { backend: 'x' } });
  });
});
