import { describe, expect, it } from 'vitest';
import { loaded, problemsOf, warningsOf } from './helpers.ts';

const TEXT = `
[general]
  hosts = ["a.example", "b.example", "c.example"]
  host_types = ["tenants"]
  route_subdomains = "s2s"

[auth]
  max_users_per_domain = 10
  password.scram_iterations = 5000
  [auth.internal]

[modules.mod_presence]
[modules.mod_ping]
  send_pings = true

[acl]
  staff = [{user = "root"}]
  both = [{user = "one"}]

[access]
  open = [{acl = "staff", value = 5}, {acl = "all", value = "allow"}]
  closed = [{acl = "staff", value = 5}, {acl = "all", value = "deny"}]
  kept = [{acl = "all", value = 1}]

[[host_config]]
  host = "b.example"
  [host_config.general]
    replaced_wait_timeout = 1
  [host_config.auth.anonymous]
  [host_config.modules.mod_time]
  [host_config.acl]
    both = [{user = "two"}]
    own = [{}]
  [host_config.access]
    open = [{acl = "own", value = 7}, {acl = "both", value = 8}]
    closed = [{acl = "own", value = 7}]
    fresh = [{acl = "own", value = "allow"}]

[[host_config]]
  host_type = "tenants"
  [host_config.modules]
`;

describe('host_config', () => {
  const { hostTypes, hosts, general } = loaded(TEXT);
  const a = hostTypes.get('a.example')!;
  const b = hostTypes.get('b.example')!;

  it('makes a host type of every host and every name of host_types', () => {
    expect([...hostTypes.keys()]).toEqual(['a.example', 'b.example', 'c.example', 'tenants']);
    expect([...hosts]).toEqual([
      ['a.example', 'a.example'],
      ['b.example', 'b.example'],
      ['c.example', 'c.example'],
    ]);
    expect(general.defaultServerDomain).toBe('a.example');
    expect(hostTypes.get('tenants')!.hosts).toEqual([]);
  });

  it('overrides single general options, and inherits the others', () => {
    expect(b).toMatchObject({ replacedWaitTimeoutMs: 1, routeSubdomains: 's2s' });
    expect(a).toMatchObject({ replacedWaitTimeoutMs: 2000, routeSubdomains: 's2s' });
  });

  it('replaces auth as a whole', () => {
    expect(a.auth).toMatchObject({
      methods: ['internal'],
      maxUsersPerDomain: 10,
      password: { scramIterations: 5000 },
    });
    expect(b.auth).toMatchObject({
      methods: ['anonymous'],
      maxUsersPerDomain: Number.POSITIVE_INFINITY,
      password: { scramIterations: 10_000 },
    });
  });

  it('replaces modules as a whole', () => {
    expect([...a.modules.keys()]).toEqual(['mod_presence', 'mod_ping']);
    expect([...b.modules.keys()]).toEqual(['mod_time']);
    expect([...hostTypes.get('tenants')!.modules.keys()]).toEqual([]);
  });

  it('adds to the lists of acl', () => {
    expect(b.acl.get('both')!.map(({ user }) => user?.exact)).toEqual(['one', 'two']);
    expect(b.acl.get('staff')).toEqual(a.acl.get('staff'));
    expect(a.acl.get('both')).toHaveLength(1);
    expect(a.acl.has('own')).toBe(false);
  });

  it('puts its clauses before a last one that allows everybody, else at the end', () => {
    expect(b.access.get('open')).toEqual([
      { acl: 'staff', value: 5 },
      { acl: 'own', value: 7 },
      { acl: 'both', value: 8 },
      { acl: 'all', value: 'allow' },
    ]);
    expect(b.access.get('closed')).toEqual([
      { acl: 'staff', value: 5 },
      { acl: 'all', value: 'deny' },
      { acl: 'own', value: 7 },
    ]);
    expect(b.access.get('fresh')).toEqual([{ acl: 'own', value: 'allow' }]);
    expect(b.access.get('kept')).toEqual(a.access.get('kept'));
  });

  it('inherits everything that it does not name', () => {
    expect(hostTypes.get('tenants')).toMatchObject({ auth: a.auth, acl: a.acl, access: a.access });
    expect(hostTypes.get('c.example')).toEqual({ ...a, name: 'c.example', hosts: ['c.example'] });
  });

  it('lets a listener name a rule and a method that only one host has', () => {
    const listener =
      '[[listen.c2s]]\nport = 1\ntls = {}\naccess = "fresh"\nallowed_auth_methods = ["anonymous"]\n';
    expect(problemsOf(TEXT + listener)).toEqual([]);
  });

  it('lets a global rule name a list that only one host has', () => {
    expect(warningsOf(TEXT.replace('acl = "staff", value = 5', 'acl = "own", value = 5'))).toEqual([]);
  });
});
