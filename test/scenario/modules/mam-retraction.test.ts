import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { page, type Result, stanzaId } from './mam-support.ts';
import { LAB, loginOn } from './support.ts';

/** Messages that are taken back (XEP-0424): tombstones in both archives. */

const NS_0 = 'urn:xmpp:message-retract:0';
const NS_1 = 'urn:xmpp:message-retract:1';

let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;
let nurse: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `[modules.mod_presence]\n[modules.mod_mam.pm]\n${LAB}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  nurse = await loginOn(server, 'nurse@localhost/room', 'same', romeo);
});

afterAll(() => server.stop());

const origin = (id: string): string => `<origin-id xmlns='urn:xmpp:sid:0' id='${id}'/>`;
const fastened = (id: string, retract = `<retract xmlns='${NS_0}'/>`): string =>
  `<apply-to xmlns='urn:xmpp:fasten:0' id='${id}'>${retract}</apply-to>`;

/** Sends one message; returns the id that Juliet is told. */
async function send(content: string, from = romeo, to = juliet, id = 'm'): Promise<string> {
  from.send(`<message to='${to.jid}' type='chat' id='${id}'>${content}</message>`);
  return stanzaId(await to.message(), to.jid.split('/')[0]!)!;
}

/** A message as an archive has it now. */
async function found(client: TestClient, id: string): Promise<Result> {
  return (await page(client, { fields: { ids: [id] } })).results[0]!;
}

/** Asks until the message is a tombstone. */
async function tombstoneOf(client: TestClient, id: string, ns: string): Promise<Result> {
  for (;;) {
    const result = await found(client, id);
    if (result.message.child('retracted', ns) !== undefined) return result;
  }
}

describe('a retraction', () => {
  it('replaces the message by a tombstone in both archives, and is archived itself (version 0.3)', async () => {
    const id = await send(`<body>hasty</body>${origin('o1')}`);
    const retraction = await send(fastened('o1'));
    for (const client of [romeo, juliet]) {
      const { message, stamp } = await tombstoneOf(client, id, NS_0);
      expect(message.childText('body')).toBeUndefined();
      expect(message.attribute('from')).toBe(romeo.jid);
      expect(message.attribute('to')).toBe(juliet.jid);
      expect(message.attribute('type')).toBe('chat');
      const retracted = message.child('retracted', NS_0)!;
      expect(Date.parse(retracted.attribute('stamp')!)).toBeGreaterThanOrEqual(Math.floor(Date.parse(stamp)));
      expect(retracted.child('origin-id', 'urn:xmpp:sid:0')?.attribute('id')).toBe('o1');
      expect((await found(client, retraction)).message.child('apply-to', 'urn:xmpp:fasten:0')).toBeDefined();
    }
  });

  it('may name the message itself, and then the tombstone names the retraction (since version 0.4)', async () => {
    const id = await send(`<body>hasty</body>${origin('o2')}`);
    await send(`<retract xmlns='${NS_1}' id='o2'/><body>/me retracted a message</body>`, romeo, juliet, 'r2');
    const { message } = await tombstoneOf(juliet, id, NS_1);
    expect(message.elements().map(({ name }) => name)).toEqual(['retracted']);
    expect(message.child('retracted', NS_1)!.attribute('id')).toBe('r2');
  });

  it('may go by the id of the archive', async () => {
    const id = await send('<body>hasty</body>');
    await send(fastened(id, "<retract xmlns='urn:esl:message-retract-by-stanza-id:0'/>"));
    const { message } = await tombstoneOf(romeo, id, NS_0);
    expect(message.child('retracted', NS_0)!.child('stanza-id', 'urn:xmpp:sid:0')?.attribute('id')).toBe(id);
  });

  it('means the newest message of that id', async () => {
    const first = await send(`<body>one</body>${origin('o3')}`);
    const second = await send(`<body>two</body>${origin('o3')}`);
    await send(fastened('o3'));
    await tombstoneOf(juliet, second, NS_0);
    expect((await found(juliet, first)).body).toBe('one');
  });

  it('is of no effect for messages of others, to others, and of ids that nobody gave', async () => {
    const mine = await send(`<body>mine</body>${origin('o4')}`);
    await send(fastened('o4'), juliet, romeo);
    await send(fastened('o4'), romeo, nurse);
    await send(fastened('nonsense'));
    await send(fastened(''));
    await send(fastened(mine, "<retract xmlns='urn:esl:message-retract-by-stanza-id:0'/>"), nurse, juliet);
    // A retraction that has one takes effect behind all of them.
    const other = await send(`<body>other</body>${origin('o5')}`);
    await send(fastened('o5'));
    await tombstoneOf(juliet, other, NS_0);
    expect((await found(juliet, mine)).body).toBe('mine');
    expect((await found(romeo, mine)).body).toBe('mine');
  });

  it('of a retraction, or of a tombstone, leaves things as they are', async () => {
    const id = await send(`<body>hasty</body>${origin('o6')}`);
    await send(fastened('o6'));
    await tombstoneOf(juliet, id, NS_0);
    await send(`${fastened('o6')}${origin('o6')}`);
    const other = await send(`<body>other</body>${origin('o7')}`);
    await send(fastened('o7'));
    await tombstoneOf(juliet, other, NS_0);
    expect((await found(juliet, id)).message.child('retracted', NS_0)).toBeDefined();
  });
});
