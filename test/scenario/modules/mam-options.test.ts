import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { Scrape } from '../../helpers/http.ts';
import { TestServer } from '../../helpers/server.ts';
import { numbered, page, talk } from './mam-support.ts';
import { LAB, loginOn } from './support.ts';

/** What the options for ids change, and what the operator sees of it all. */

let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet'],
    toml: `
      [[listen.http]]
        port = 0
        ip_address = "127.0.0.1"
      [modules.mod_presence]
      [modules.mod_mam]
        no_stanzaid_element = true
        [modules.mod_mam.pm]
          same_mam_id_for_peers = false
      ${LAB}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
});

afterAll(() => server.stop());

describe('no_stanzaid_element', () => {
  it('leaves out the element; both archives have the message under one id all the same', async () => {
    const heard = await talk(romeo, juliet, numbered(3));
    for (const message of heard) {
      expect(message.child('stanza-id', 'urn:xmpp:sid:0')).toBeUndefined();
    }
    const theirs = await page(juliet);
    expect(theirs.bodies).toEqual(numbered(3));
    expect((await page(romeo)).ids).toEqual(theirs.ids);
  });

  it('takes out what somebody forged all the same', async () => {
    const forged = "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@localhost' id='forged'/>";
    romeo.send(`<message to='${juliet.jid}' type='chat'><body>x</body>${forged}</message>`);
    const heard = await juliet.message();
    expect(heard.childText('body')).toBe('x');
    expect(heard.child('stanza-id', 'urn:xmpp:sid:0')).toBeUndefined();
  });
});

describe('metrics', () => {
  it('count what is archived, asked for and found', async () => {
    const counts = async (): Promise<number[]> => {
      const metrics = await Scrape.of(server.port('http'));
      return ['archived', 'lookups', 'messages_returned'].map((event) =>
        metrics.sum('meerkat_module_events_total', `event="mod_mam_${event}"`),
      );
    };
    const before = await counts();
    await talk(romeo, juliet, numbered(4));
    const found = await page(juliet, { set: '<max>2</max><before/>' });
    expect(found.bodies).toEqual(['message 3', 'message 4']);
    await expect.poll(counts).toEqual([before[0]! + 4, before[1]! + 1, before[2]! + 2]);
  });
});
