import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAdmin } from '../../helpers/admin.ts';
import { TestClient } from '../../helpers/client.ts';
import { meerkat, type RunOptions } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { fixture, LAB, loginOn } from './support.ts';
import { form, found, NS_VCARD, vcard } from './vcard-support.ts';

/** mod_private and mod_vcard: what administrators look at and store for users. */

const NS_PRIVATE = 'jabber:iq:private';

describe('private storage and vCards for administrators', () => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;
  const ask = (command: string, args: Record<string, unknown>): Promise<unknown> =>
    askAdmin(server, command, args);

  beforeAll(async () => {
    server = await TestServer.start({
      shards: 2,
      users: ['romeo', 'juliet', 'nurse'],
      hosts: ['localhost', 'mantua.example'],
      toml: `[modules.mod_presence]
[modules.mod_private]
[modules.mod_vcard]
${LAB}
${fixture('mod_vcard_spy', 'mod-vcard-spy.ts')}
[[host_config]]
  host = "mantua.example"
  [host_config.modules.mod_presence]`,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  });

  afterAll(() => server.stop());

  async function run(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await meerkat(['--config', server.configFile, ...args], options);
    return `${status} ${stdout}${stderr}`.trim();
  }

  it('show what clients keep, and give clients what was stored for them', async () => {
    const kept = "<x xmlns='urn:example:a'><y>&lt;&amp;</y></x>";
    await juliet.iq(
      'set',
      undefined,
      `<query xmlns='${NS_PRIVATE}'>${kept}<z xmlns='urn:example:b'/></query>`,
    );
    const of = (namespace: string) => ask('private_get', { jid: 'juliet@localhost', namespace });
    expect(await of('urn:example:a')).toEqual({
      jid: 'juliet@localhost',
      namespace: 'urn:example:a',
      xml: kept,
    });
    expect(await of('urn:example:none')).toEqual({ error: 'nothing_stored' });
    expect(await of('__proto__')).toEqual({ error: 'nothing_stored' });

    const xml = " <p:x xmlns:p='urn:example:a' n='1'/>\n<x xmlns='urn:example:a' n='2'/> ";
    expect(await ask('private_set', { jid: 'Juliet@localhost', xml })).toEqual({
      jid: 'juliet@localhost',
      namespaces: ['urn:example:a'],
    });
    const question = `<query xmlns='${NS_PRIVATE}'><x xmlns='urn:example:a'/><x xmlns='urn:example:b'/></query>`;
    const answer = (await juliet.iq('get', undefined, question)).child('query', NS_PRIVATE)!;
    const shown = answer.elements().map(({ name, ns, attributes }) => [name, ns, attributes.get('n')]);
    expect(shown).toEqual([
      ['x', 'urn:example:a', '1'],
      ['x', 'urn:example:a', '2'],
      ['z', 'urn:example:b', undefined],
    ]);
    expect(await ask('private_get', { jid: 'romeo@localhost', namespace: 'urn:example:a' })).toEqual({
      error: 'nothing_stored',
    });
  });

  it('are refused over the limit of private storage, and nothing is changed', async () => {
    await ask('private_set', { jid: 'nurse@localhost', xml: "<a xmlns='urn:example:a'>kept</a>" });
    const many = Array.from({ length: 500 }, (_none, i) => `<a xmlns='urn:example:${i}'/>`).join('');
    for (const xml of [
      many,
      `${many}<a xmlns='urn:example:a'/>`,
      `<a xmlns='urn:example:a'>${'x'.repeat(524_288)}</a>`,
    ]) {
      expect(await ask('private_set', { jid: 'nurse@localhost', xml })).toEqual({ error: 'limit_reached' });
    }
    expect(await ask('private_get', { jid: 'nurse@localhost', namespace: 'urn:example:a' })).toMatchObject({
      xml: "<a xmlns='urn:example:a'>kept</a>",
    });
    expect(await ask('private_get', { jid: 'nurse@localhost', namespace: 'urn:example:1' })).toEqual({
      error: 'nothing_stored',
    });
  });

  it('store cards that others get and find, and that vcard_set tells of', async () => {
    expect(await ask('vcard_get', { jid: 'juliet@localhost' })).toEqual({ error: 'nothing_stored' });
    const xml = vcard('<FN>Juliet Capulet</FN>');
    expect(await ask('vcard_set', { jid: 'juliet@localhost', xml: `\n${xml}\n` })).toEqual({
      jid: 'juliet@localhost',
    });
    expect((await juliet.message()).childText('body')).toBe('Juliet Capulet');
    expect(await ask('vcard_get', { jid: 'juliet@localhost' })).toEqual({
      jid: 'juliet@localhost',
      vcard: xml,
    });
    const answer = await romeo.iq('get', 'juliet@localhost', `<vCard xmlns='${NS_VCARD}'/>`);
    expect(answer.child('vCard', NS_VCARD)!.childText('FN')).toBe('Juliet Capulet');
    expect(await found(romeo, form({ fn: 'juliet*' }))).toEqual(['juliet@localhost']);
  });

  const JID = { jid: 'romeo@localhost' };
  const BAD_XML = [
    '',
    ' ',
    'text',
    "<vCard xmlns='vcard-temp'>",
    "<vCard xmlns='vcard-temp'/>x",
    '<vCard/>',
    "<?xml version='1.0'?><vCard xmlns='vcard-temp'/>",
    "<!DOCTYPE a [<!ENTITY b 'c'>]><vCard xmlns='vcard-temp'>&b;</vCard>",
    `<vCard xmlns='vcard-temp'>${'<a>'.repeat(70)}${'</a>'.repeat(70)}</vCard>`,
    "<vCard xmlns='vcard-temp'/></x><x>",
  ];

  it.each<[command: string, args: Record<string, unknown>, code: string]>([
    ...BAD_XML.flatMap((xml): [string, Record<string, unknown>, string][] => [
      ['vcard_set', { ...JID, xml }, 'invalid_xml'],
      ['private_set', { ...JID, xml }, 'invalid_xml'],
    ]),
    ['vcard_set', { ...JID, xml: "<vCard xmlns='vcard-temp'/><vCard xmlns='vcard-temp'/>" }, 'invalid_xml'],
    ['vcard_set', { ...JID, xml: "<vCard xmlns='urn:other'/>" }, 'invalid_xml'],
    ['vcard_set', { ...JID, xml: "<FN xmlns='vcard-temp'/>" }, 'invalid_xml'],
    ['vcard_set', { ...JID, xml: vcard('<FN>\u0081</FN>') }, 'bad_request'],
    ['vcard_set', { ...JID, xml: vcard(`<X>${'x'.repeat(262_144)}</X>`) }, 'limit_reached'],
    ['vcard_set', { ...JID, xml: 5 }, 'bad_request'],
    ['vcard_set', JID, 'bad_request'],
    ['vcard_set', { jid: 'nobody@localhost', xml: vcard('') }, 'user_unknown'],
    ['vcard_set', { jid: 'romeo@mantua.example', xml: vcard('') }, 'module_not_loaded'],
    ['vcard_get', { jid: 'nobody@localhost' }, 'user_unknown'],
    ['vcard_get', { jid: 'localhost' }, 'invalid_jid'],
    ['vcard_get', { jid: 'romeo@elsewhere.example' }, 'domain_unknown'],
    ['vcard_get', { jid: 'romeo@mantua.example' }, 'module_not_loaded'],
    ['private_set', { ...JID, xml: `<query xmlns='${NS_PRIVATE}'/>` }, 'invalid_xml'],
    ['private_set', { ...JID, xml: "<a xmlns='urn:a'/><b/>" }, 'invalid_xml'],
    ['private_set', { jid: 'nobody@localhost', xml: "<a xmlns='urn:a'/>" }, 'user_unknown'],
    ['private_set', { jid: 'romeo@mantua.example', xml: "<a xmlns='urn:a'/>" }, 'module_not_loaded'],
    ['private_get', JID, 'bad_request'],
    ['private_get', { ...JID, namespace: '' }, 'bad_request'],
    ['private_get', { jid: 'nobody@localhost', namespace: 'urn:a' }, 'user_unknown'],
    ['private_get', { jid: 'romeo@elsewhere.example', namespace: 'urn:a' }, 'domain_unknown'],
  ])('are refused what is wrong: %s %j with %s', async (command, args, code) => {
    expect(await ask(command, args)).toEqual({ error: code });
  });

  it('are the commands `meerkat private` and `meerkat vcard`', async () => {
    // The first is the right-to-left override, the second ends a line on some terminals.
    const tricky = "<x xmlns='urn:example:a' a='\u202e'>\u0085</x>";
    expect(await run(['private', 'set', 'romeo@localhost', tricky])).toBe('0 stored for romeo@localhost');
    const shown = await run(['private', 'get', 'romeo@localhost', 'urn:example:a']);
    expect(shown).toBe("0 <x xmlns='urn:example:a' a='&#8238;'>&#133;</x>");
    expect(await run(['private', 'set', 'juliet@localhost'], { input: shown.slice(2) })).toMatch(/^0 /);
    expect(await ask('private_get', { jid: 'juliet@localhost', namespace: 'urn:example:a' })).toMatchObject({
      xml: tricky,
    });
    expect(await run(['private', 'get', 'romeo@localhost', 'urn:none'])).toMatch(/^1 .*\[nothing_stored\]$/);

    const card = vcard('<FN>Romeo Montéchi</FN>');
    expect(await run(['vcard', 'set', 'romeo@localhost', '-'], { input: card })).toBe(
      '0 vCard of romeo@localhost stored',
    );
    expect(await run(['vcard', 'get', 'romeo@localhost'])).toBe(`0 ${card}`);
    expect(JSON.parse((await run(['vcard', 'get', 'romeo@localhost', '--json'])).slice(2))).toEqual({
      jid: 'romeo@localhost',
      vcard: card,
    });
    expect(await run(['vcard', 'set', 'romeo@localhost', '<vCard'])).toMatch(/^1 .*\[invalid_xml\]$/);
    expect(await run(['vcard', 'set', 'romeo@localhost'], { input: 'x'.repeat(1_100_000) })).toMatch(
      /\[request_too_large\]$/,
    );
    expect(await run(['vcard', 'get', 'juliet@mantua.example'])).toMatch(/^1 .*\[module_not_loaded\]$/);
  });

  it('leave nothing behind for an account that is removed meanwhile', async () => {
    for (let round = 0; round < 10; round++) {
      const jid = `x${round}@localhost`;
      await ask('user_add', { jid, password: 'secret' });
      const set = Promise.all([
        ask('private_set', { jid, xml: "<a xmlns='urn:a'/>" }),
        ask('vcard_set', { jid, xml: vcard('<FN>X</FN>') }),
      ]);
      await ask('user_delete', { jid });
      await set;
      await ask('user_add', { jid, password: 'secret' });
      const left = [await ask('private_get', { jid, namespace: 'urn:a' }), await ask('vcard_get', { jid })];
      expect(left).toEqual([{ error: 'nothing_stored' }, { error: 'nothing_stored' }]);
    }
  });

  it('also work while no server runs', async () => {
    const file = join(server.directory, 'other.toml');
    writeFileSync(
      file,
      '[general]\nhosts = ["localhost"]\n[storage]\ndirectory = "./other"\n[modules.mod_private]\n[modules.mod_vcard]\n',
    );
    const offline = (...args: string[]) => run(['--config', file, ...args]);
    await offline('user', 'add', 'romeo@localhost', 'secret');
    expect(await offline('vcard', 'set', 'romeo@localhost', vcard('<FN>R</FN>'))).toMatch(/^0 /);
    expect(await offline('vcard', 'get', 'romeo@localhost')).toBe(`0 ${vcard('<FN>R</FN>')}`);
    expect(await offline('private', 'set', 'romeo@localhost', "<a xmlns='urn:a'/>")).toMatch(/^0 /);
    expect(await offline('private', 'get', 'romeo@localhost', 'urn:a')).toBe("0 <a xmlns='urn:a'/>");
    expect(await offline('last', 'get', 'romeo@localhost')).toMatch(/\[module_not_loaded\]$/);
  });
});
