import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { fixture, LAB, loginOn } from './support.ts';

/** mod_stanzaid (XEP-0359): one id for each message, and none that is forged. */

const NS = 'urn:xmpp:sid:0';

let server: TestServer;
let open: TestClient[] = [];

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet'],
    toml: `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_disco]\n[modules.mod_carboncopy]\n[modules.mod_stanzaid]\n${LAB}${fixture('mod_room', 'mod-room.ts')}`,
  });
});

afterAll(() => server.stop());

afterEach(async () => {
  for (const client of open) await client.close();
  open = [];
});

async function both(place: 'same' | 'other'): Promise<[TestClient, TestClient]> {
  const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  const juliet = await loginOn(server, 'juliet@localhost/balcony', place, romeo);
  open.push(romeo, juliet);
  return [romeo, juliet];
}

/** All ids of a message, as `by` and id. */
function ids(message: Element): [string | undefined, string | undefined][] {
  return message
    .elements()
    .filter((child) => child.name === 'stanza-id' && child.ns === NS)
    .map((child) => [child.attribute('by'), child.attribute('id')]);
}

describe.each(['same', 'other'] as const)('stanza ids, the recipient on the %s shard', (place) => {
  it('are different for each message, rise, and come once', async () => {
    const [romeo, juliet] = await both(place);
    const seen: string[] = [];
    for (const attributes of ["type='chat'", '', "type='headline'", "type='chat'"]) {
      romeo.send(`<message to='juliet@localhost/balcony' ${attributes}><body>!</body></message>`);
      const [[by, id], ...more] = ids(await juliet.message()) as [[string, string]];
      expect([by, more]).toEqual(['juliet@localhost', []]);
      expect(id).toMatch(/^[0-9A-V]{12,13}$/);
      seen.push(id);
    }
    expect(new Set(seen).size).toBe(4);
    expect(seen.toSorted()).toEqual(seen);
  });

  it('are the same for all devices of the recipient, and stored with the message', async () => {
    const [romeo, juliet] = await both(place);
    const second = await loginOn(server, 'juliet@localhost/garden', 'other', juliet);
    romeo.send("<message to='juliet@localhost' type='chat'><body>!</body></message>");
    expect(ids(await juliet.message())).toEqual(ids(await second.message()));
    await second.close();
    await juliet.close();
    open = [romeo];
    romeo.send("<message to='juliet@localhost' type='chat'><body>1</body></message>");
    romeo.send("<message to='juliet@localhost' type='chat'><body>2</body></message>");
    const again = await loginOn(server, 'juliet@localhost/balcony', place, romeo);
    open.push(again);
    const [first] = ids(await again.message());
    const [next] = ids(await again.message());
    expect([first![0], next![0]]).toEqual(['juliet@localhost', 'juliet@localhost']);
    expect(first![1]! < next![1]!).toBe(true);
  });

  it.each([
    ['the recipient', `<stanza-id xmlns='${NS}' by='juliet@localhost' id='forged'/>`],
    ['the recipient, five times', `<stanza-id xmlns='${NS}' by='juliet@localhost' id='forged'/>`.repeat(5)],
    ['the recipient with a prefix', `<s:stanza-id xmlns:s='${NS}' by='juliet@localhost' id='forged'/>`],
    ['the recipient in another spelling', `<stanza-id xmlns='${NS}' by='JULIET@LocalHost' id='forged'/>`],
    [
      'the recipient with an escaped namespace',
      "<stanza-id xmlns='urn:xmpp:s&#105;d:0' by='juliet@localhost' id='forged'/>",
    ],
    ['a resource of the recipient', `<stanza-id xmlns='${NS}' by='juliet@localhost/balcony' id='forged'/>`],
    ['the server', `<stanza-id xmlns='${NS}' by='localhost' id='forged'/>`],
    ['the sender', `<stanza-id xmlns='${NS}' by='romeo@localhost' id='forged'/>`],
  ])('in the name of %s are taken out (threat T38)', async (_name, forged) => {
    const [romeo, juliet] = await both(place);
    for (const text of [`${forged}<body>!</body>`, `<body>!</body>${forged}`]) {
      romeo.send(`<message to='juliet@localhost' type='chat'>${text}</message>`);
      const message = await juliet.message();
      expect(message.childText('body')).toBe('!');
      const [[by, id], ...more] = ids(message) as [[string, string]];
      expect([by, more]).toEqual(['juliet@localhost', []]);
      expect(id).not.toBe('forged');
    }
  });

  it('of others stay, and so do ids of the origin and what is inside of something else', async () => {
    const [romeo, juliet] = await both(place);
    const kept =
      `<stanza-id xmlns='${NS}' by='room@elsewhere.example' id='theirs'/><origin-id xmlns='${NS}' id='mine'/>` +
      `<stanza-id xmlns='${NS}' by='' id='nobody'/><x xmlns='urn:x'><stanza-id xmlns='${NS}' by='juliet@localhost' id='nested'/></x>`;
    romeo.send(`<message to='juliet@localhost' type='chat'><body>!</body>${kept}</message>`);
    const message = await juliet.message();
    expect(ids(message).map(([by]) => by)).toEqual(['room@elsewhere.example', '', 'juliet@localhost']);
    expect(message.child('origin-id', NS)?.attribute('id')).toBe('mine');
    expect(message.child('x', 'urn:x')?.elements()).toHaveLength(1);
  });
});

describe('stanza ids', () => {
  it('are announced by the server and by accounts', async () => {
    const [romeo] = await both('other');
    const info = 'http://jabber.org/protocol/disco#info';
    for (const to of ['localhost', 'romeo@localhost']) {
      const answer = await romeo.iq('get', to, `<query xmlns='${info}'/>`);
      const features = answer
        .child('query', info)!
        .elements()
        .map((one) => one.attribute('var'));
      expect(features).toContain(NS);
    }
  });

  it('are given by rooms, too, in place of forged ones', async () => {
    const [romeo] = await both('same');
    const forged = `<stanza-id xmlns='${NS}' by='hall@rooms.localhost' id='forged'/>`;
    romeo.send(`<message to='hall@rooms.localhost' type='groupchat'><body>!</body>${forged}</message>`);
    const found = ids(await romeo.message());
    expect(found.map(([by]) => by)).toEqual(['hall@rooms.localhost', 'romeo@localhost']);
    expect(found[0]![1]).toMatch(/^[0-9A-V]{12,13}$/);
  });

  it('are those of the message in a copy of it, which has none itself; an error has its own', async () => {
    const [romeo, juliet] = await both('other');
    const phone = await loginOn(server, 'juliet@localhost/phone', 'same', romeo);
    open.push(phone);
    await phone.iq('set', undefined, "<enable xmlns='urn:xmpp:carbons:2'/>");
    romeo.send(`<message to='${juliet.jid}' type='chat'><body>!</body></message>`);
    const direct = ids(await juliet.message());
    const copy = await phone.message();
    expect(ids(copy)).toEqual([]);
    romeo.send("<message to='nobody@localhost' type='chat'><body>!</body></message>");
    const error = await romeo.message();
    expect(error.attribute('type')).toBe('error');
    const [[by, id]] = ids(error) as [[string, string]];
    expect(by).toBe('romeo@localhost');
    expect(id).not.toBe(direct[0]![1]);
  });
});
