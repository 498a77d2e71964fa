import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defaultConfigText } from '../../../src/config/default-config.ts';
import { readConfig } from '../../../src/config/read.ts';
import { STANZA_BYTES_MAX } from '../../../src/config/schema/listen.ts';
import { tomlPositions } from '../../../src/config/toml-positions.ts';
import { validateOptions } from '../../../src/config/validate.ts';
import { FIXTURES, load, loaded, moduleSchemas, problemsOf, warningsOf } from './helpers.ts';

const MINIMAL = '[general]\nhosts = ["A.example", "bücher.example"]\n';
const PLAIN = '[[listen.c2s]]\nport = 5222\nip_address = "127.0.0.1"\n';

describe('a minimal file', () => {
  const config = loaded(MINIMAL);

  it('gets the defaults', () => {
    expect(config.general).toEqual({
      loglevel: 'warning',
      hosts: ['a.example', 'bücher.example'],
      hostTypes: [],
      defaultServerDomain: 'a.example',
      language: 'en',
      registrationTimeoutMs: 600_000,
      hideServiceName: false,
      routingModules: ['global', 'localdomain', 'external_localnode', 'external', 'dynamic_domains', 's2s'],
      shards: Math.min(availableParallelism(), 64),
      maxSessions: 131_072,
      hookTimeoutMs: 5000,
      drainTimeoutMs: 10_000,
    });
    expect(config.storage).toEqual({ directory: `${FIXTURES}data`, durability: 'full', partitions: 1 });
    expect(config.admin).toEqual({ socket: `${FIXTURES}data/meerkat.sock` });
    expect(config.file).toBe(`${FIXTURES}meerkat.toml`);
  });

  it('makes each host a host type with internal accounts and the basic modules', () => {
    expect([...config.hostTypes.keys()]).toEqual(['a.example', 'bücher.example']);
    expect(config.hosts.get('bücher.example')).toBe('bücher.example');
    const hostType = config.hostTypes.get('a.example')!;
    expect(hostType.hosts).toEqual(['a.example']);
    expect([...hostType.hostedDomains]).toEqual(['a.example', 'bücher.example']);
    expect(hostType.auth.methods).toEqual(['internal']);
    expect(hostType.auth.saslMechanisms).toHaveLength(13);
    expect(hostType.auth.saslMechanisms[0]).toBe('SCRAM-SHA-512-PLUS');
    expect(hostType.auth.password).toEqual({
      format: 'scram',
      hash: ['sha', 'sha224', 'sha256', 'sha384', 'sha512'],
      scramIterations: 10_000,
    });
    expect([...hostType.modules.keys()]).toEqual([
      'mod_roster',
      'mod_presence',
      'mod_offline',
      'mod_disco',
      'mod_caps',
      'mod_adhoc',
      'mod_carboncopy',
      'mod_csi',
      'mod_ping',
      'mod_sic',
      'mod_stream_management',
      'mod_version',
      'mod_time',
      'mod_privacy',
      'mod_blocking',
      'mod_last',
      'mod_private',
      'mod_vcard',
      'mod_sasl2',
      'mod_bind2',
      'mod_fast_auth_token',
    ]);
    expect(hostType.modules.get('mod_ping')!.options).toMatchObject({ send_pings: false, ping_interval: 60 });
  });

  it('listens on 5222 with STARTTLS and a self-signed certificate', () => {
    expect(config.listen.http).toEqual([]);
    expect(config.listen.c2s).toHaveLength(1);
    expect(config.listen.c2s[0]).toMatchObject({
      kind: 'c2s',
      name: 'listen.c2s[0]',
      port: 5222,
      ipAddress: '0.0.0.0',
      backlog: 1024,
      maxConnections: Number.POSITIVE_INFINITY,
      maxConnectionsPerAddress: 256,
      connectionsPerSecondPerAddress: 30,
      maxStanzaSizeBytes: 262_144,
      shaper: { name: 'normal', maxRate: 32_768, burst: 262_144 },
      stateTimeoutMs: 5000,
      access: 'all',
      allowedAuthMethods: undefined,
      tls: { mode: 'starttls', certificate: undefined, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' },
    });
  });

  it('cannot be changed', () => {
    const unsafe = config as unknown as Record<string, never>;
    expect(() => Object.assign(unsafe, { file: 'x' })).toThrow(TypeError);
    expect(() => Object.assign(config.general.hosts, { 0: 'x' })).toThrow(TypeError);
    expect(() => (config.hostTypes as Map<string, unknown>).set('x', 1)).toThrow('read-only');
    expect(() => (config.hostTypes as Map<string, unknown>).delete('a.example')).toThrow('read-only');
    expect(() => (config.hostTypes.get('a.example')!.hostedDomains as Set<string>).add('x')).toThrow(
      'read-only',
    );
    expect(Object.isFrozen(config.hostTypes.get('a.example')!.modules.get('mod_ping')!.options)).toBe(true);
  });

  it('crosses to another thread whole', () => {
    expect(structuredClone(config)).toEqual(config);
  });
});

describe('options', () => {
  it('take numbers up to their limits, and "infinity"', () => {
    const config = loaded(
      `[general]\nhosts = ["a.example"]\nshards = 31\nregistration_timeout = "infinity"\n[[listen.c2s]]\nport = 65535\nmax_connections = 1\nmax_connections_per_address = "infinity"\nconnections_per_second_per_address = "infinity"\nmax_stanza_size = "infinity"\nshaper = "none"\nstate_timeout = "infinity"\ntls = {}`,
    );
    expect(config.general.shards).toBe(31);
    expect(config.general.registrationTimeoutMs).toBe(Number.POSITIVE_INFINITY);
    expect(config.listen.c2s[0]).toMatchObject({
      port: 65_535,
      maxConnections: 1,
      maxConnectionsPerAddress: Number.POSITIVE_INFINITY,
      connectionsPerSecondPerAddress: Number.POSITIVE_INFINITY,
      maxStanzaSizeBytes: STANZA_BYTES_MAX,
      shaper: undefined,
      stateTimeoutMs: Number.POSITIVE_INFINITY,
    });
  });

  it('take the port 0 more than once', () => {
    const config = loaded(
      `${MINIMAL}[[listen.c2s]]\nport = 0\n[[listen.http]]\nport = 0\n[[listen.http]]\nport = 0`,
    );
    expect(config.listen.http.map(({ port }) => port)).toEqual([0, 0]);
  });

  it('take one port on two addresses', () => {
    const two = `${PLAIN}[[listen.c2s]]\nport = 5222\nip_address = "::1"\n`;
    expect(loaded(MINIMAL + two).listen.c2s.map(({ ipAddress }) => ipAddress)).toEqual(['127.0.0.1', '::1']);
  });

  it('choose the address by the version of IP', () => {
    const ip = (text: string) =>
      loaded(`${MINIMAL}[[listen.c2s]]\nport = 1\ntls = {}\n${text}`).listen.c2s[0]!.ipAddress;
    expect(ip('')).toBe('0.0.0.0');
    expect(ip('ip_version = 6')).toBe('::');
    expect(ip('ip_version = 6\nip_address = "10.0.0.1"')).toBe('10.0.0.1');
  });

  it('serve metrics unless handlers say otherwise', () => {
    const handlers = (text: string) =>
      loaded(`${MINIMAL}[[listen.http]]\nport = 1\n${text}`).listen.http[0]!.handlers;
    expect(handlers('')).toEqual([{ kind: 'metrics', host: undefined, path: '/metrics' }]);
    expect(handlers('handlers = {}')).toEqual([]);
    expect(
      handlers('[[listen.http.handlers.mongoose_prometheus_handler]]\nhost = "localhost"\npath = "/m"'),
    ).toEqual([{ kind: 'metrics', host: 'localhost', path: '/m' }]);
  });

  it('replace the built-in shapers by name', () => {
    const config = loaded(
      `${MINIMAL}[shaper.normal]\nmax_rate = 10\n[shaper.slow]\nmax_rate = 1\nburst = 5\n`,
    );
    expect([...config.shapers.values()]).toEqual([
      { name: 'normal', maxRate: 10, burst: 10 },
      { name: 'fast', maxRate: 1_048_576, burst: 1_048_576 },
      { name: 'slow', maxRate: 1, burst: 5 },
    ]);
    expect(config.listen.c2s[0]!.shaper).toEqual({ name: 'normal', maxRate: 10, burst: 10 });
  });

  it('take long and short names of routing modules', () => {
    const modules = '["ejabberd_s2s", "global", "mongoose_router_localdomain"]';
    const config = loaded(`[general]\nhosts = ["a.example"]\nrouting_modules = ${modules}`);
    expect(config.general.routingModules).toEqual(['s2s', 'global', 'localdomain']);
  });

  it('take certificates for single domains', () => {
    const { tls } = loaded(
      `${MINIMAL}[[listen.c2s]]\nport = 1\n[listen.c2s.tls]\nmode = "tls"\nversions = ["tlsv1.3"]\ncertfile = "priv/cert.pem"\nkeyfile = "priv/key.pem"\npassword_file = "priv/key.pem"\n[[listen.c2s.tls.certificate]]\ndomain = "*.B.example"\ncertfile = "priv/cert.pem"\nkeyfile = "/etc/key.pem"\npassword = "x"`,
    ).listen.c2s[0]!;
    expect(tls).toEqual({
      mode: 'tls',
      verifyMode: 'none',
      disconnectOnFailure: true,
      certificate: {
        certfile: `${FIXTURES}priv/cert.pem`,
        keyfile: `${FIXTURES}priv/key.pem`,
        password: 'not a real key',
      },
      certificates: new Map([
        ['*.b.example', { certfile: `${FIXTURES}priv/cert.pem`, keyfile: '/etc/key.pem', password: 'x' }],
      ]),
      cacertfile: undefined,
      crlFiles: [],
      ciphers: undefined,
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
    });
  });

  it('name methods and mechanisms in the order given', () => {
    const { auth } = loaded(
      `${MINIMAL}[auth]\nmethods = ["internal", "anonymous"]\nsasl_mechanisms = ["plain", "scram_sha1_plus", "anonymous"]\n[auth.anonymous]\nallow_multiple_connections = true`,
    ).hostTypes.get('a.example')!;
    expect(auth.methods).toEqual(['internal', 'anonymous']);
    expect(auth.saslMechanisms).toEqual(['PLAIN', 'SCRAM-SHA-1-PLUS', 'ANONYMOUS']);
    expect(auth.anonymous).toEqual({ protocol: 'sasl_anon', allowMultipleConnections: true });
  });

  it('find methods by their sections, in alphabetical order', () => {
    const methods = (text: string) => loaded(MINIMAL + text).hostTypes.get('a.example')!.auth.methods;
    expect(methods('[auth]')).toEqual(['internal']);
    expect(methods('[auth.anonymous]')).toEqual(['anonymous']);
    expect(methods('[auth.internal]\n[auth.anonymous]')).toEqual(['anonymous', 'internal']);
  });
});

describe('modules', () => {
  it('are only those of the section, when there is one', () => {
    const modules = (text: string) => [
      ...loaded(MINIMAL + text)
        .hostTypes.get('a.example')!
        .modules.keys(),
    ];
    expect(modules('[modules]')).toEqual([]);
    expect(modules('[modules.mod_time]')).toEqual(['mod_time']);
  });

  it('of the operator keep their options as they are', () => {
    const { modules } = loaded(
      `${MINIMAL}[modules.mod_mine]\npath = "./priv/cert.pem"\ngreeting = "Hi"\niqdisc = 1\n[modules.mod_theirs]\npath = "@them/mod"`,
    ).hostTypes.get('a.example')!;
    expect(modules.get('mod_mine')).toEqual({
      name: 'mod_mine',
      path: `${FIXTURES}priv/cert.pem`,
      options: { greeting: 'Hi', iqdisc: 1 },
    });
    expect(modules.get('mod_theirs')).toEqual({ name: 'mod_theirs', path: '@them/mod', options: {} });
  });

  it('of the operator may stand in for a built-in one', () => {
    const { modules } = loaded(`${MINIMAL}[modules.mod_ping]\npath = "my-ping"\nx = 1`).hostTypes.get(
      'a.example',
    )!;
    expect(modules.get('mod_ping')).toEqual({ name: 'mod_ping', path: 'my-ping', options: { x: 1 } });
  });
});

describe('validateOptions', () => {
  const schema = z.object({ greeting: z.string(), times: z.int().min(1).default(1) });
  const text = '[modules.mod_mine]\npath = "mine"\ngreting = "Hi"\ntimes = 0\n';

  it('fills in the defaults', () => {
    const raw = { greeting: 'Hi' };
    expect(validateOptions(schema, raw, ['modules', 'mod_mine'], tomlPositions(text))).toEqual({
      ok: true,
      options: { greeting: 'Hi', times: 1 },
    });
    expect(raw).toEqual({ greeting: 'Hi' });
  });

  it('reports problems like those of built-in modules', () => {
    const raw = { greting: 'Hi', times: 0 };
    const result = validateOptions(schema, raw, ['modules', 'mod_mine'], tomlPositions(text));
    expect(result).toMatchObject({
      ok: false,
      problems: [
        { path: 'modules.mod_mine.greeting', line: 1, column: 10, message: 'missing, expected string' },
        { path: 'modules.mod_mine.greting', line: 3, column: 1, suggestion: 'greeting' },
        { path: 'modules.mod_mine.times', line: 4, column: 1, expected: 'integer ≥ 1', value: 0 },
      ],
    });
    expect(raw).toEqual({ greting: 'Hi', times: 0 });
  });

  it('keeps to the words of the module where it has a check of its own', () => {
    const even = z.object({ n: z.int().refine((n) => n % 2 === 0, { error: 'not even' }) });
    const result = validateOptions(even, { n: 3 }, ['modules', 'x'], new Map());
    expect(result).toMatchObject({ problems: [{ path: 'modules.x.n', message: 'not even, got 3' }] });
  });

  it('reports unknown keys of strict schemas once, and lets loose ones be', () => {
    const strict = validateOptions(z.strictObject({ a: z.int().optional() }), { b: 1 }, ['m'], new Map());
    expect(strict).toMatchObject({ ok: false, problems: [{ path: 'm.b', message: 'unknown key' }] });
    expect(validateOptions(z.looseObject({}), { b: 1 }, ['m'], new Map())).toEqual({
      ok: true,
      options: { b: 1 },
    });
  });
});

describe('what overrides the file', () => {
  it('is the option for the data directory, then the variable', () => {
    const text = `${MINIMAL}[storage]\ndirectory = "/srv/im"\n`;
    expect(loaded(text).storage.directory).toBe('/srv/im');
    expect(loaded(text, { env: { MEERKAT_DATA: '/tmp/env' } }).storage.directory).toBe('/tmp/env');
    const both = { env: { MEERKAT_DATA: '/tmp/env' }, dataDirectory: 'given' };
    expect(loaded(text, both).storage.directory).toBe(join(process.cwd(), 'given'));
    expect(loaded(text, both).admin.socket).toBe(join(process.cwd(), 'given', 'meerkat.sock'));
  });

  it('are variables for the log level and the socket; empty ones count as unset', () => {
    const env = { MEERKAT_LOGLEVEL: 'debug', MEERKAT_ADMIN_SOCKET: '/run/meerkat.sock' };
    const config = loaded(MINIMAL, { env });
    expect(config.general.loglevel).toBe('debug');
    expect(config.admin.socket).toBe('/run/meerkat.sock');
    expect(loaded(MINIMAL, { env: { MEERKAT_LOGLEVEL: '', MEERKAT_DATA: '' } }).general.loglevel).toBe(
      'warning',
    );
    expect(problemsOf(MINIMAL, { env: { MEERKAT_LOGLEVEL: 'warn' } })).toEqual([
      '1:2 general.loglevel: MEERKAT_LOGLEVEL is none of none, emergency, alert, critical, error, warning, notice, info, debug, all, got "warn"; did you mean "warning"?',
    ]);
  });
});

describe('warnings', () => {
  it.each([
    [
      'a plain listener that others can reach',
      '[[listen.c2s]]\nport = 1',
      ['3:10 listen.c2s[0]: has no tls section, so passwords and messages cross the network in clear'],
    ],
    ['a plain listener on IPv4 loopback', '[[listen.c2s]]\nport = 1\nip_address = "127.8.9.1"', []],
    ['a plain listener on IPv6 loopback', '[[listen.c2s]]\nport = 1\nip_address = "::1"', []],
    ['a listener that a peer needs TLS for', '[[listen.c2s]]\nport = 1\ntls = {}', []],
    [
      'a stanza size below what RFC 6120 wants',
      `${PLAIN}max_stanza_size = 9999`,
      ['6:1 listen.c2s[0].max_stanza_size: less than the 10000 bytes that RFC 6120 wants servers to take'],
    ],
    [
      'few iterations',
      '[auth]\npassword.scram_iterations = 4095',
      ['4:10 auth.password.scram_iterations: fewer than the 4096 rounds that RFC 5802 asks for'],
    ],
    [
      'plain passwords',
      '[auth]\npassword.format = "plain"',
      ['4:10 auth.password.format: passwords of the method "internal" are kept as SCRAM keys all the same'],
    ],
    [
      'old versions of TLS',
      '[[listen.c2s]]\nport = 1\ntls.versions = ["tlsv1", "tlsv1.2"]',
      ['5:17 listen.c2s[0].tls.versions[0]: "tlsv1" is unsafe, never offered'],
    ],
    [
      'a clause for a list that does not exist',
      '[acl]\nbots = []\n[access]\nc2s = [{acl = "bot", value = "deny"}]',
      [
        '6:9 access.c2s[0].acl: no [acl] list has the name "bot", so this clause never matches; did you mean "bots"?',
      ],
    ],
    [
      'methods of which none is built',
      '[auth]\nmethods = ["rdbms"]',
      [
        '4:1 auth.methods: none of these methods is built yet, accounts are in "internal"',
        '4:12 auth.methods[0]: "rdbms" is not built yet, ignored',
      ],
    ],
    [
      'a missing certificate',
      '[[listen.c2s]]\nport = 1\ntls = {certfile = "no.pem", keyfile = "priv/key.pem"}',
      [
        `5:8 listen.c2s[0].tls.certfile: cannot read ${FIXTURES}no.pem: it does not exist; the server will not start without it`,
      ],
    ],
  ])('%s', (_name, text, expected) => {
    expect(warningsOf(MINIMAL + text)).toEqual(expected);
    expect(problemsOf(MINIMAL + text)).toEqual([]);
  });
});

describe('the built-in defaults', () => {
  it('serve localhost on loopback with STARTTLS, without a warning', () => {
    const result = load(defaultConfigText(), { file: undefined });
    expect(result.warnings).toEqual([]);
    expect(result.ok && result.config).toMatchObject({
      file: undefined,
      general: { hosts: ['localhost'], loglevel: 'info' },
      storage: { directory: join(process.cwd(), 'data') },
      listen: {
        c2s: [{ port: 5222, ipAddress: '127.0.0.1', tls: { mode: 'starttls', certificate: undefined } }],
      },
    });
  });
});

describe('readConfig', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'meerkat-config-'));
    writeFileSync(join(directory, 'm.toml'), MINIMAL);
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const read = (file: string | undefined, env = {}) => readConfig({ file, env, moduleSchemas });

  it('takes the file named, then the variable, then the defaults', () => {
    const file = join(directory, 'm.toml');
    expect(read(file)).toMatchObject({
      ok: true,
      config: { file, storage: { directory: join(directory, 'data') } },
    });
    expect(read(undefined, { MEERKAT_CONFIG: file })).toMatchObject({ ok: true, config: { file } });
    expect(read(undefined)).toMatchObject({ ok: true, config: { file: undefined } });
  });

  it('says that the file cannot be read', () => {
    expect(read(join(directory, 'nowhere.toml'))).toMatchObject({
      ok: false,
      problems: [{ path: '', message: expect.stringContaining('cannot read the configuration: ENOENT') }],
    });
  });
});
