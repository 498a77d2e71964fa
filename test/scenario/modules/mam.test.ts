import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { acknowledge, enableResumption, handled } from '../../helpers/stream-management.ts';
import { numbered, page, type Result, stanzaId, talk } from './mam-support.ts';
import { LAB, loginOn, nobodyThere } from './support.ts';

/** mod_mam (XEP-0313): what is archived, and how it is found again. */

let server: TestServer;
const open: TestClient[] = [];
let users = 0;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    toml: `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_disco]\n[modules.mod_carboncopy]\n[modules.mod_stream_management]\n[modules.mod_mam.pm]\n${LAB}`,
    users: [...Array(60).keys()].flatMap((n) => [`romeo${n}`, `juliet${n}`]),
  });
});

afterAll(() => server.stop());

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
});

/** Two users whom nobody has used, Juliet on the same shard as Romeo or on the other. */
async function both(place: 'same' | 'other' = 'other'): Promise<[TestClient, TestClient]> {
  const n = users++;
  const romeo = await TestClient.login(server.port(), `romeo${n}@localhost/orchard`);
  const juliet = await loginOn(server, `juliet${n}@localhost/balcony`, place, romeo);
  open.push(romeo, juliet);
  return [romeo, juliet];
}

describe.each(['same', 'other'] as const)('an archive, the recipient on the %s shard', (place) => {
  it('has what its user has sent and received, under the same ids for both, in order', async () => {
    const [romeo, juliet] = await both(place);
    const heard = await talk(romeo, juliet, ['one', 'two']);
    const answered = await talk(juliet, romeo, ['three']);
    const [bare, his] = [juliet.jid.split('/')[0]!, romeo.jid.split('/')[0]!];
    const mine = await page(romeo);
    const hers = await page(juliet);
    expect(mine.bodies).toEqual(['one', 'two', 'three']);
    expect(hers.bodies).toEqual(['one', 'two', 'three']);
    expect(hers.ids).toEqual(mine.ids);
    expect(hers.ids.slice(0, 2)).toEqual(heard.map((message) => stanzaId(message, bare)));
    expect(mine.ids[2]).toBe(stanzaId(answered[0]!, his));
    expect(hers.ids.toSorted()).toEqual(hers.ids);
    expect(mine.results[0]!.message.attribute('from')).toBe(romeo.jid);
    expect(mine.results[0]!.message.attribute('to')).toBe(juliet.jid);
    expect(mine.results[0]!.message.attribute('type')).toBe('chat');
    expect(mine).toMatchObject({
      isComplete: true,
      first: mine.ids[0],
      last: mine.ids[2],
      index: '0',
      count: '3',
    });
  });

  it('is complete whenever it is asked, right behind what was sent', async () => {
    const [romeo, juliet] = await both(place);
    for (const text of numbered(30)) {
      romeo.send(`<message to='${juliet.jid}' type='chat'><body>${text}</body></message>`);
    }
    expect((await page(romeo, { set: '<max>50</max>' })).bodies).toEqual(numbered(30));
    for (const _ of numbered(30)) await juliet.message();
    expect((await page(juliet, { set: '<max>50</max>' })).bodies).toEqual(numbered(30));
  });
});

const HINTS = 'urn:xmpp:hints';
const bare = ({ jid }: TestClient): string => jid.split('/')[0]!;
const bodies = async (client: TestClient): Promise<readonly (string | undefined)[]> =>
  (await page(client)).bodies;

/** Sends one message, with a body that tells its number unless `content` has none of it. */
function send(from: TestClient, to: string, content: string, attributes = "type='chat'"): void {
  from.send(`<message to='${to}' ${attributes}>${content}</message>`);
}

describe('what is archived', () => {
  it.each([
    ['a chat', '<body>x</body>', "type='chat'"],
    ['a normal message', '<body>x</body>', "type='normal'"],
    ['one without a type', '<body>x</body>', ''],
    ['one of an unknown type (RFC 6121 §5.2.2)', '<body>x</body>', "type='unheard-of'"],
    ['one whose body comes late', '<subject>s</subject><thread>t</thread><body>x</body>', "type='chat'"],
    [
      'one with extensions',
      "<body>x</body><active xmlns='http://jabber.org/protocol/chatstates'/>",
      "type='chat'",
    ],
    [
      'one that speaks of results, delays and no-store',
      '<body>no-store result delay retract stanza-id</body>',
      '',
    ],
    ['one with its own namespace', '<body>x</body>', "type='chat' xmlns='jabber:client'"],
    ['one that shall be stored', `<x xmlns='urn:x'/><store xmlns='${HINTS}'/>`, "type='chat'"],
    ['one with an empty body', '<body/>', "type='chat'"],
    ['one with a prefix', "<c:body xmlns:c='jabber:client'>x</c:body>", "type='chat'"],
  ])('is %s', async (_name, content, attributes) => {
    const [romeo, juliet] = await both();
    send(romeo, juliet.jid, content, attributes);
    const heard = await juliet.message();
    const id = stanzaId(heard, bare(juliet));
    expect(id).toBeDefined();
    expect((await page(romeo)).ids).toEqual([id]);
    expect((await page(juliet)).ids).toEqual([id]);
  });

  it.each([
    ['a headline', '<body>x</body>', "type='headline'"],
    ['a chat state', "<composing xmlns='http://jabber.org/protocol/chatstates'/>", "type='chat'"],
    ['a chat marker', "<received xmlns='urn:xmpp:chat-markers:0' id='1'/>", "type='chat'"],
    ['a subject alone', '<subject>x</subject>', "type='chat'"],
    ['one that must not be stored', `<body>x</body><no-store xmlns='${HINTS}'/>`, "type='chat'"],
    [
      'one that must not be stored, though it shall',
      `<store xmlns='${HINTS}'/><no-store xmlns='${HINTS}'/>`,
      '',
    ],
    [
      'one that must not be stored for long',
      `<body>x</body><no-permanent-store xmlns='${HINTS}'/>`,
      "type='chat'",
    ],
    [
      'a repetition',
      "<body>x</body><delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>",
      "type='chat'",
    ],
    ['a forged result', "<body>x</body><result xmlns='urn:xmpp:mam:2'/>", "type='chat'"],
    ['a body of another namespace', "<body xmlns='urn:x'>x</body>", "type='chat'"],
    ['a body further inside', "<x xmlns='urn:x'><body xmlns='jabber:client'>x</body></x>", "type='chat'"],
  ])('is not %s; then it has no id', async (_name, content, attributes) => {
    const [romeo, juliet] = await both();
    send(romeo, juliet.jid, content, attributes);
    expect(stanzaId(await juliet.message(), bare(juliet))).toBeUndefined();
    expect(await bodies(romeo)).toEqual([]);
    expect(await bodies(juliet)).toEqual([]);
  });

  it('is not an error', async () => {
    const [romeo, juliet] = await both();
    send(romeo, juliet.jid, "<body>x</body><error type='cancel'/>", "type='error'");
    await juliet.message();
    expect(await bodies(juliet)).toEqual([]);
  });

  it('is what was sent to nobody, and to strangers, in the archive of who sent it', async () => {
    const [romeo] = await both();
    send(romeo, 'nobody@localhost', '<body>one</body>');
    send(romeo, 'someone@elsewhere.example', '<body>two</body>');
    await romeo.message();
    expect(await bodies(romeo)).toEqual(['one', 'two']);
  });

  it('is what somebody writes to himself: once', async () => {
    const [romeo] = await both();
    send(romeo, bare(romeo), '<body>note</body>');
    await romeo.message();
    send(romeo, romeo.jid, '<body>note 2</body>');
    await romeo.message();
    romeo.send("<message type='chat'><body>note 3</body></message>");
    await romeo.message();
    const found = await page(romeo);
    expect(found.bodies).toEqual(['note', 'note 2', 'note 3']);
    expect((await page(romeo, { fields: { with: bare(romeo) } })).ids).toEqual(found.ids);
  });

  it('is whole: languages, entities, characters of all planes, and what else there is', async () => {
    const [romeo, juliet] = await both();
    const content = `<subject xml:lang='it'>Ciao</subject><body xml:lang='ru'>Ромео &amp; Джульетта 🍷 &lt;3</body><x xmlns='urn:x' a='&quot;ü'><y>&#x1F4A1;</y></x>`;
    send(romeo, juliet.jid, content, "type='chat' id='ünïcode' xml:lang='de'");
    await juliet.message();
    const [{ message }] = (await page(juliet)).results as [Result];
    expect(message.childText('body')).toBe('Ромео & Джульетта 🍷 <3');
    expect(message.attribute('id')).toBe('ünïcode');
    expect(message.attribute('xml:lang')).toBe('de');
    expect(message.child('subject')?.attribute('xml:lang')).toBe('it');
    expect(message.child('x', 'urn:x')?.attribute('a')).toBe('"ü');
    expect(message.child('x', 'urn:x')?.childText('y')).toBe('💡');
  });
});

describe('who is not there', () => {
  it('finds in the archive what was stored for him, once; what must not be stored comes late, and is not archived', async () => {
    const [romeo, juliet] = await both();
    await juliet.close();
    await nobodyThere(romeo, bare(juliet));
    send(romeo, bare(juliet), '<body>kept</body>');
    send(romeo, bare(juliet), `<body>fleeting</body><no-store xmlns='${HINTS}'/>`);
    await romeo.iq('get', 'localhost', "<nothing xmlns='urn:x'/>");
    const again = await TestClient.login(server.port(), juliet.jid, { isAvailable: false });
    open.push(again);
    again.send('<presence/>');
    const first = await again.message();
    expect(first.childText('body')).toBe('kept');
    expect((await again.message()).childText('body')).toBe('fleeting');
    const found = await page(again);
    expect(found.bodies).toEqual(['kept']);
    expect(stanzaId(first, bare(juliet))).toBe(found.ids[0]);
  });

  it('has one copy if his connection was lost before he acknowledged (XEP-0198)', async () => {
    const [romeo, juliet] = await both();
    await enableResumption(juliet);
    send(romeo, juliet.jid, '<body>lost?</body>');
    const heard = await juliet.message();
    juliet.cut();
    const again = await TestClient.login(server.port(), juliet.jid, { isAvailable: false });
    open.push(again);
    again.send('<presence/>');
    const repeated = await again.message();
    expect(repeated.childText('body')).toBe('lost?');
    expect(stanzaId(repeated, bare(juliet))).toBe(stanzaId(heard, bare(juliet)));
    expect((await page(again)).ids).toEqual([stanzaId(heard, bare(juliet))]);
  });
});

describe('acknowledgements (XEP-0198)', () => {
  it('count what is archived, and results like everything else', async () => {
    const [romeo, juliet] = await both();
    await enableResumption(romeo);
    await talk(romeo, juliet, numbered(5));
    while ((await handled(romeo)) < 5);
    expect((await page(romeo)).bodies).toEqual(numbered(5));
    // Five results and the end of the answer: more than that would be a stream error.
    acknowledge(romeo, 6);
    expect(await handled(romeo)).toBeGreaterThanOrEqual(5);
    acknowledge(romeo, 7);
    expect(await romeo.streamError()).toBe('undefined-condition');
    open.splice(open.indexOf(romeo), 1);
  });
});

describe('ids (XEP-0359)', () => {
  it.each(['same', 'other'] as const)(
    'forged in the name of either are taken out, also of the archive, others stay: %s shard (threat T38)',
    async (place) => {
      const [romeo, juliet] = await both(place);
      const forged = [bare(juliet), bare(romeo), bare(juliet).toUpperCase(), 'elsewhere.example']
        .map((by) => `<stanza-id xmlns='urn:xmpp:sid:0' by='${by}' id='forged'/>`)
        .join('');
      send(romeo, juliet.jid, `<body>x</body>${forged}`);
      const heard = await juliet.message();
      const found = await page(juliet);
      const all = heard.elements().filter(({ name }) => name === 'stanza-id');
      const byOthers = all
        .filter((one) => one.attribute('id') === 'forged')
        .map((one) => one.attribute('by'));
      expect(byOthers).toEqual([bare(romeo), 'elsewhere.example']);
      expect(stanzaId(heard, bare(juliet))).toBe(found.ids[0]);
      const kept = found.results[0]!.message.elements().filter(({ name }) => name === 'stanza-id');
      expect(kept.map((one) => one.attribute('by'))).toEqual(['elsewhere.example']);
    },
  );

  it('are taken out of what is not archived, too', async () => {
    const [romeo, juliet] = await both();
    const forged = `<stanza-id xmlns='urn:xmpp:sid:0' by='${bare(juliet)}' id='forged'/>`;
    send(romeo, juliet.jid, `<body>x</body><no-store xmlns='${HINTS}'/>${forged}`);
    expect(stanzaId(await juliet.message(), bare(juliet))).toBeUndefined();
  });

  it('are in the copies that the sender’s other devices get (XEP-0280)', async () => {
    const [romeo, juliet] = await both();
    const phone = await TestClient.login(server.port(), `${bare(romeo)}/phone`);
    open.push(phone);
    await phone.iq('set', undefined, "<enable xmlns='urn:xmpp:carbons:2'/>");
    await phone.nothingElse();
    send(romeo, juliet.jid, '<body>x</body>');
    const copy = (await phone.message()).child('sent', 'urn:xmpp:carbons:2')!;
    const copied = copy.child('forwarded', 'urn:xmpp:forward:0')!.child('message', 'jabber:client')!;
    const [id] = (await page(phone)).ids;
    expect(stanzaId(copied, bare(romeo))).toBe(id);
    expect((await page(phone)).ids).toHaveLength(1);
  });
});
