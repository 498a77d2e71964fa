import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';

/** RFC 6121 §8: server rules for processing stanzas. Two shards, so that every rule is met across threads, too. */

let server: TestServer;
let romeo: TestClient;
const open: TestClient[] = [];

beforeAll(async () => {
  server = await TestServer.start({ shards: 2, users: ['romeo', 'juliet', 'benvolio'] });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
});

afterAll(() => server.stop());

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
  // Nothing of one case may reach the next.
  const left = await TestClient.login(server.port(), 'juliet@localhost/sweeper', { isAvailable: false });
  left.send('<presence/>');
  await left.until((e) => e.name === 'presence');
  await left.close();
});

/** Logs juliet in; `priority` undefined = connected but never available. */
async function juliet(resource: string, priority: number | undefined): Promise<TestClient> {
  const client = await TestClient.login(server.port(), `juliet@localhost/${resource}`, {
    isAvailable: priority !== undefined,
    ...(priority === undefined ? {} : { priority }),
  });
  open.push(client);
  return client;
}

/** Sends a stanza and everything needed to see that it was handled. */
async function send(xml: string): Promise<void> {
  romeo.send(xml);
  await handled();
}

async function handled(): Promise<void> {
  const id = `done${++marks}`;
  romeo.send(`<iq type='get' id='${id}'><nothing xmlns='urn:test:nothing'/></iq>`);
  let element: Element;
  do {
    element = await romeo.element();
    if (element.attribute('id') !== id) answers.push(element);
  } while (element.attribute('id') !== id);
}

let marks = 0;
let answers: Element[] = [];

/** What romeo heard since the last call. */
function heard(): Element[] {
  const all = answers;
  answers = [];
  return all;
}

function condition(element: Element | undefined): string | undefined {
  return element?.child('error')?.elements()[0]?.name;
}

/** The ids of the messages that a client got until now: romeo's mark comes behind everything that he sent before. */
async function messages(client: TestClient): Promise<string[]> {
  const ids: string[] = [];
  const mark = `mark${++marks}`;
  romeo.send(`<message to='${client.jid}' id='${mark}'/>`);
  for (;;) {
    const element = await client.element();
    const id = element.attribute('id') ?? '';
    if (id === mark) return ids;
    if (element.name === 'message') ids.push(id);
  }
}

describe('§8.5.1 no such user', () => {
  it.each(['normal', 'chat', 'groupchat'])('answers a %s message with service-unavailable', async (type) => {
    await send(`<message to='nobody@localhost' type='${type}' id='x'><body>?</body></message>`);
    const [error] = heard();
    expect(condition(error)).toBe('service-unavailable');
    expect(error?.attribute('from')).toBe('nobody@localhost');
  });

  it.each(['error', 'headline'])('silently ignores a message of type %s', async (type) => {
    await send(`<message to='nobody@localhost' type='${type}' id='x'><body>?</body></message>`);
    expect(heard()).toEqual([]);
  });

  it.each(['', " type='subscribe'", " type='probe'", " type='unavailable'"])(
    'silently ignores presence%s',
    async (type) => {
      await send(`<presence to='nobody@localhost'${type}/>`);
      expect(heard()).toEqual([]);
    },
  );

  it.each(['nobody@localhost', 'nobody@localhost/x'])(
    'answers an IQ to %s with service-unavailable',
    async (to) => {
      await send(`<iq to='${to}' type='get' id='x'><query xmlns='jabber:iq:version'/></iq>`);
      expect(condition(heard()[0])).toBe('service-unavailable');
      await send(`<iq to='${to}' type='result' id='x'/>`);
      expect(heard()).toEqual([]);
    },
  );
});

describe('§8.5.2.1 bare JID, available or connected resources', () => {
  it('§8.5.2.1.1 delivers a chat to the resource with the highest priority', async () => {
    const balcony = await juliet('balcony', 5);
    const chamber = await juliet('chamber', 1);
    await send("<message to='juliet@localhost' type='chat' id='m'><body>!</body></message>");
    expect(await messages(balcony)).toEqual(['m']);
    expect(await messages(chamber)).toEqual([]);
  });

  it('§8.5.2.1.1 delivers a chat to all resources that share the highest priority', async () => {
    const clients = [await juliet('a', 3), await juliet('b', 3), await juliet('c', 2)];
    await send("<message to='juliet@localhost' id='m'><body>!</body></message>");
    expect(await messages(clients[0]!)).toEqual(['m']);
    expect(await messages(clients[1]!)).toEqual(['m']);
    expect(await messages(clients[2]!)).toEqual([]);
  });

  it('§8.5.2.1.1 delivers a headline to every resource of non-negative priority', async () => {
    const clients = [await juliet('a', 9), await juliet('b', 0), await juliet('c', -1)];
    await send("<message to='juliet@localhost' type='headline' id='h'><body>!</body></message>");
    expect(await messages(clients[0]!)).toEqual(['h']);
    expect(await messages(clients[1]!)).toEqual(['h']);
    expect(await messages(clients[2]!)).toEqual([]);
  });

  it('§8.5.2.1.1 answers a groupchat message with an error and delivers it to nobody', async () => {
    const balcony = await juliet('balcony', 0);
    await send("<message to='juliet@localhost' type='groupchat' id='g'><body>!</body></message>");
    expect(condition(heard()[0])).toBe('service-unavailable');
    expect(await messages(balcony)).toEqual([]);
  });

  it('§8.5.2.1.1 silently ignores an error', async () => {
    const balcony = await juliet('balcony', 0);
    await send("<message to='juliet@localhost' type='error' id='e'><body>!</body></message>");
    expect(heard()).toEqual([]);
    expect(await messages(balcony)).toEqual([]);
  });

  it('§8.5.2.1.1 treats a user with negative priorities only as absent', async () => {
    const balcony = await juliet('balcony', -5);
    await send("<message to='juliet@localhost' type='chat' id='n'><body>!</body></message>");
    expect(await messages(balcony)).toEqual([]);
    const again = await juliet('again', 1);
    expect((await again.message()).attribute('id')).toBe('n');
  });

  it('§8.5.2.1.1 does not count a resource that never sent presence', async () => {
    const silent = await juliet('silent', undefined);
    await send("<message to='juliet@localhost' type='chat' id='s'><body>!</body></message>");
    expect(await messages(silent)).toEqual([]);
    silent.send('<presence/>');
    expect((await silent.message()).attribute('id')).toBe('s');
  });

  it('§8.5.2.1.1 delivers to nobody after unavailable presence', async () => {
    const balcony = await juliet('balcony', 1);
    balcony.send("<presence type='unavailable'/>");
    await balcony.until((e) => e.attribute('type') === 'unavailable');
    await send("<message to='juliet@localhost' type='chat' id='u'><body>!</body></message>");
    expect(await messages(balcony)).toEqual([]);
    balcony.send('<presence/>');
    expect((await balcony.message()).attribute('id')).toBe('u');
  });

  it('§8.5.2.1.2 delivers presence to all available resources, and leaves its address as it is', async () => {
    const clients = [await juliet('a', 1), await juliet('b', -1)];
    const silent = await juliet('silent', undefined);
    await send("<presence to='juliet@localhost' id='p'/>");
    for (const client of clients) {
      const presence = await client.until((e) => e.attribute('id') === 'p');
      expect(presence.attribute('to')).toBe('juliet@localhost');
      expect(presence.attribute('from')).toBe('romeo@localhost/orchard');
    }
    await silent.nothingElse();
    await send("<presence to='juliet@localhost' type='unavailable'/>");
  });

  it('§8.5.2.1.3 answers an IQ on the user’s behalf: nobody’s client sees it', async () => {
    const balcony = await juliet('balcony', 1);
    await send("<iq to='juliet@localhost' type='get' id='q'><unknown xmlns='urn:test:unknown'/></iq>");
    const [error] = heard();
    expect(condition(error)).toBe('service-unavailable');
    expect(error?.attribute('from')).toBe('juliet@localhost');
    expect(await messages(balcony)).toEqual([]);
  });

  it.each(['result', 'error'])('§8.5.2.1.3 ignores an IQ of type %s', async (type) => {
    const balcony = await juliet('balcony', 1);
    await send(`<iq to='juliet@localhost' type='${type}' id='q'/>`);
    expect(heard()).toEqual([]);
    expect(await messages(balcony)).toEqual([]);
  });
});

describe('§8.5.2.2 bare JID, no resource', () => {
  it.each(['', " type='normal'", " type='chat'", " type='unheard-of'"])(
    '§8.5.2.2.1 stores a message%s',
    async (type) => {
      await send(`<message to='juliet@localhost'${type} id='o'><body>!</body></message>`);
      expect(heard()).toEqual([]);
      const balcony = await juliet('balcony', 0);
      const message = await balcony.message();
      expect(message.attribute('id')).toBe('o');
      expect(message.child('delay', 'urn:xmpp:delay')).toBeDefined();
    },
  );

  it('§8.5.2.2.1 answers a groupchat message with an error', async () => {
    await send("<message to='juliet@localhost' type='groupchat' id='g'><body>!</body></message>");
    expect(condition(heard()[0])).toBe('service-unavailable');
  });

  it.each(['headline', 'error'])('§8.5.2.2.1 silently ignores a message of type %s', async (type) => {
    await send(`<message to='juliet@localhost' type='${type}' id='h'><body>!</body></message>`);
    expect(heard()).toEqual([]);
    const balcony = await juliet('balcony', 0);
    expect(await messages(balcony)).toEqual([]);
  });

  it('§8.5.2.2.2 ignores presence', async () => {
    await send("<presence to='juliet@localhost'/>");
    await send("<presence to='juliet@localhost' type='unavailable'/>");
    expect(heard()).toEqual([]);
  });
});

describe('§8.5.3.1 full JID, the resource is connected', () => {
  it.each(['normal', 'chat', 'groupchat', 'headline', 'error'])('delivers a %s message', async (type) => {
    const balcony = await juliet('balcony', undefined);
    await send(`<message to='juliet@localhost/balcony' type='${type}' id='m'><body>!</body></message>`);
    const message = await balcony.message();
    expect(message.attribute('id')).toBe('m');
    expect(message.attribute('to')).toBe('juliet@localhost/balcony');
  });

  it('delivers presence, even if the resource never sent any', async () => {
    const balcony = await juliet('balcony', undefined);
    await send("<presence to='juliet@localhost/balcony' id='p'/>");
    expect((await balcony.element()).attribute('id')).toBe('p');
    await send("<presence to='juliet@localhost/balcony' type='unavailable'/>");
    expect((await balcony.element()).attribute('type')).toBe('unavailable');
  });

  it.each(['get', 'set', 'result', 'error'])('delivers an IQ of type %s', async (type) => {
    const balcony = await juliet('balcony', 1);
    await send(`<iq to='juliet@localhost/balcony' type='${type}' id='i'><q xmlns='urn:test'/></iq>`);
    const iq = await balcony.until((e) => e.name === 'iq');
    expect(iq.attribute('id')).toBe('i');
    expect(iq.attribute('from')).toBe('romeo@localhost/orchard');
  });
});

describe('§8.5.3.2 full JID, no such resource', () => {
  it('§8.5.3.2.1 treats a chat like one to the bare JID', async () => {
    const balcony = await juliet('balcony', 1);
    await send("<message to='juliet@localhost/gone' type='chat' id='c'><body>!</body></message>");
    const message = await balcony.message();
    expect(message.attribute('id')).toBe('c');
    expect(message.attribute('to')).toBe('juliet@localhost/gone');
  });

  it('§8.5.3.2.1 stores a chat when nobody is there', async () => {
    await send("<message to='juliet@localhost/gone' type='chat' id='c'><body>!</body></message>");
    const balcony = await juliet('balcony', 1);
    expect((await balcony.message()).attribute('id')).toBe('c');
  });

  it.each(['', " type='normal'", " type='groupchat'", " type='headline'"])(
    '§8.5.3.2.1 answers a message%s with service-unavailable, whoever else is there',
    async (type) => {
      const balcony = await juliet('balcony', 1);
      await send(`<message to='juliet@localhost/gone'${type} id='n'><body>!</body></message>`);
      expect(condition(heard()[0])).toBe('service-unavailable');
      expect(await messages(balcony)).toEqual([]);
    },
  );

  it('§8.5.3.2.1 silently ignores an error', async () => {
    const balcony = await juliet('balcony', 1);
    await send("<message to='juliet@localhost/gone' type='error' id='e'><body>!</body></message>");
    expect(heard()).toEqual([]);
    expect(await messages(balcony)).toEqual([]);
  });

  it.each(['', " type='unavailable'", " type='subscribed'", " type='probe'"])(
    '§8.5.3.2.2 ignores presence%s',
    async (type) => {
      const balcony = await juliet('balcony', 1);
      await send(`<presence to='juliet@localhost/gone'${type}/>`);
      expect(heard()).toEqual([]);
      await balcony.nothingElse();
    },
  );

  it('§8.5.3.2.3 answers an IQ request with service-unavailable and ignores a response', async () => {
    await juliet('balcony', 1);
    await send("<iq to='juliet@localhost/gone' type='get' id='i'><q xmlns='urn:test'/></iq>");
    expect(condition(heard()[0])).toBe('service-unavailable');
    await send("<iq to='juliet@localhost/gone' type='result' id='i'/>");
    expect(heard()).toEqual([]);
  });
});

describe('RFC 6120 §10 addresses', () => {
  it('§10.3.1 treats a message without `to` as one to the sender’s account', async () => {
    romeo.send("<message id='self' type='chat'><body>note to self</body></message>");
    const message = await romeo.message();
    expect(message.attribute('from')).toBe('romeo@localhost/orchard');
    expect(message.attribute('id')).toBe('self');
  });

  it('§10.3.3 answers an IQ without `to` on behalf of the account', async () => {
    await send("<iq type='get' id='i'><q xmlns='urn:test:unknown'/></iq>");
    const [error] = heard();
    expect(condition(error)).toBe('service-unavailable');
    expect(error?.attribute('from') ?? 'romeo@localhost').toBe('romeo@localhost');
  });

  it('§10.5.1 ignores messages and presence to the mere domain, and answers requests', async () => {
    await send("<message to='localhost' id='d'><body>!</body></message><presence to='localhost'/>");
    expect(heard()).toEqual([]);
    await send("<iq to='localhost' type='get' id='i'><q xmlns='urn:test:unknown'/></iq>");
    const [error] = heard();
    expect(condition(error)).toBe('service-unavailable');
    expect(error?.attribute('from')).toBe('localhost');
  });

  it('§10.5.2 answers whatever is addressed to a resource of the domain with item-not-found', async () => {
    await send("<message to='localhost/admin' id='d'><body>!</body></message>");
    expect(condition(heard()[0])).toBe('item-not-found');
    await send("<message to='localhost/admin' type='error' id='d'><body>!</body></message>");
    expect(heard()).toEqual([]);
  });

  it('§10.4 answers for a domain that cannot be reached', async () => {
    await send("<message to='somebody@elsewhere.example' id='d'><body>!</body></message>");
    const [error] = heard();
    expect(condition(error)).toBe('remote-server-not-found');
    expect(error?.attribute('from')).toBe('somebody@elsewhere.example');
    await send("<message to='somebody@elsewhere.example' type='error' id='d'/>");
    expect(heard()).toEqual([]);
  });

  it.each([
    ["<iq type='get' id='i' to='localhost'/>", 'bad-request'],
    ["<iq type='get' id='i' to='localhost'><a xmlns='urn:a'/><b xmlns='urn:b'/></iq>", 'bad-request'],
    ["<iq type='unheard-of' id='i' to='localhost'><a xmlns='urn:a'/></iq>", 'bad-request'],
    ["<iq type='get' to='localhost'><a xmlns='urn:a'/></iq>", 'bad-request'],
    ["<iq id='i' to='localhost'><a xmlns='urn:a'/></iq>", 'bad-request'],
  ])('RFC 6120 §8.2.3 answers the malformed request %s with %s', async (xml, expected) => {
    await send(xml);
    expect(condition(heard()[0])).toBe(expected);
  });

  it('RFC 6120 §8.3.1 keeps id and content in an error, with addresses the other way round', async () => {
    await send(
      "<message to='nobody@localhost' id='keep' type='chat' xml:lang='it'><body>Ciao</body><x xmlns='urn:x'/></message>",
    );
    const [error] = heard();
    expect(error?.attribute('id')).toBe('keep');
    expect(error?.attribute('to')).toBe('romeo@localhost/orchard');
    expect(error?.childText('body')).toBe('Ciao');
    expect(error?.child('x', 'urn:x')).toBeDefined();
    expect(error?.child('error')?.attribute('type')).toBe('cancel');
    expect(error?.child('error')?.attribute('code')).toBe('503');
  });
});
