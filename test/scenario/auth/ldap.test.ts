import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCertificates } from '../../helpers/certificates.ts';
import { answerTo, opened, tryPlain } from '../../helpers/login.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { ROOT_DN, ROOT_PASSWORD, Slapd, slapdMissing } from '../../helpers/slapd.ts';
import { plain } from '../../helpers/xml.ts';

/** The method `ldap`, against OpenLDAP's server. */

const missing = slapdMissing();
if (missing !== undefined) console.warn(`test/scenario/auth/ldap.test.ts is skipped: ${missing}`);

const PEOPLE = 'ou=people,dc=example,dc=org';

function person(uid: string, password: string, more = ''): string {
  return `dn: uid=${uid},${PEOPLE}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid}
sn: ${uid}
userPassword: ${password}
${more}
`;
}

const LDIF = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: example
dc: example

dn: ${PEOPLE}
objectClass: organizationalUnit
ou: people

dn: ou=twins,dc=example,dc=org
objectClass: organizationalUnit
ou: twins

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

${person('reader', 'reader-secret', 'employeeType: machine\n')}
${person('romeo', 'wherefore', 'employeeType: montague\ndepartmentNumber: 1\nmail: r.m@example.org\n')}
${person('juliet', 'balcony', 'employeeType: capulet\ndepartmentNumber: 2\n')}
${person('tybalt', 'cats', 'employeeType: capulet\nemployeeType: banned\n')}
${person('twin', 'one')}
dn: uid=twin,ou=twins,dc=example,dc=org
objectClass: inetOrgPerson
uid: twin
cn: twin
sn: twin
userPassword: two

dn: cn=1,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: 1
member: uid=romeo,${PEOPLE}

dn: cn=2,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: 2
member: uid=romeo,${PEOPLE}

dn: ou=aliases,dc=example,dc=org
objectClass: organizationalUnit
ou: aliases

dn: uid=alias,ou=aliases,dc=example,dc=org
objectClass: alias
objectClass: extensibleObject
uid: alias
aliasedObjectName: uid=romeo,${PEOPLE}
`;

const HOSTS = {
  'basic.example': `base = "${PEOPLE}"`,
  'tls.example': `base = "${PEOPLE}"\n  pool_tag = "secure"\n  bind_pool_tag = "secure"`,
  'distrust.example': `base = "${PEOPLE}"\n  pool_tag = "distrusted"\n  bind_pool_tag = "distrusted"`,
  'twins.example': 'base = "dc=example,dc=org"',
  'mail.example': `base = "${PEOPLE}"\n  uids = [ {attr = "mail", format = "%u@example.org"}, {attr = "cn"} ]\n  filter = "(!(uid=tybalt))"`,
  'filter.example': `base = "${PEOPLE}"\n  filter = "(employeeType=capulet)"`,
  'local.example': `base = "${PEOPLE}"\n  local_filter = {operation = "equal", attribute = "employeeType", values = ["capulet"]}`,
  'notlocal.example': `base = "${PEOPLE}"\n  local_filter = {operation = "notequal", attribute = "employeeType", values = ["capulet"]}`,
  'group.example':
    'base = "dc=example,dc=org"\n  dn_filter = {filter = "(&(objectClass=groupOfNames)(cn=%s)(member=%D))", attributes = ["departmentNumber"]}',
  'alias.example':
    'base = "ou=aliases,dc=example,dc=org"\n  deref = "always"\n  filter = "(employeeType=montague)"',
  'noalias.example': 'base = "ou=aliases,dc=example,dc=org"\n  filter = "(employeeType=montague)"',
} as const;

describe.skipIf(missing !== undefined)('the method ldap', () => {
  const certificates = new TestCertificates();
  let slapd: Slapd;
  let server: TestServer;

  beforeAll(async () => {
    const ca = await certificates.make('LDAP CA');
    const cert = await certificates.make('localhost', ['localhost'], ca);
    slapd = await Slapd.start(LDIF, cert);
    const pool = (tag: string, connection: string): string => `
      [outgoing_pools.ldap.${tag}]
        workers = 2
        call_timeout = 3000
        max_worker_queue_len = 1
        [outgoing_pools.ldap.${tag}.connection]
          ${connection}`;
    const reader = `root_dn = "uid=reader,${PEOPLE}"\n password = "reader-secret"`;
    server = await TestServer.start({
      config: `
        [general]
          hosts = [${Object.keys(HOSTS)
            .map((host) => `"${host}"`)
            .join(', ')}]
          loglevel = "debug"
          shards = 2
        [[listen.c2s]]
          port = 0
          ip_address = "127.0.0.1"
          shaper = "none"
          connections_per_second_per_address = "infinity"
        [storage]
          directory = "./data"
        ${pool('default', `servers = ["127.0.0.1"]\n port = ${slapd.port}\n root_dn = "${ROOT_DN}"\n password = "${ROOT_PASSWORD}"`)}
        ${pool('bind', `servers = ["127.0.0.1"]\n port = ${slapd.port}`)}
        ${pool('secure', `servers = ["localhost"]\n port = ${slapd.tlsPort}\n ${reader}\n tls.cacertfile = "${ca.certfile}"`)}
        ${pool('distrusted', `servers = ["localhost"]\n port = ${slapd.tlsPort}\n ${reader}\n tls.verify_mode = "peer"`)}
        [auth.dummy]
        [modules.mod_presence]
        ${Object.entries(HOSTS)
          .map(
            ([host, options]) => `
        [[host_config]]
          host = "${host}"
          [host_config.auth.ldap]
            ${options}`,
          )
          .join('\n')}`,
    });
  });

  afterAll(async () => {
    await server?.stop();
    await slapd?.stop();
    certificates.remove();
  });

  function login(
    user: string,
    password: string,
    host: keyof typeof HOSTS = 'basic.example',
  ): Promise<string> {
    return tryPlain(server.port(), host, user, password);
  }

  it('finds a user and has the directory check the password', async () => {
    expect(await login('romeo', 'wherefore')).toBe('success');
    expect(await login('Romeo', 'wherefore')).toBe('success');
    expect(await login('romeo', 'balcony')).toBe('not-authorized');
    expect(await login('mercutio', 'wherefore')).toBe('not-authorized');
  });

  it('offers PLAIN only, and takes no empty password for a login without name (RFC 4513 §5.1.2)', async () => {
    const { client, mechanisms } = await opened(server.port(), 'basic.example');
    expect(mechanisms).toEqual(['PLAIN']);
    expect(await answerTo(client, plain('romeo', ''))).toBe('not-authorized');
    client.cut();
  });

  it('takes names as names, not as parts of a filter (T64)', async () => {
    // The directory would find romeo by each of them, were they not escaped.
    for (const name of ['r*', '*', 'romeo)(uid=*', '*)(uid=*))(|(uid=*', 'r\\6fmeo']) {
      expect(await login(name, 'wherefore'), name).toBe('not-authorized');
    }
  });

  it('over TLS, with a certificate that is checked', async () => {
    expect(await login('romeo', 'wherefore', 'tls.example')).toBe('success');
    expect(await login('romeo', 'wrong', 'tls.example')).toBe('not-authorized');
    // The same directory, but nobody vouches for it.
    expect(await login('romeo', 'wherefore', 'distrust.example')).toBe('temporary-auth-failure');
  });

  it('searches as itself again after users logged in on the same connections', async () => {
    // Two shards with two connections each, and romeo may read nothing.
    for (let i = 0; i < 8; i++) {
      const password = i % 2 === 0 ? 'wherefore' : 'wrong';
      const expected = i % 2 === 0 ? 'success' : 'not-authorized';
      expect(await login('romeo', password, 'tls.example'), String(i)).toBe(expected);
    }
  });

  it('lets nobody in whose name two entries have', async () => {
    expect(await login('twin', 'one', 'twins.example')).toBe('not-authorized');
    expect(await login('twin', 'two', 'twins.example')).toBe('not-authorized');
    expect(await login('romeo', 'wherefore', 'twins.example')).toBe('success');
  });

  it('looks at any of several attributes, in the format of each', async () => {
    expect(await login('r.m', 'wherefore', 'mail.example')).toBe('success');
    expect(await login('romeo', 'wherefore', 'mail.example')).toBe('success');
    expect(await login('tybalt', 'cats', 'mail.example')).toBe('not-authorized');
  });

  it('keeps to filter, local_filter and dn_filter', async () => {
    expect(await login('juliet', 'balcony', 'filter.example')).toBe('success');
    expect(await login('romeo', 'wherefore', 'filter.example')).toBe('not-authorized');
    expect(await login('tybalt', 'cats', 'filter.example')).toBe('success');
    expect(await login('juliet', 'balcony', 'local.example')).toBe('success');
    expect(await login('tybalt', 'cats', 'local.example')).toBe('not-authorized');
    expect(await login('juliet', 'balcony', 'notlocal.example')).toBe('not-authorized');
    expect(await login('tybalt', 'cats', 'notlocal.example')).toBe('success');
    expect(await login('romeo', 'wherefore', 'group.example')).toBe('success');
    // Her department has a group, but she is not in it.
    expect(await login('juliet', 'balcony', 'group.example')).toBe('not-authorized');
  });

  it('follows aliases if it is told to', async () => {
    expect(await login('romeo', 'wherefore', 'alias.example')).toBe('success');
    expect(await login('romeo', 'wherefore', 'noalias.example')).toBe('not-authorized');
  });

  it('lists users, changes a password, and makes or removes none', async () => {
    const run = (args: string[], input = ''): ReturnType<typeof meerkat> =>
      meerkat([...args, '--config', server.configFile], { input });
    const listed = await run(['user', 'list', 'basic.example']);
    expect(listed.stdout.trim().split('\n')).toEqual(
      ['juliet', 'reader', 'romeo', 'twin', 'tybalt'].map((name) => `${name}@basic.example`),
    );
    expect((await run(['user', 'passwd', 'twin@basic.example'], 'changed\n')).status).toBe(0);
    expect(await login('twin', 'changed')).toBe('success');
    expect(await login('twin', 'one')).toBe('not-authorized');
    // With connections that may only read, the directory says no.
    expect((await run(['user', 'passwd', 'twin@tls.example'], 'again\n')).status).not.toBe(0);
    expect((await run(['user', 'add', 'nurse@basic.example'], 'x\n')).status).not.toBe(0);
    expect((await run(['user', 'delete', 'romeo@basic.example'])).status).not.toBe(0);
    expect(await login('romeo', 'wherefore')).toBe('success');
  });

  it('a directory that hangs: temporary-auth-failure in time, and refusals where too many wait', async () => {
    slapd.signal('SIGSTOP');
    const clients = await Promise.all(
      Array.from({ length: 12 }, () => opened(server.port(), 'basic.example')),
    );
    const answers = await Promise.all(
      clients.map(({ client }) => answerTo(client, plain('romeo', 'wherefore'))),
    );
    expect(new Set(answers)).toEqual(new Set(['temporary-auth-failure']));
    expect(server.log).toContain('too much waits for ldap.default');
    slapd.signal('SIGCONT');
    for (const { client } of clients) client.cut();
    await recovered();
    expect(await login('romeo', 'wrong')).toBe('not-authorized');
  });

  it('a directory that is gone: temporary-auth-failure, never a wrong password; back again, it is asked again', async () => {
    await slapd.halt();
    for (let i = 0; i < 14; i++) expect(await login('romeo', 'wherefore')).toBe('temporary-auth-failure');
    expect(server.log).toContain('outgoing_pool_down');
    await slapd.launch();
    await recovered();
    expect(await login('juliet', 'wrong')).toBe('not-authorized');
  });

  it('logs no password (T69)', () => {
    for (const secret of ['wherefore', 'balcony', ROOT_PASSWORD, 'reader-secret', 'changed'])
      expect(server.log).not.toContain(secret);
  });

  /** Both shards ask again. */
  async function recovered(): Promise<void> {
    const deadline = Date.now() + 60_000;
    for (let good = 0; good < 4 && Date.now() < deadline; ) {
      good = (await login('romeo', 'wherefore')) === 'success' ? good + 1 : 0;
      if (good === 0) await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
});
