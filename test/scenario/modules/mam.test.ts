import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { numbered, page, stanzaId, talk } from './mam-support.ts';
import { LAB, loginOn } from './support.ts';

/** mod_mam (XEP-0313): what is archived, and how it is found again. */

let server: TestServer;
const open: TestClient[] = [];
let users = 0;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    toml: `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_disco]\n[modules.mod_carboncopy]\n[modules.mod_mam.pm]\n${LAB}`,
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
    await talk(romeo, juliet, []);
    for (const _ of numbered(30)) await juliet.message();
    expect((await page(juliet, { set: '<max>50</max>' })).bodies).toEqual(numbered(30));
  });
});
