import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition } from './support.ts';

/** mod_time (XEP-0202): the server's clock. */

const NS = 'urn:xmpp:time';
const TIME = `<time xmlns='${NS}'/>`;

describe.each([
  ['UTC', ['Z', '+00:00']],
  ['Asia/Kolkata', ['+05:30']],
  ['America/Phoenix', ['-07:00']],
])('entity time in the zone %s', (zone, offsets) => {
  let server: TestServer;
  let romeo: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      users: ['romeo'],
      toml: '[modules.mod_disco]\n[modules.mod_time]',
      env: { TZ: zone },
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard', { isAvailable: false });
  });

  afterAll(() => server.stop());

  it('is the time in UTC, in whole seconds (XEP-0082), and the offset of the zone', async () => {
    const before = Math.floor(Date.now() / 1000);
    const answer = await romeo.iq('get', 'localhost', TIME);
    const after = Math.floor(Date.now() / 1000);
    const time = answer.child('time', NS)!;
    const utc = time.childText('utc')!;
    expect(utc).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Date.parse(utc) / 1000).toBeGreaterThanOrEqual(before);
    expect(Date.parse(utc) / 1000).toBeLessThanOrEqual(after);
    expect(offsets).toContain(time.childText('tzo'));
    expect(time.elements().map(({ name }) => name)).toEqual(['tzo', 'utc']);
  });

  it('cannot be set, is a <time/>, and is announced', async () => {
    expect(condition(await romeo.iq('set', 'localhost', TIME))).toBe('not-allowed');
    expect(condition(await romeo.iq('get', 'localhost', `<query xmlns='${NS}'/>`))).toBe('bad-request');
    const info = 'http://jabber.org/protocol/disco#info';
    const answer = await romeo.iq('get', 'localhost', `<query xmlns='${info}'/>`);
    const features = answer
      .child('query', info)!
      .elements()
      .map((one) => one.attribute('var'));
    expect(features).toContain(NS);
  });
});
