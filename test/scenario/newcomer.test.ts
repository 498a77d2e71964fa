import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Element, TestClient } from '../helpers/client.ts';
import { agent, login2, NS_BIND2, NS_SASL2, secureStream, tlsConfig } from '../helpers/sasl2.ts';
import { TestServer } from '../helpers/server.ts';
import { condition } from './modules/support.ts';

/** What chat clients find on a server whose configuration names no module. */

const INFO = 'http://jabber.org/protocol/disco#info';
const NS_FAST = 'urn:xmpp:fast:0';
const NS_CARBONS = 'urn:xmpp:carbons:2';
const NS_SM = 'urn:xmpp:sm:3';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ users: ['romeo', 'juliet'], config: tlsConfig('') });
});

afterAll(() => server.stop());

const outline = (element: Element): string[] => element.elements().map(({ name, ns }) => `${name} ${ns}`);

async function features(client: TestClient, to: string): Promise<(string | undefined)[]> {
  const query = (await client.iq('get', to, `<query xmlns='${INFO}'/>`)).child('query', INFO)!;
  return query
    .elements()
    .filter(({ name }) => name === 'feature')
    .map((one) => one.attribute('var'));
}

/** The answer to a request that must succeed. */
async function result(
  client: TestClient,
  type: 'get' | 'set',
  to: string | undefined,
  payload: string,
): Promise<Element> {
  const answer = await client.iq(type, to, payload);
  expect([answer.attribute('type'), condition(answer)]).toEqual(['result', undefined]);
  return answer;
}

/** Logs in as clients of today do: a session, its acknowledgements, carbons and a token, all in one request. */
function login(user: string): ReturnType<typeof login2> {
  const token = `<request-token xmlns='${NS_FAST}' mechanism='HT-SHA-256-NONE'/>`;
  return login2(server, user, {
    inside: agent(randomUUID()) + token,
    bind: `<tag>Test</tag><enable xmlns='${NS_CARBONS}'/><enable xmlns='${NS_SM}' resume='true'/>`,
  });
}

/** A device that is available. */
async function device(user: string): ReturnType<typeof login2> {
  const session = await login(user);
  session.client.send('<presence/>');
  await session.client.until((one) => one.name === 'presence' && one.attribute('from') === session.jid);
  return session;
}

describe('without a [modules] section', () => {
  it('a stream inside TLS offers both ways to log in, with all that fits into the one request', async () => {
    const { client, features: offered } = await secureStream(server);
    const authentication = offered.child('authentication', NS_SASL2)!;
    const inline = authentication.child('inline')!;
    expect(outline(inline)).toEqual(
      expect.arrayContaining([`bind ${NS_BIND2}`, `fast ${NS_FAST}`, `sm ${NS_SM}`]),
    );
    const vars = inline.child('bind', NS_BIND2)!.child('inline')!.elements();
    expect(vars.map((one) => one.attribute('var'))).toEqual(
      expect.arrayContaining([NS_CARBONS, NS_SM, 'urn:xmpp:csi:0']),
    );
    expect(outline(offered)).toEqual(
      expect.arrayContaining([
        'mechanisms urn:ietf:params:xml:ns:xmpp-sasl',
        'c http://jabber.org/protocol/caps',
        'c urn:xmpp:caps',
      ]),
    );
    client.cut();
  });

  it('server and account tell what they can', async () => {
    const { client } = await device('romeo');
    expect(await features(client, 'localhost')).toEqual(
      expect.arrayContaining([
        INFO,
        'http://jabber.org/protocol/disco#items',
        'http://jabber.org/protocol/commands',
        'http://jabber.org/protocol/caps',
        'jabber:iq:last',
        'jabber:iq:version',
        'msgoffline',
        'urn:xmpp:blocking',
        'urn:xmpp:caps',
        'urn:xmpp:carbons:2',
        'urn:xmpp:ping',
        'urn:xmpp:sic:1',
        'urn:xmpp:time',
        'vcard-temp',
      ]),
    );
    expect(await features(client, 'romeo@localhost')).toEqual(
      expect.arrayContaining([
        'jabber:iq:last',
        'jabber:iq:private',
        'jabber:iq:roster',
        'urn:xmpp:carbons:2',
        'vcard-temp',
      ]),
    );
    await client.close();
  });

  it('contacts, blocking, a vCard, bookmarks, last activity and the rest work', async () => {
    const [{ client: romeo }, { client: juliet }] = [await device('romeo'), await device('juliet')];
    await result(romeo, 'get', undefined, "<query xmlns='jabber:iq:roster'/>");
    romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
    await juliet.until((one) => one.attribute('type') === 'subscribe');
    juliet.send("<presence to='romeo@localhost' type='subscribed'/>");
    await romeo.until((one) => one.attribute('type') === 'subscribed');
    const roster = await result(romeo, 'get', undefined, "<query xmlns='jabber:iq:roster'/>");
    const [contact] = roster.child('query', 'jabber:iq:roster')!.elements();
    expect([contact?.attribute('jid'), contact?.attribute('subscription')]).toEqual([
      'juliet@localhost',
      'to',
    ]);

    await result(juliet, 'set', undefined, "<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>");
    const card = await result(romeo, 'get', 'juliet@localhost', "<vCard xmlns='vcard-temp'/>");
    expect(card.child('vCard', 'vcard-temp')!.childText('FN')).toBe('Juliet');

    const bookmarks = (content: string): string =>
      `<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'>${content}</storage></query>`;
    await result(romeo, 'set', undefined, bookmarks("<url name='Verona' url='https://verona.example/'/>"));
    const kept = await result(romeo, 'get', undefined, bookmarks(''));
    const storage = kept.child('query', 'jabber:iq:private')!.child('storage', 'storage:bookmarks')!;
    expect(storage.child('url')?.attribute('name')).toBe('Verona');

    const last = await result(romeo, 'get', 'juliet@localhost', "<query xmlns='jabber:iq:last'/>");
    expect(last.child('query', 'jabber:iq:last')!.attribute('seconds')).toBe('0');
    await result(romeo, 'get', undefined, "<blocklist xmlns='urn:xmpp:blocking'/>");
    await result(romeo, 'get', 'localhost', "<ping xmlns='urn:xmpp:ping'/>");
    await result(romeo, 'get', 'localhost', "<time xmlns='urn:xmpp:time'/>");
    await result(romeo, 'get', 'localhost', "<query xmlns='jabber:iq:version'/>");
    const ping = "<command xmlns='http://jabber.org/protocol/commands' node='ping'/>";
    await result(romeo, 'set', 'localhost', ping);
    await romeo.close();
    await juliet.close();
  });

  it('a chat reaches all devices, and waits for who is away', async () => {
    const [one, two] = [await device('juliet'), await device('juliet')];
    const { client: romeo, success } = await device('romeo');
    expect(success.child('token', NS_FAST)?.attribute('token')).toBeDefined();
    expect(outline(success.child('bound', NS_BIND2)!)).toContain(`enabled ${NS_SM}`);
    romeo.send(`<message to='${one.jid}' type='chat'><body>Art thou there?</body></message>`);
    expect((await one.client.message()).childText('body')).toBe('Art thou there?');
    expect((await two.client.message()).child('received', NS_CARBONS)).toBeDefined();
    await one.client.close();
    await two.client.close();
    romeo.send("<message to='juliet@localhost' type='chat'><body>She is gone</body></message>");
    await result(romeo, 'get', 'localhost', "<ping xmlns='urn:xmpp:ping'/>");
    const { client: back } = await login('juliet');
    back.send('<presence/>');
    expect((await back.message()).childText('body')).toBe('She is gone');
    await back.close();
    await romeo.close();
  });

  it('nobody gets an account, a token of another kind or a service that the operator did not want', async () => {
    const { client, features: offered } = await secureStream(server);
    expect(outline(offered).filter((one) => one.startsWith('register '))).toEqual([]);
    const mechanisms = offered.child('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl')!.elements();
    expect(mechanisms.map((one) => one.text())).not.toContain('X-OAUTH');
    client.cut();
    const { client: romeo } = await device('romeo');
    for (const payload of [
      "<services xmlns='urn:xmpp:extdisco:2'/>",
      "<query xmlns='jabber:iq:register'/>",
    ]) {
      expect(condition(await romeo.iq('get', 'localhost', payload))).toBe('service-unavailable');
    }
    await romeo.close();
  });
});
