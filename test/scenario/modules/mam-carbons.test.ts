import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { page, stanzaId } from './mam-support.ts';
import { LAB, loginOn } from './support.ts';

/** Copies of messages (XEP-0280) have the ids that the archives gave these (XEP-0313 §4.4): other devices know what they have read. */

const NS = 'urn:xmpp:carbons:2';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet'],
    toml: `[modules.mod_presence]\n[modules.mod_carboncopy]\n[modules.mod_mam.pm]\n${LAB}`,
  });
});

afterAll(() => server.stop());

/** The message in a copy. */
function copied(copy: Element, direction: 'sent' | 'received'): Element {
  const forwarded = copy.child(direction, NS)!.child('forwarded', 'urn:xmpp:forward:0')!;
  return forwarded.child('message', 'jabber:client')!;
}

// Not all on one shard: new connections go to the other one then.
it.each([
  ['same', 'other'],
  ['other', 'same'],
  ['other', 'other'],
] as const)('the recipient on the %s shard, the other devices on the %s', async (place, devices) => {
  const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  const juliet = await loginOn(server, 'juliet@localhost/balcony', place, romeo);
  const garden = await loginOn(server, 'juliet@localhost/garden', devices, juliet);
  const street = await loginOn(server, 'romeo@localhost/street', devices, romeo);
  for (const one of [garden, street]) await one.iq('set', undefined, `<enable xmlns='${NS}'/>`);
  const forged = "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@localhost' id='forged'/>";
  romeo.send(`<message to='${juliet.jid}' type='chat'><body>${place} ${devices}</body>${forged}</message>`);
  const direct = await juliet.message();
  const received = copied(await garden.message(), 'received');
  const sent = copied(await street.message(), 'sent');
  const last = async (client: TestClient): Promise<string> =>
    (await page(client, { set: '<max>1</max><before/>' })).ids[0]!;
  const id = await last(garden);
  expect(stanzaId(direct, 'juliet@localhost')).toBe(id);
  expect(stanzaId(received, 'juliet@localhost')).toBe(id);
  expect(received.elements().filter(({ name }) => name === 'stanza-id')).toHaveLength(1);
  expect(received.childText('body')).toBe(`${place} ${devices}`);
  expect(stanzaId(sent, 'romeo@localhost')).toBe(await last(street));
  for (const one of [romeo, juliet, garden, street]) await one.close();
});
