import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { NS_MAM, page, queryXml, refusal, talk } from './mam-support.ts';
import { condition, fixture, LAB, loginOn } from './support.ts';

/** Who may ask an archive, how often, and what service discovery tells of it; and other modules’ part in it. */

const NS_DISCO = 'http://jabber.org/protocol/disco#info';
const NS_SPY = 'urn:test:archive';

async function features(client: TestClient, to: string): Promise<string[]> {
  const answer = await client.iq('get', to, `<query xmlns='${NS_DISCO}'/>`);
  if (answer.attribute('type') === 'error') throw new Error(condition(answer));
  const query = answer.child('query', NS_DISCO)!;
  return query
    .elements()
    .filter(({ name }) => name === 'feature')
    .map((feature) => feature.attribute('var')!);
}

describe('an archive', () => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;
  let admin: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      shards: 2,
      users: ['romeo', 'juliet', 'admin', 'silent', 'slow'],
      toml: `[modules.mod_presence]\n[modules.mod_disco]\n[modules.mod_mam.pm]\n${LAB}
[acl]
  admins = [{ user = "admin" }]
  silenced = [{ user = "silent" }]
  slowed = [{ user = "slow" }]
[shaper.lazy]
  max_rate = 1
  burst = 3
[access]
  mam_lookup_messages = [
    { acl = "admins", value = "allow" },
    { acl = "silenced", value = "deny" },
    { acl = "all", value = "default" },
  ]
  mam_lookup_messages_global_shaper = [{ acl = "slowed", value = "lazy" }, { acl = "all", value = "none" }]`,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    admin = await loginOn(server, 'admin@localhost/desk', 'other', romeo);
    await talk(romeo, juliet, ['one', 'two']);
  });

  afterAll(() => server.stop());

  it('is announced by the server and by the own account, with all that it can do', async () => {
    const expected = [
      'urn:xmpp:mam:1',
      'urn:xmpp:mam:2',
      'urn:xmpp:mam:2#extended',
      'urn:xmpp:mam:2#groupchat-field',
      'urn:xmpp:fulltext:0',
      'urn:xmpp:message-retract:0',
      'urn:xmpp:message-retract:0#tombstone',
      'urn:xmpp:message-retract:1',
      'urn:xmpp:message-retract:1#tombstone',
      'urn:esl:message-retract-by-stanza-id:0',
    ];
    for (const to of ['localhost', 'romeo@localhost']) {
      const all = await features(romeo, to);
      expect(all).toEqual(expect.arrayContaining(expected));
      expect(all).not.toContain('urn:xmpp:mam:2#groupchat-available');
      expect(new Set(all).size).toBe(all.length);
    }
    await expect(features(juliet, 'romeo@localhost')).rejects.toThrow('service-unavailable');
  });

  it('is for its owner alone; nobody learns from the answer whether there is such an account (threats T37, T68)', async () => {
    for (const to of ['romeo@localhost', 'nobody@localhost']) {
      expect(await refusal(juliet, { to })).toBe('not-allowed');
      const metadata = await juliet.iq('get', to, `<metadata xmlns='${NS_MAM}'/>`);
      expect(condition(metadata)).toBe('not-allowed');
      expect(condition(await juliet.iq('get', to, `<query xmlns='${NS_MAM}'/>`))).toBe('not-allowed');
    }
    expect(await refusal(juliet, { to: 'localhost' })).toBe('service-unavailable');
  });

  it('may be asked by whom a rule allows it, and not by whom one denies it', async () => {
    expect((await page(admin, { to: 'romeo@localhost' })).bodies).toEqual(['one', 'two']);
    expect((await page(admin, { to: 'nobody@localhost' })).bodies).toEqual([]);
    const silent = await TestClient.login(server.port(), 'silent@localhost/r');
    expect(await refusal(silent)).toBe('not-allowed');
    await silent.close();
  });

  it('keeps no preferences unless the configuration says where', async () => {
    const prefs = `<prefs xmlns='${NS_MAM}' default='never'/>`;
    expect(condition(await romeo.iq('get', undefined, prefs))).toBe('feature-not-implemented');
    expect(condition(await romeo.iq('set', undefined, prefs))).toBe('feature-not-implemented');
  });

  it('answers who asks too often with resource-constraint, and others go on', async () => {
    const sessions = await Promise.all(
      Array.from({ length: 16 }, (_, n) => TestClient.login(server.port(), `slow@localhost/r${n}`)),
    );
    const asked = queryXml({ set: '<max>1</max>' });
    const answers = await Promise.all(sessions.map((slow) => slow.iq('set', undefined, asked)));
    const told = answers.map((answer) => condition(answer) ?? 'answered');
    // Of each shard three at once, and those that need not wait for long.
    expect(told.filter((one) => one === 'answered').length).toBeGreaterThanOrEqual(6);
    expect(told).toContain('resource-constraint');
    expect((await page(romeo)).bodies).toEqual(['one', 'two']);
    await Promise.all(sessions.map((slow) => slow.close()));
  });
});

describe('other modules', () => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      shards: 2,
      users: ['romeo', 'juliet', 'banned'],
      toml: `[modules.mod_presence]\n[modules.mod_mam.pm]\n${fixture('mod_archive_spy', 'mod-archive-spy.ts')}${LAB}`,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', 'same', romeo);
  });

  afterAll(() => server.stop());

  async function heard(): Promise<string[]> {
    const answer = await romeo.iq('get', undefined, `<heard xmlns='${NS_SPY}'/>`);
    return answer.child('heard', NS_SPY)!.text().split(' ');
  }

  it('hear of each message, for each archive, in the order of MongooseIM', async () => {
    await heard();
    romeo.send(
      `<message to='${juliet.jid}' type='chat'><body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/></message>`,
    );
    await juliet.message();
    expect(await heard()).toEqual([
      'id:romeo',
      'behaviour:romeo/juliet/7',
      'id:romeo',
      'archive:outgoing/romeo/juliet/o',
      'id:juliet',
      'behaviour:juliet/romeo/7',
      'id:juliet',
      'archive:incoming/juliet/romeo/o',
    ]);
    expect((await page(juliet, { set: '<max>1</max><before/>' })).bodies).toEqual(['x']);
    expect((await page(romeo, { set: '<max>1</max><before/>' })).bodies).toEqual(['x']);
  });

  it('may keep messages out of archives, which then have no id', async () => {
    const [refused] = await talk(romeo, juliet, ['refuse']);
    expect(refused!.elements().map(({ name }) => name)).toEqual(['body']);
    romeo.send("<message to='banned@localhost' type='chat'><body>secret</body></message>");
    await romeo.message();
    const { bodies } = await page(romeo, { set: '<max>50</max>' });
    expect(bodies).not.toContain('refuse');
    expect(bodies).not.toContain('secret');
  });

  it('hear of lookups, of metadata, and of each message that is asked for by its id', async () => {
    const { ids } = await page(romeo, { set: '<max>1</max>' });
    await heard();
    await page(romeo, { set: '<max>3</max>' });
    await romeo.iq('get', undefined, `<metadata xmlns='${NS_MAM}'/>`);
    await page(romeo, { fields: { ids: [ids[0]!, ids[0]!] } });
    expect(await refusal(romeo, { fields: { ids: [ids[0]!, '123'] } })).toBe('item-not-found');
    expect(await heard()).toEqual([
      'lookup:romeo/3/page',
      'lookup:romeo/1/page',
      'lookup:romeo/1/page',
      'lookup:romeo/1/one',
      'lookup:romeo/1/one',
      'lookup:romeo/1/one',
    ]);
  });

  it('hear of retractions, and learn how large an archive is', async () => {
    const origin = "<origin-id xmlns='urn:xmpp:sid:0' id='o9'/>";
    romeo.send(`<message to='${juliet.jid}' type='chat'><body>hasty</body>${origin}</message>`);
    await heard();
    const retract = "<retract xmlns='urn:xmpp:message-retract:1' id='o9'/>";
    romeo.send(`<message to='${juliet.jid}' type='chat'>${retract}</message>`);
    const all: string[] = [];
    while (!all.includes('retraction:romeo')) all.push(...(await heard()));
    const size = await romeo.iq('get', undefined, `<size xmlns='${NS_SPY}'/>`);
    const { count } = await page(romeo, { set: '<max>0</max>' });
    expect(size.child('size', NS_SPY)!.text()).toBe(count);
  });
});
