import { isIP } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition } from './support.ts';

/** mod_sic (XEP-0279): a client learns from where its connection comes. */

const NS = 'urn:xmpp:sic:1';
const ADDRESS = `<address xmlns='${NS}'/>`;

describe.each([1, 2])('the address of a client on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      shards,
      users: ['romeo', 'juliet'],
      toml: `[modules.mod_presence]\n[modules.mod_disco]\n[modules.mod_sic]\n`,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  });

  afterAll(() => server.stop());

  it.each(['localhost', 'romeo@localhost', undefined])('is told to it alone, by %s', async (to) => {
    const answer = await romeo.iq('get', to, ADDRESS);
    const address = answer.child('address', NS)!;
    expect(isIP(address.childText('ip')!)).toBe(4);
    expect([address.childText('ip'), address.childText('port')]).toEqual([
      romeo.socket.localAddress,
      String(romeo.socket.localPort),
    ]);
  });

  it('is that of each of its devices', async () => {
    const other = await TestClient.login(server.port(), 'romeo@localhost/garden');
    const answer = await other.iq('get', 'localhost', ADDRESS);
    expect(answer.child('address', NS)!.childText('port')).toBe(String(other.socket.localPort));
    await other.close();
  });

  it.each(['juliet@localhost', 'nobody@localhost'])('of %s is none of its business', async (to) => {
    expect(condition(await romeo.iq('get', to, ADDRESS))).toBe('forbidden');
    expect(condition(await romeo.iq('set', to, ADDRESS))).toBe('forbidden');
  });

  it.each([
    ['set', ADDRESS, 'not-allowed'],
    ['get', `<port xmlns='${NS}'/>`, 'bad-request'],
  ] as const)('%s %s: %s', async (type, payload, expected) => {
    for (const to of ['localhost', undefined]) {
      expect(condition(await romeo.iq(type, to, payload))).toBe(expected);
    }
  });

  it('is announced', async () => {
    const info = 'http://jabber.org/protocol/disco#info';
    const answer = await romeo.iq('get', 'localhost', `<query xmlns='${info}'/>`);
    const features = answer
      .child('query', info)!
      .elements()
      .map((one) => one.attribute('var'));
    expect(features).toContain(NS);
  });
});
