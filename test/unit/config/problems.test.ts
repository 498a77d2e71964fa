import { describe, expect, it } from 'vitest';
import { formatProblem, formatProblems, showValue } from '../../../src/config/problem.ts';
import { FIXTURES, load, problemsOf } from './helpers.ts';

const HOSTS = '[general]\nhosts = ["a.example"]\n';

/** Name, text (after two lines that name a host), and what is wrong with it: `line:column path: message`. */
const cases: readonly (readonly [name: string, text: string, problems: readonly string[]])[] = [
  ['a misspelt section', '[generall]\nx = 1', ['3:2 generall: unknown key; did you mean "general"?']],
  ['a misspelt key', 'languag = "de"', ['3:1 general.languag: unknown key; did you mean "language"?']],
  ['a key that resembles none', 'zzz = 1', ['3:1 general.zzz: unknown key']],
  [
    'a misspelt listener',
    '[[listen.c2c]]\nport = 5222',
    ['3:10 listen.c2c: unknown key; did you mean "c2s"?'],
  ],
  [
    'a misspelt key of a listener, and a missing one',
    '[[listen.c2s]]\n  prot = 5222',
    [
      '3:10 listen.c2s[0].port: missing, expected integer from 0 to 65535',
      '4:3 listen.c2s[0].prot: unknown key; did you mean "port"?',
    ],
  ],
  [
    'a misspelt key of an inline table',
    '[[listen.c2s]]\nport = 1\ntls = {mod = "tls"}',
    ['5:8 listen.c2s[0].tls.mod: unknown key; did you mean "mode"?'],
  ],
  [
    'a wrong type',
    '[[listen.c2s]]\nport = "5222"\nip_address = 1',
    [
      '4:1 listen.c2s[0].port: expected integer from 0 to 65535, got "5222"',
      '5:1 listen.c2s[0].ip_address: expected string, got 1',
    ],
  ],
  [
    'a table where a list should be',
    '[listen.c2s]\nport = 5222',
    ['3:9 listen.c2s: expected list of tables, got {"port":5222}'],
  ],
  ['a list where a table should be', '[[storage]]', ['3:3 storage: expected table, got [{}]']],
  ['a scalar where a table should be', '[shaper]\nfast = 3', ['4:1 shaper.fast: expected table, got 3']],
  [
    'a string where a list should be',
    'host_types = "x"',
    ['3:1 general.host_types: expected list of strings, got "x"'],
  ],
  [
    'an empty list where one element is needed',
    'routing_modules = []',
    [
      '3:1 general.routing_modules: expected list of "global", "localdomain", "external_localnode", "external", "dynamic_domains" or "s2s", with at least one element',
    ],
  ],
  ['a date', 'language = 2026-01-01', ['3:1 general.language: expected non-empty string, got 2026-01-01']],
  [
    'a misspelt value',
    'loglevel = "waring"',
    [
      '3:1 general.loglevel: expected "none", "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug" or "all", got "waring"; did you mean "warning"?',
    ],
  ],
  [
    'numbers outside of their range, on both sides',
    'shards = 0\n[[listen.c2s]]\nport = 65536\nmax_connections = 0\nmax_stanza_size = 10485761',
    [
      '3:1 general.shards: expected integer from 1 to 31 or "auto", got 0',
      '5:1 listen.c2s[0].port: expected integer from 0 to 65535, got 65536',
      '6:1 listen.c2s[0].max_connections: expected integer ≥ 1 or "infinity", got 0',
      '7:1 listen.c2s[0].max_stanza_size: expected integer from 1 to 10485760 or "infinity", got 10485761',
    ],
  ],
  [
    'a fraction and a number that is none',
    'hook_timeout = 0.5\ndrain_timeout = nan',
    [
      '3:1 general.hook_timeout: expected integer ≥ 1, got 0.5',
      '4:1 general.drain_timeout: expected integer ≥ 0, got NaN',
    ],
  ],
  [
    'another word than infinity',
    'registration_timeout = "infinite"',
    [
      '3:1 general.registration_timeout: expected integer ≥ 1 or "infinity", got "infinite"; did you mean "infinity"?',
    ],
  ],
  [
    'an address that is none',
    '[[listen.c2s]]\nport = 1\nip_address = "localhost"',
    ['5:1 listen.c2s[0].ip_address: not an IP address, got "localhost"'],
  ],
  [
    'a domain that is none',
    'default_server_domain = "a b"',
    ['3:1 general.default_server_domain: not a domain name, got "a b"'],
  ],
  [
    'host types twice, and one that is a host',
    'host_types = ["t", "t", "a.example"]',
    [
      '3:20 general.host_types[1]: "t" is there already, as number 1',
      '3:25 general.host_types[2]: "a.example" is one of hosts, which are host types already',
    ],
  ],
  [
    'a shaper that does not exist',
    '[[listen.c2s]]\nport = 1\nshaper = "norml"',
    ['5:1 listen.c2s[0].shaper: no shaper has the name "norml"; did you mean "normal"?'],
  ],
  [
    'a shaper without rate, and one named none',
    '[shaper.slow]\n[shaper.none]\nmax_rate = 1',
    [
      '3:9 shaper.slow.max_rate: missing, expected integer ≥ 1',
      '4:9 shaper.none: "none" means no shaper and cannot be the name of one',
    ],
  ],
  [
    'an access rule that does not exist',
    '[[listen.c2s]]\nport = 1\naccess = "c2z"\n[access]\nc2s = []',
    ['5:1 listen.c2s[0].access: no [access] rule has the name "c2z"; did you mean "c2s"?'],
  ],
  [
    'an access value that is none',
    '[access]\nc2s = [{acl = "all", value = "alow"}, {acl = "all", value = -1}]',
    [
      '4:22 access.c2s[0].value: expected "allow", "deny", "default", an integer, "infinity" or the name of a shaper, got "alow"; did you mean "allow"?',
      '4:53 access.c2s[1].value: expected "allow", "deny", "default", integer ≥ 0, "infinity" or the name of a shaper, got -1',
    ],
  ],
  [
    'an incomplete clause',
    '[access]\nc2s = [{acl = "all"}]',
    [
      '4:8 access.c2s[0].value: missing, expected "allow", "deny", "default", integer ≥ 0, "infinity" or the name of a shaper',
    ],
  ],
  [
    'patterns that cannot match',
    '[acl]\nx = [{user = "a b", usr = 1}, {user_regexp = "("}, {user_regexp = "(?=a)"}]',
    [
      '4:7 acl.x[0].user: cannot be part of an address, got "a b"',
      '4:21 acl.x[0].usr: unknown key; did you mean "user"?',
      '4:32 acl.x[1].user_regexp: not a regular expression: unterminated group',
      '4:53 acl.x[2].user_regexp: regular expression looks ahead or behind or changes flags, which is not supported',
    ],
  ],
  [
    'a list with the name of a built-in one',
    '[acl]\nall = []',
    ['4:1 acl.all: the name of a list that always exists'],
  ],
  [
    'two listeners on one port',
    '[[listen.c2s]]\nport = 1\n[[listen.http]]\nport = 1',
    ['6:1 listen.http[0].port: port 1 on 0.0.0.0 is taken by listen.c2s[0]'],
  ],
  [
    'a certificate without key, and a key without certificate',
    '[[listen.c2s]]\nport = 1\ntls.certfile = "priv/cert.pem"\n[[listen.c2s]]\nport = 2\ntls.keyfile = "priv/key.pem"',
    [
      '5:1 listen.c2s[0].tls.keyfile: missing, certfile needs the key in a file of its own',
      '8:1 listen.c2s[1].tls.certfile: missing, keyfile says nothing without it',
    ],
  ],
  [
    'two certificates for a domain',
    '[[listen.c2s]]\nport = 1\ntls.certificate = [{domain = "A.example", certfile = "priv/cert.pem", keyfile = "priv/key.pem"}, {domain = "a.example", certfile = "priv/cert.pem", keyfile = "priv/key.pem"}]',
    ['5:99 listen.c2s[0].tls.certificate[1].domain: "a.example" has a certificate already'],
  ],
  [
    'a secret file that does not exist',
    '[[listen.c2s]]\nport = 1\ntls.certfile = "priv/cert.pem"\ntls.keyfile = "priv/key.pem"\ntls.password_file = "nowhere"',
    [`7:5 listen.c2s[0].tls.password_file: cannot use ${FIXTURES}nowhere: it does not exist`],
  ],
  [
    'a secret given twice',
    '[[listen.c2s]]\nport = 1\ntls.password = "x"\ntls.password_file = "priv/key.pem"',
    ['6:5 listen.c2s[0].tls.password_file: password is given as well, only one of them can count'],
  ],
  [
    'an unknown module',
    '[modules.mod_pin]',
    [
      '3:10 modules.mod_pin: no built-in module has this name, and no path says where it is; did you mean "mod_ping"?',
    ],
  ],
  [
    'a misspelt option of a module',
    '[modules.mod_ping]\nping_intervall = 3\nsend_pings = 1',
    [
      '4:1 modules.mod_ping.ping_intervall: unknown key; did you mean "ping_interval"?',
      '5:1 modules.mod_ping.send_pings: expected true or false, got 1',
    ],
  ],
  [
    'a misspelt key deep in the options of a module',
    '[modules.mod_disco]\nserver_info = [{nam = "x", urls = []}]',
    [
      '4:16 modules.mod_disco.server_info[0].name: missing, expected non-empty string',
      '4:17 modules.mod_disco.server_info[0].nam: unknown key; did you mean "name"?',
    ],
  ],
  [
    'a module whose file does not exist',
    '[modules.mod_mine]\npath = "./nowhere.ts"',
    [`4:1 modules.mod_mine.path: cannot read ${FIXTURES}nowhere.ts: it does not exist`],
  ],
  [
    'a module whose path is none',
    '[modules.mod_mine]\npath = 1',
    ['4:1 modules.mod_mine.path: expected the name of a file or package, got 1'],
  ],
  ['a module that is no table', '[modules]\nmod_ping = 1', ['4:1 modules.mod_ping: expected table, got 1']],
  [
    'a method that is not configured',
    '[[listen.c2s]]\nport = 1\nallowed_auth_methods = ["internl"]',
    [
      '5:25 listen.c2s[0].allowed_auth_methods[0]: not a method of [auth], got "internl"; did you mean "internal"?',
    ],
  ],
  [
    'mechanisms of which none is built',
    '[auth]\nsasl_mechanisms = ["digest"]',
    ['4:1 auth.sasl_mechanisms: none of these mechanisms is built yet, so nobody could log in'],
  ],
  [
    'a configuration for an unknown host',
    '[[host_config]]\nhost = "a.exampel"\n[[host_config]]\nhost_type = "t"',
    [
      '4:1 host_config[0].host: not one of general.hosts, got "a.exampel"; did you mean "a.example"?',
      '6:1 host_config[1].host_type: not one of general.host_types, got "t"',
    ],
  ],
  [
    'a configuration for no host, and two for one',
    '[[host_config]]\n[[host_config]]\nhost = "a.example"\n[[host_config]]\nhost = "A.example"',
    [
      '3:3 host_config[0].host: missing, expected a host or a host_type',
      '7:1 host_config[2].host: "a.example" has a host_config already',
    ],
  ],
  [
    'a host configuration with a section that only the server has',
    '[[host_config]]\nhost = "a.example"\n[host_config.storage]\n[host_config.general]\nlanguage = "de"',
    ['5:14 host_config[0].storage: unknown key', '7:1 host_config[0].general.language: unknown key'],
  ],
  [
    'a mistake in the section of a host',
    '[[host_config]]\nhost = "a.example"\n[host_config.auth]\nmethods = ["intern"]',
    [
      '6:12 host_config[0].auth.methods[0]: expected "internal", "anonymous", "dummy", "external", "http", "jwt", "ldap" or "pki", got "intern"; did you mean "internal"?',
    ],
  ],
  [
    'a socket with too long a path',
    `[admin]\nsocket = "/${'x'.repeat(107)}"`,
    [`4:1 admin.socket: the path of a Unix socket has at most 107 bytes, /${'x'.repeat(107)} has 108`],
  ],
  [
    'a routing module twice',
    'routing_modules = ["global", "mongoose_router_global"]',
    ['3:30 general.routing_modules[1]: "global" is there already, as number 1'],
  ],
];

describe('loadConfig refuses', () => {
  it.each(cases)('%s', (_name, text, problems) => {
    expect(problemsOf(HOSTS + text)).toEqual(problems);
  });

  it('a file without hosts', () => {
    expect(problemsOf('')).toEqual([
      '1:1 general.hosts: missing, expected at least one domain here or one name in host_types',
    ]);
    expect(problemsOf('\n[general]\nhosts = []')).toEqual([
      '3:1 general.hosts: missing, expected at least one domain here or one name in host_types',
    ]);
    expect(problemsOf('[general]\nhost_types = ["t"]')).toEqual([
      '1:2 general.default_server_domain: missing, expected a domain where hosts names none',
    ]);
  });

  it('a host that is there twice, or is none', () => {
    expect(problemsOf('[general]\nhosts = ["a.example", "A.example", "b c", 5]')).toEqual([
      '2:23 general.hosts[1]: "a.example" is there already, as number 1',
      '2:36 general.hosts[2]: not a domain name, got "b c"',
      '2:43 general.hosts[3]: expected string, got 5',
    ]);
  });

  it('what is no TOML, at its place', () => {
    expect(problemsOf('[general]\nhosts = ["a.example"\nx')).toEqual([
      '3:1 not valid TOML: expected comma or end of structure',
    ]);
    expect(problemsOf('[general]\n[general]')[0]).toMatch(/^2:\d+ not valid TOML: trying to redefine/);
  });

  it('a text that is far too long, or far too nested', () => {
    expect(problemsOf(`#${' '.repeat(1024 * 1024)}`)).toEqual([
      '1:1 larger than 1048576 characters, this cannot be a configuration',
    ]);
    expect(problemsOf(`a = ${'['.repeat(100)}${']'.repeat(100)}`)[0]).toMatch(/not valid TOML/);
  });
});

describe('loadConfig reports', () => {
  it('everything at once, in the order of the text', () => {
    const text = `[general]
hosts = ["a.example"]
shards = "many"
[modules.mod_pin]
[[listen.c2s]]
  prot = 5222
  shaper = "norml"
  tls.certfile = "priv/cert.pem"
[[host_config]]
  host = "b.example"
`;
    expect(problemsOf(text)).toEqual([
      '3:1 general.shards: expected integer from 1 to 31 or "auto", got "many"',
      '4:10 modules.mod_pin: no built-in module has this name, and no path says where it is; did you mean "mod_ping"?',
      '5:10 listen.c2s[0].port: missing, expected integer from 0 to 65535',
      '6:3 listen.c2s[0].prot: unknown key; did you mean "port"?',
      '7:3 listen.c2s[0].shaper: no shaper has the name "norml"; did you mean "normal"?',
      '8:3 listen.c2s[0].tls.keyfile: missing, certfile needs the key in a file of its own',
      '10:3 host_config[0].host: not one of general.hosts, got "b.example"; did you mean "a.example"?',
    ]);
  });

  it('nothing that only follows from another problem', () => {
    expect(problemsOf('[general]\nhosts = "a.example"\n[[host_config]]\nhost = "a.example"')).toEqual([
      '2:1 general.hosts: expected list of strings, got "a.example"',
    ]);
    expect(problemsOf(`${HOSTS}[listen]\nc2s = ["x"]`)).toEqual([
      '4:8 listen.c2s[0]: expected table, got "x"',
    ]);
  });

  it('value, expectation and suggestion as fields, but no secret', () => {
    const result = load(`${HOSTS}[[listen.c2s]]\nport = "x"\nshaper = "fats"\ntls.password = ""`);
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.problems).toMatchObject([
      { path: 'listen.c2s[0].port', line: 4, column: 1, value: 'x', expected: 'integer from 0 to 65535' },
      { path: 'listen.c2s[0].shaper', line: 5, column: 1, value: 'fats', suggestion: 'fast' },
      { path: 'listen.c2s[0].tls.password', line: 6, column: 5, message: 'expected non-empty string' },
    ]);
    expect(result.problems[2]).not.toHaveProperty('value');
  });
});

describe('names that objects are made of (T54)', () => {
  it('refuses __proto__ wherever it stands, and changes no prototype', () => {
    const text = `${HOSTS}__proto__.polluted = 1
[__proto__]
polluted = 1
[shaper.__proto__]
max_rate = 1
[acl]
"__proto__" = [{user = "x", __proto__ = {polluted = 1}}]
[modules.__proto__]
polluted = 1
[modules.mod_mine]
path = "mine"
options.__proto__.polluted = 1
[[host_config]]
host = "a.example"
access.__proto__ = []
`;
    expect(problemsOf(text)).toEqual([
      '3:1 general.__proto__: unknown key',
      '4:2 __proto__: unknown key',
      '6:9 shaper.__proto__: unknown key',
      '9:1 acl.__proto__: unknown key',
      '10:10 modules.__proto__: unknown key',
      '14:9 modules.mod_mine.options.__proto__: unknown key',
      '17:8 host_config[0].access.__proto__: unknown key',
    ]);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
    'takes %s as an unknown key like any other',
    (key) => {
      expect(problemsOf(`${HOSTS}${key} = 1\n[${key}]`)).toEqual([
        `3:1 general.${key}: unknown key`,
        `4:2 ${key}: unknown key`,
      ]);
    },
  );

  it('takes them as names where the operator chooses the name', () => {
    const result = load(
      `${HOSTS}[shaper.constructor]\nmax_rate = 1\n[acl]\ntoString = []\n[access]\nvalueOf = [{acl = "toString", value = "constructor"}]`,
    );
    expect(result.ok && result.config.shapers.get('constructor')).toEqual({
      name: 'constructor',
      maxRate: 1,
      burst: 1,
    });
  });
});

describe('formatProblem', () => {
  it('writes file, place, path, message and suggestion', () => {
    const problem = {
      path: 'listen.c2s[0].prot',
      line: 12,
      column: 3,
      message: 'unknown key',
      suggestion: 'port',
    };
    expect(formatProblem(problem, 'meerkat.toml')).toBe(
      'meerkat.toml:12:3 listen.c2s[0].prot: unknown key; did you mean "port"?',
    );
    expect(
      formatProblems([problem, { path: '', line: 1, column: 1, message: 'not valid TOML: x' }], 'm.toml'),
    ).toBe('m.toml:12:3 listen.c2s[0].prot: unknown key; did you mean "port"?\nm.toml:1:1 not valid TOML: x');
  });
});

describe('showValue', () => {
  it('keeps control characters from the terminal and long values short', () => {
    expect(showValue('\u001b[2J\u009b\n')).toBe('"\\u001b[2J\\u009b\\n"');
    expect(showValue('x'.repeat(100))).toHaveLength(61);
    expect(showValue(undefined)).toBe('nothing');
  });
});
