import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { NS_MAM, page, stanzaId, talk } from './mam-support.ts';
import { condition, fixture, LAB, loginOn } from './support.ts';

/** What users want archived (XEP-0441), followed on all shards. */

const ROSTER = fixture(
  'mod_roster',
  'mod-roster-stub.ts',
  'entries = [{ user = "romeo@localhost", contact = "juliet@localhost", subscription = "both" }, { user = "romeo@localhost", contact = "nurse@localhost", subscription = "to" }]',
);

let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;
let nurse: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `[modules.mod_presence]\n[modules.mod_mam]\n user_prefs_store = "rdbms"\n [modules.mod_mam.pm]\n${ROSTER}${LAB}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  nurse = await loginOn(server, 'nurse@localhost/room', 'same', romeo);
});

afterAll(() => server.stop());

afterEach(async () => {
  await prefer('always');
});

async function prefer(
  mode: string,
  always: readonly string[] = [],
  never: readonly string[] = [],
): Promise<Element> {
  const list = (jids: readonly string[]): string => jids.map((jid) => `<jid>${jid}</jid>`).join('');
  return await romeo.iq(
    'set',
    undefined,
    `<prefs xmlns='${NS_MAM}' default='${mode}'><always>${list(always)}</always><never>${list(never)}</never></prefs>`,
  );
}

function prefsIn(answer: Element): unknown {
  const prefs = answer.child('prefs', NS_MAM)!;
  const list = (name: string): string[] =>
    prefs
      .child(name)!
      .elements()
      .map((jid) => jid.text());
  return { mode: prefs.attribute('default'), always: list('always'), never: list('never') };
}

let texts = 0;

/** Which of four messages, to and from Juliet and the nurse, Romeo's archive takes. */
async function archived(): Promise<string> {
  const n = ++texts;
  const before = (await page(romeo, { set: '<max>1</max><before/>' })).last;
  const told = [
    await talk(romeo, juliet, [`${n} to juliet`]),
    await talk(juliet, romeo, [`${n} from juliet`]),
    await talk(romeo, nurse, [`${n} to nurse`]),
    await talk(nurse, romeo, [`${n} from nurse`]),
  ];
  const fields = before === undefined ? {} : { 'after-id': before };
  const found = await page(romeo, { fields });
  // Who hears of an id finds it in the archive.
  const ids = [told[1]!, told[3]!].map(([message]) => stanzaId(message!, 'romeo@localhost'));
  for (const id of ids) if (id !== undefined) expect(found.ids).toContain(id);
  return found.bodies.map((body) => body?.replace(`${n} `, '')).join(', ');
}

const ALL = 'to juliet, from juliet, to nurse, from nurse';

describe('preferences', () => {
  it('are: everything, for who has said nothing', async () => {
    const answer = await juliet.iq('get', undefined, `<prefs xmlns='${NS_MAM}'/>`);
    expect(prefsIn(answer)).toEqual({ mode: 'always', always: [], never: [] });
  });

  it('are told as they were set, prepared and without repetitions, in both namespaces', async () => {
    const set = await prefer('roster', ['JULIET@localhost', 'juliet@localhost'], ['nurse@localhost/room']);
    const expected = { mode: 'roster', always: ['juliet@localhost'], never: ['nurse@localhost/room'] };
    expect(prefsIn(set)).toEqual(expected);
    expect(prefsIn(await romeo.iq('get', 'romeo@localhost', `<prefs xmlns='${NS_MAM}'/>`))).toEqual(expected);
    const old = await romeo.iq('get', undefined, "<prefs xmlns='urn:xmpp:mam:1'/>");
    expect(old.child('prefs', 'urn:xmpp:mam:1')!.attribute('default')).toBe('roster');
  });

  it.each([
    ['always', [], [], ALL],
    ['never', [], [], ''],
    ['roster', [], [], 'to juliet, from juliet'],
    ['never', ['juliet@localhost'], [], 'to juliet, from juliet'],
    ['never', ['juliet@localhost/balcony'], [], 'to juliet, from juliet'],
    ['never', ['juliet@localhost/elsewhere'], [], ''],
    ['always', [], ['juliet@localhost'], 'to nurse, from nurse'],
    ['always', [], ['nurse@localhost/room'], 'to juliet, from juliet'],
    ['always', ['nurse@localhost/room'], ['nurse@localhost'], ALL],
    ['never', ['nurse@localhost'], ['nurse@localhost/room'], ''],
    ['roster', ['nurse@localhost'], ['juliet@localhost'], 'to nurse, from nurse'],
  ])('say by default %s, always %j, never %j: %s', async (mode, always, never, expected) => {
    await prefer(mode, always, never);
    expect(await archived()).toBe(expected);
  });

  it('of one are not those of the other', async () => {
    await prefer('never');
    await talk(romeo, juliet, ['mine is not hers']);
    expect((await page(juliet, { set: '<max>1</max><before/>' })).bodies).toEqual(['mine is not hers']);
    expect((await page(romeo, { set: '<max>1</max><before/>' })).bodies).not.toEqual(['mine is not hers']);
  });

  it.each([
    ["<prefs xmlns='urn:xmpp:mam:2'/>", 'bad-request'],
    ["<prefs xmlns='urn:xmpp:mam:2' default='sometimes'/>", 'bad-request'],
    ["<prefs xmlns='urn:xmpp:mam:2' default='never'><always><jid>@</jid></always></prefs>", 'jid-malformed'],
    [
      `<prefs xmlns='urn:xmpp:mam:2' default='never'><always>${Array.from({ length: 501 }, (_, n) => `<jid>u${n}@x</jid>`).join('')}</always></prefs>`,
      'policy-violation',
    ],
  ])('that make no sense are refused, and change nothing: %.60s', async (payload, expected) => {
    expect(condition(await romeo.iq('set', undefined, payload))).toBe(expected);
    const answer = await romeo.iq('get', undefined, `<prefs xmlns='${NS_MAM}'/>`);
    expect(prefsIn(answer)).toEqual({ mode: 'always', always: [], never: [] });
  });

  it('are the owner’s alone', async () => {
    const prefs = `<prefs xmlns='${NS_MAM}' default='never'/>`;
    expect(condition(await juliet.iq('set', 'romeo@localhost', prefs))).toBe('not-allowed');
    expect(condition(await juliet.iq('get', 'romeo@localhost', prefs))).toBe('not-allowed');
  });
});
