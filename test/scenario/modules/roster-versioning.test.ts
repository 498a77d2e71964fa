import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { itemText, NS_ROSTER, pushed, ROSTER_MODULES, roster, setItem } from './roster-support.ts';

/** Roster versioning (XEP-0237, RFC 6121 §2.6), with versions that are numbers and versions that are hashes. */

const NS_FEATURE = 'urn:xmpp:features:rosterver';

describe.each([true, false])('roster versions, store_current_id = %s', (isStored) => {
  let server: TestServer;

  beforeAll(async () => {
    const options = `[modules.mod_roster]\n  versioning = true\n  store_current_id = ${isStored}`;
    server = await TestServer.start({
      users: ['romeo', 'juliet'],
      toml: ROSTER_MODULES.replace('[modules.mod_roster]', options),
    });
  });

  afterAll(() => server.stop());

  async function ask(
    client: TestClient,
    ver: string,
  ): Promise<{ items: string[]; ver: string | undefined } | 'same'> {
    const result = await client.iq('get', undefined, `<query xmlns='${NS_ROSTER}' ver='${ver}'/>`);
    expect(result.attribute('type')).toBe('result');
    const query = result.child('query', NS_ROSTER);
    if (query === undefined) return 'same';
    return { items: query.elements().map(itemText), ver: query.attribute('ver') };
  }

  async function verOfPush(client: TestClient): Promise<string | undefined> {
    const isPush = (element: Element): boolean => pushed(element) !== undefined;
    return (await client.until(isPush)).child('query', NS_ROSTER)!.attribute('ver');
  }

  it('are offered after login, and not before', async () => {
    const client = await TestClient.connect(server.port());
    const before = await client.openStream('localhost');
    expect(before.child('ver', NS_FEATURE)).toBeUndefined();
    client.send(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${btoa('\0romeo\0secret')}</auth>`,
    );
    await client.element();
    client.restart();
    const after = await client.openStream('localhost');
    expect(after.child('ver', NS_FEATURE)).toBeDefined();
    expect(after.child('sub', 'urn:xmpp:features:pre-approval')).toBeDefined();
    client.cut();
  });

  it('come with the roster and with each push; the present one is answered with nothing, others with everything', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const garden = await TestClient.login(server.port(), 'romeo@localhost/garden');
    const first = await ask(romeo, '');
    expect(first).toMatchObject({ items: [], ver: expect.stringMatching(/./) });
    const empty = (first as { ver: string }).ver;
    expect(await ask(romeo, empty)).toBe('same');

    romeo.send(
      `<iq type='set' id='a'><query xmlns='${NS_ROSTER}'><item jid='nurse@localhost' name='Nurse'/></query></iq>`,
    );
    const one = await verOfPush(romeo);
    expect(await verOfPush(garden)).toBe(one);
    expect(one).not.toBe(empty);
    expect(await ask(romeo, one!)).toBe('same');
    expect(await ask(romeo, empty)).toEqual({ items: ['nurse@localhost "Nurse" none'], ver: one });
    expect(await ask(romeo, '')).toEqual({ items: ['nurse@localhost "Nurse" none'], ver: one });
    expect(await ask(romeo, "o'clock".replace("'", '&apos;'))).toMatchObject({ ver: one });

    romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
    const two = await verOfPush(romeo);
    expect(await ask(romeo, one!)).toMatchObject({ ver: two });
    expect(await ask(romeo, two!)).toBe('same');
    // What clients do not see is no new version.
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    juliet.send("<presence to='romeo@localhost' type='subscribe'/>");
    await romeo.until((e) => e.attribute('type') === 'subscribe');
    expect(await ask(romeo, two!)).toBe('same');

    await setItem(garden, "<item jid='nurse@localhost' subscription='remove'/>");
    const three = await verOfPush(romeo);
    expect(await ask(romeo, three!)).toBe('same');
    expect(await ask(romeo, two!)).toMatchObject({ ver: three });
    for (const client of [romeo, garden, juliet]) await client.close();
  });

  it('are left out for a client that does not ask with one', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const result = await romeo.iq('get', undefined, `<query xmlns='${NS_ROSTER}'/>`);
    expect(result.child('query', NS_ROSTER)!.attribute('ver')).toBeUndefined();
    await romeo.close();
  });

  it('stay the same over a restart', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const now = (await ask(romeo, '')) as { ver: string };
    await server.kill();
    await server.launch();
    const again = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    expect(await ask(again, now.ver)).toBe('same');
    await again.close();
  });

  it('are the same for all who hear of many changes at once', async () => {
    const clients = await Promise.all(
      ['a', 'b', 'c'].map((resource) => TestClient.login(server.port(), `romeo@localhost/${resource}`)),
    );
    for (const client of clients) await roster(client);
    clients.forEach((client, c) => {
      for (let i = 0; i < 10; i++) {
        client.send(
          `<iq type='set' id='x${i}'><query xmlns='${NS_ROSTER}'><item jid='all@localhost' name='${c}.${i}'/></query></iq>`,
        );
      }
    });
    const last: (string | undefined)[] = [];
    for (const client of clients) {
      let ver: string | undefined;
      for (let i = 0; i < 30; i++) ver = await verOfPush(client);
      last.push(ver);
    }
    expect(new Set(last).size).toBe(1);
    expect(await ask(clients[0]!, last[0]!)).toBe('same');
    for (const client of clients) await client.close();
  });
});

describe('without versioning', () => {
  it('nothing is offered, and a client that asks with a version gets everything', async () => {
    const server = await TestServer.start({ users: ['romeo'], toml: ROSTER_MODULES });
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const result = await romeo.iq('get', undefined, `<query xmlns='${NS_ROSTER}' ver='0'/>`);
    expect(result.child('query', NS_ROSTER)?.attribute('ver')).toBeUndefined();
    expect(result.child('query', NS_ROSTER)?.elements()).toEqual([]);
    romeo.send(
      `<iq type='set' id='a'><query xmlns='${NS_ROSTER}'><item jid='nurse@localhost'/></query></iq>`,
    );
    const push = await romeo.until((element) => pushed(element) !== undefined);
    expect(push.child('query', NS_ROSTER)!.attribute('ver')).toBeUndefined();
    await server.stop();
  });
});
