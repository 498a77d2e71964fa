import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serialize } from '../../../src/xml/writer.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { ROOT_DN, ROOT_PASSWORD, Slapd, slapdMissing } from '../../helpers/slapd.ts';
import { condition, errorType, fixture, LAB, loginOn } from './support.ts';
import { form, found, NS_RSM, NS_SEARCH, NS_VCARD, rows, vcard } from './vcard-support.ts';

/** mod_vcard with cards in OpenLDAP's directory. */

const missing = slapdMissing();
if (missing !== undefined) console.warn(`test/scenario/modules/vcard-ldap.test.ts is skipped: ${missing}`);

const PEOPLE = 'ou=people,dc=example,dc=org';
const GET = `<vCard xmlns='${NS_VCARD}'/>`;
/** The beginning of a picture, and bytes that are no text. */
const PICTURE = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0x00, 0x80, 0xfe]).toString('base64');

function person(uid: string, cn: string, more: readonly string[] = []): string {
  const [given, sn = given] = cn.split(' ');
  const names = [`cn: ${cn}`, `displayName: ${cn}`, `givenName: ${given}`, `sn: ${sn}`];
  return `dn: uid=${uid},${PEOPLE}\nobjectClass: inetOrgPerson\nuid: ${uid}\n${[...names, ...more].join('\n')}\n`;
}

const LDIF = [
  'dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n',
  `dn: ${PEOPLE}\nobjectClass: organizationalUnit\nou: people\n`,
  'dn: ou=twins,dc=example,dc=org\nobjectClass: organizationalUnit\nou: twins\n',
  person('romeo', 'Romeo Montague', [
    'l: Verona',
    'mail: romeo@montague.example',
    'description: QXJ0IHRob3U=',
  ]),
  person('juliet', 'Juliet Capulet', [
    'initials: J.',
    'l: Verona',
    'o: House of Capulet',
    'ou: Daughters',
    'ou: Balconies',
    'mail: j@capulet.example',
    'mail: juliet@example.org',
    'telephoneNumber: +39 045',
    'title: Lady',
    'description:: QSAmIDxiPiBhbmQgAQ==',
    `jpegPhoto:: ${PICTURE}`,
  ]),
  person('tybalt', 'Tybalt Capulet', ['l: Verona (old) \\ town*', 'employeeType: cousin']),
  person('large', 'Large Picture', [`jpegPhoto:: ${Buffer.alloc(250_000, 0xff).toString('base64')}`]),
  person('twin', 'Twin One'),
  'dn: uid=twin,ou=twins,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: twin\ncn: Twin Two\nsn: Two\n',
].join('\n');

const section = (options: string, modules = 'modules'): string => `
[${modules}.mod_vcard]
  backend = "ldap"
  [${modules}.mod_vcard.ldap]
    ${options}`;

const MAPPED = `base = "${PEOPLE}"
    filter = "(!(uid=tybalt))"
    search_operator = "or"
    vcard_map = [ {vcard_field = "FN", ldap_pattern = "%s of %d", ldap_field = "givenName"}, {vcard_field = "PHOTO", ldap_pattern = "%s", ldap_field = "jpegPhoto"},
      {vcard_field = "FAMILY", ldap_pattern = "%s", ldap_field = "sn"} ]
    search_fields = [ {search_field = "User", ldap_field = "%u"}, {search_field = "Town", ldap_field = "l"}, {search_field = "Note", ldap_field = "description"} ]
    search_reported = [ {search_field = "Full Name", vcard_field = "FN"}, {search_field = "Picture", vcard_field = "PHOTO"}, {search_field = "Family Name", vcard_field = "LAST"} ]
    binary_search_fields = ["Note"]`;

const pool = (port: number, tag = 'default'): string => `
[outgoing_pools.ldap.${tag}]
  workers = 2
  call_timeout = 3000
  [outgoing_pools.ldap.${tag}.connection]
    servers = ["127.0.0.1"]
    port = ${port}
    root_dn = "${ROOT_DN}"
    password = "${ROOT_PASSWORD}"
`;

describe.skipIf(missing !== undefined)('vCards in a directory', () => {
  let slapd: Slapd;
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;

  beforeAll(async () => {
    slapd = await Slapd.start(LDIF);
    server = await TestServer.start({
      hosts: ['localhost', 'mapped.example'],
      users: ['romeo', 'juliet', 'romeo@mapped.example'],
      c2s: 'max_stanza_size = 1000000',
      toml: `${pool(slapd.port)}
[auth.internal]
[modules.mod_presence]
[modules.mod_disco]
${LAB}${fixture('mod_vcard_spy', 'mod-vcard-spy.ts')}${section('base = "dc=example,dc=org"')}
[[host_config]]
  host = "mapped.example"
  [host_config.modules.mod_presence]
${section(MAPPED, 'host_config.modules')}`,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  });

  afterAll(async () => {
    await server?.stop();
    await slapd?.stop();
  });

  const card = async (client: TestClient, to: string | undefined): Promise<string> => {
    const answer = await client.iq('get', to, GET);
    expect(condition(answer)).toBeUndefined();
    return serialize(answer.child('vCard', NS_VCARD)!);
  };

  it('are made of entries, and shown to anybody, on each shard', async () => {
    const expected = vcard(
      '<FN>Juliet Capulet</FN><N><FAMILY>Capulet</FAMILY><GIVEN>Juliet</GIVEN><MIDDLE>J.</MIDDLE></N><NICKNAME>juliet</NICKNAME>' +
        `<PHOTO><TYPE>image/jpeg</TYPE><BINVAL>${PICTURE}</BINVAL></PHOTO><ADR><LOCALITY>Verona</LOCALITY></ADR>` +
        '<TEL><NUMBER>+39 045</NUMBER></TEL><EMAIL><USERID>j@capulet.example</USERID></EMAIL><EMAIL><USERID>juliet@example.org</USERID></EMAIL>' +
        '<TITLE>Lady</TITLE><ORG><ORGNAME>House of Capulet</ORGNAME><ORGUNIT>Daughters</ORGUNIT><ORGUNIT>Balconies</ORGUNIT></ORG>' +
        // Of what XML cannot carry only a sign is left.
        '<DESC>A &amp; &lt;b&gt; and \ufffd</DESC>',
    );
    for (const [client, to] of [
      [juliet, undefined],
      [romeo, 'juliet@localhost'],
    ] as const) {
      expect(await card(client, to)).toBe(expected);
    }
  });

  it('are not there for nobody, and not for two at once', async () => {
    for (const name of ['nobody', 'twin', '*', 'jul*', 'x)(uid=*']) {
      const answer = await romeo.iq('get', `${name.replace(/[()]/g, '.')}@localhost`, GET);
      expect(condition(answer), name).toBe('service-unavailable');
    }
  });

  it('are sent without pictures that are too large', async () => {
    const text = await card(romeo, 'large@localhost');
    expect(text).toContain('<FN>Large Picture</FN>');
    expect(text).not.toContain('PHOTO');
  });

  it('cannot be set, by their owner or for him', async () => {
    const own = await juliet.iq('set', undefined, vcard('<FN>x</FN>'));
    expect([condition(own), errorType(own)]).toEqual(['not-allowed', 'cancel']);
    expect(condition(await romeo.iq('set', 'juliet@localhost', vcard('<FN>x</FN>')))).toBe('not-allowed');
    const set = `<set xmlns='urn:test:vcard' user='juliet@localhost'>${vcard('<FN>x</FN>')}</set>`;
    const answer = await romeo.iq('set', 'localhost', set);
    expect(answer.child('outcome', 'urn:test:vcard')!.text()).toBe('not-allowed');
    expect(await card(romeo, 'juliet@localhost')).toContain('<FN>Juliet Capulet</FN>');
  });

  it.each<[Record<string, string>, string[]]>([
    [{ fn: 'romeo montague' }, ['romeo']],
    [{ last: 'CAPULET' }, ['juliet', 'tybalt']],
    [{ last: 'cap*' }, ['juliet', 'tybalt']],
    [{ last: 'capulet', first: 'juliet' }, ['juliet']],
    [{ last: 'capulet', first: 'romeo' }, []],
    [{ user: 'r*' }, ['romeo']],
    [{ nick: 'tybalt' }, ['tybalt']],
    [{ email: 'juliet@example.org' }, ['juliet']],
    [{ locality: 'Verona (old) \\ town*' }, ['tybalt']],
    [{ locality: 'v*' }, ['juliet', 'romeo', 'tybalt']],
    // Nothing but the last sign has a meaning.
    [{ fn: '*(' }, []],
    [{ fn: 'r*montague' }, []],
    [{ fn: '*)(uid=*' }, []],
    [{ fn: 'x)(|(uid=*' }, []],
    [{ fn: 'x'.repeat(1_024) }, []],
    [{ fn: '' }, []],
    [{}, []],
    [{ unknown: '*' }, []],
  ])('are found by %j', async (fields, names) => {
    for (const client of [romeo, juliet])
      expect(await found(client, form(fields))).toEqual(names.map((name) => `${name}@localhost`));
  });

  it('are shown by a search as the cards have it, in pages, and to clients without forms', async () => {
    const [row] = rows(await romeo.iq('set', 'vjud.localhost', form({ user: 'juliet' })));
    expect(row).toEqual({
      jid: 'juliet@localhost',
      fn: 'Juliet Capulet',
      first: 'Juliet',
      middle: 'J.',
      last: 'Capulet',
      nick: 'juliet',
      bday: '',
      ctry: '',
      locality: 'Verona',
      email: 'j@capulet.example',
      orgname: 'House of Capulet',
      orgunit: 'Daughters',
    });
    const page = `<set xmlns='${NS_RSM}'><max>1</max><after>juliet@localhost</after></set>`;
    expect(await found(romeo, form({ locality: 'v*' }, page))).toEqual(['romeo@localhost']);
    const old = `<query xmlns='${NS_SEARCH}'><last>montague</last></query>`;
    const answer = await romeo.iq('set', 'vjud.localhost', old);
    expect(serialize(answer.child('query', NS_SEARCH)!.elements()[0]!, NS_SEARCH)).toBe(
      "<item jid='romeo@localhost'><first>Romeo</first><last>Montague</last><nick>romeo</nick><email>romeo@montague.example</email></item>",
    );
  });

  it('are made, searched and shown as the operator says', async () => {
    const client = await TestClient.login(server.port(), 'romeo@mapped.example/x');
    expect(await card(client, 'juliet@mapped.example')).toBe(
      vcard(
        `<FN>Juliet of mapped.example</FN><N><FAMILY>Capulet</FAMILY></N><PHOTO><TYPE>image/jpeg</TYPE><BINVAL>${PICTURE}</BINVAL></PHOTO>`,
      ),
    );
    expect(condition(await client.iq('get', 'tybalt@mapped.example', GET))).toBe('service-unavailable');
    const directory = 'vjud.mapped.example';
    const query = (await client.iq('get', directory, `<query xmlns='${NS_SEARCH}'/>`)).child(
      'query',
      NS_SEARCH,
    )!;
    // None of the four fields of old clients is there.
    expect(query.elements().map(({ name }) => name)).toEqual(['instructions', 'x']);
    const fields = query.child('x', 'jabber:x:data')!.elements();
    const names = fields.filter(({ name }) => name === 'field').map((field) => field.attribute('var'));
    expect(names).toEqual(['FORM_TYPE', 'user', 'l', 'description']);
    // One of the fields is enough.
    const either = await client.iq('set', directory, form({ user: 'juliet', l: 'Mantua' }));
    expect(rows(either)).toEqual([
      { jid: 'juliet@mapped.example', fn: 'Juliet of mapped.example', PHOTO: PICTURE, last: 'Capulet' },
    ]);
    expect(await found(client, form({ l: 'verona*' }), directory)).toEqual([
      'juliet@mapped.example',
      'romeo@mapped.example',
    ]);
    // The directory is asked for the base64 of the text, whatever is in it.
    expect(await found(client, form({ description: 'Art thou' }), directory)).toEqual([
      'romeo@mapped.example',
    ]);
    expect(await found(client, form({ description: 'A*' }), directory)).toEqual([]);
    await client.close();
  });

  it('are exported with the account, and stay when it goes', async () => {
    const run = (...args: string[]) => meerkat(['--config', server.configFile, ...args]);
    const { stdout } = await run('user', 'export', 'romeo@mapped.example', '--json');
    const { rows: exported } = JSON.parse(stdout).tables.find(
      ({ name }: { name: string }) => name === 'vcard',
    );
    expect(exported).toEqual([
      ['romeo@mapped.example', vcard('<FN>Romeo of mapped.example</FN><N><FAMILY>Montague</FAMILY></N>')],
    ]);
    expect((await run('user', 'delete', 'romeo@mapped.example')).status).toBe(0);
    expect(await card(romeo, 'romeo@localhost')).toContain('<FN>Romeo Montague</FN>');
  });

  it('go on after a reload of something else, and a reload that takes the pool away is refused', async () => {
    const text = readFileSync(server.configFile, 'utf8');
    const reload = async (changed: string): Promise<unknown> => {
      writeFileSync(server.configFile, changed);
      return (await meerkat(['--config', server.configFile, 'reload'])).status;
    };
    expect(await reload(text.replace('workers = 2', 'workers = 3'))).toBe(0);
    expect(await card(romeo, undefined)).toContain('Romeo');
    expect(
      await reload(text.replaceAll('outgoing_pools.ldap.default', 'outgoing_pools.ldap.other')),
    ).not.toBe(0);
    expect(await card(romeo, undefined)).toContain('Romeo');
    expect(await card(juliet, undefined)).toContain('Juliet');
    expect(await reload(text)).toBe(0);
    expect(await card(romeo, undefined)).toContain('Romeo');
  });

  it('are an error while the directory is away, and there again afterwards', async () => {
    await slapd.halt();
    const answer = await romeo.iq('get', 'juliet@localhost', GET);
    expect([condition(answer), errorType(answer)]).toEqual(['internal-server-error', 'wait']);
    expect(condition(await romeo.iq('set', 'vjud.localhost', form({ fn: 'x' })))).toBe(
      'internal-server-error',
    );
    await slapd.launch();
    let again: Element;
    do again = await romeo.iq('get', 'juliet@localhost', GET);
    while (condition(again) === 'internal-server-error');
    expect(again.attribute('type')).toBe('result');
    expect(server.log).not.toContain(ROOT_PASSWORD);
  });
});

describe('a directory that the configuration does not have', () => {
  it.each([
    ['without its section', '[modules.mod_vcard]\n  backend = "ldap"', 'ldap'],
    ['without a base', section('pool_tag = "x"'), 'base'],
    ['with a filter that is none', section('base = "dc=x"\n    filter = "(a=b"'), 'filter'],
    [
      'with an unknown element',
      section(
        'base = "dc=x"\n    vcard_map = [ {vcard_field = "FX", ldap_pattern = "%s", ldap_field = "cn"} ]',
      ),
      'vcard_field',
    ],
    [
      'with an attribute that is part of a filter',
      section('base = "dc=x"\n    search_fields = [ {search_field = "User", ldap_field = "cn=*)(x"} ]'),
      'ldap_field',
    ],
    ['without the pool', section('base = "dc=x"'), 'outgoing_pools.ldap'],
  ])('keeps the server from starting: %s', async (_what, toml, said) => {
    await expect(TestServer.start({ toml })).rejects.toThrow(said);
  });
});
