import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { Scrape } from '../../helpers/http.ts';
import { TestServer } from '../../helpers/server.ts';
import { numbered, page, talk } from './mam-support.ts';
import { LAB, loginOn } from './support.ts';

/** What options change, and what the operator sees of it all. */

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
        enforce_simple_queries = true
        message_retraction = false
        [modules.mod_mam.pm]
          same_mam_id_for_peers = false
          archive_chat_markers = true
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
    // What was forged is in each archive as its owner may have it: two records.
    const before = [5, 2, 6];
    await expect.poll(counts).toEqual(before);
    await talk(romeo, juliet, numbered(4));
    const found = await page(juliet, { set: '<max>2</max><before/>' });
    expect(found.bodies).toEqual(['message 3', 'message 4']);
    await expect.poll(counts).toEqual([before[0]! + 4, before[1]! + 1, before[2]! + 2]);
  });
});

describe('enforce_simple_queries', () => {
  it('never says how many messages match, nor which of them a page begins with', async () => {
    await talk(romeo, juliet, numbered(3, 'simple'));
    const found = await page(romeo, { set: '<max>2</max><before/>' });
    expect(found).toMatchObject({ bodies: ['simple 2', 'simple 3'], isComplete: false });
    expect([found.index, found.count]).toEqual([undefined, undefined]);
  });
});

describe('archive_chat_markers', () => {
  it('has markers without a body archived', async () => {
    const marker = "<displayed xmlns='urn:xmpp:chat-markers:0' id='seen'/>";
    romeo.send(`<message to='${juliet.jid}' type='chat' id='marker'>${marker}</message>`);
    await juliet.message();
    for (const client of [romeo, juliet]) {
      const { results } = await page(client, { set: '<max>1</max><before/>' });
      const archived = results[0]!.message.child('displayed', 'urn:xmpp:chat-markers:0');
      expect(archived?.attribute('id')).toBe('seen');
    }
  });
});

describe('message_retraction', () => {
  it('switched off leaves what is taken back as it is', async () => {
    const before = (await page(romeo, { set: '<max>1</max><before/>' })).ids[0];
    romeo.send(
      `<message to='${juliet.jid}' type='chat' id='regretted'><body>regretted</body><origin-id xmlns='urn:xmpp:sid:0' id='regretted'/></message>`,
    );
    await juliet.message();
    romeo.send(
      `<message to='${juliet.jid}' type='chat'><apply-to xmlns='urn:xmpp:fasten:0' id='regretted'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to></message>`,
    );
    await juliet.message();
    for (const client of [romeo, juliet]) {
      const { bodies } = await page(client, { set: `<max>10</max><after>${before}</after>` });
      expect(bodies[0]).toBe('regretted');
    }
  });
});
