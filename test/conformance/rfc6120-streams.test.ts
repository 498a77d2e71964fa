import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { auth, bind, header, NS_CLIENT, NS_STREAMS, plain, SESSION } from '../helpers/xml.ts';

/** RFC 6120 §4: XML streams. */

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ users: ['romeo', 'juliet', 'ünï'] });
});

afterAll(() => server.stop());

/** Sends what begins a connection, and returns the attributes of the server's opening tag. */
async function opened(text: string): Promise<{ client: TestClient; said: ReadonlyMap<string, string> }> {
  const client = await TestClient.connect(server.port());
  client.send(text);
  const { attributes } = await client.expect('open');
  return { client, said: attributes };
}

function names(features: Element): string[] {
  return features.elements().map(({ name }) => name);
}

describe('the opening tag (RFC 6120 §4.7)', () => {
  it('is answered by one with id, from, version and xml:lang, then features (§4.3.2)', async () => {
    const { client, said } = await opened(header());
    expect(said.get('from')).toBe('localhost');
    expect(said.get('version')).toBe('1.0');
    expect(said.get('xml:lang')).toBe('en');
    expect(said.has('to')).toBe(false);
    const features = await client.element();
    expect([features.ns, features.name]).toEqual([NS_STREAMS, 'features']);
    await client.close();
  });

  it('has an unpredictable id that nobody else gets (§4.7.3)', async () => {
    const ids = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const { client, said } = await opened(header());
      ids.add(said.get('id')!);
      client.cut();
    }
    expect(ids.size).toBe(20);
    for (const id of ids) expect(id.length).toBeGreaterThanOrEqual(22);
  });

  it.each([
    ['romeo@localhost', 'romeo@localhost'],
    ['romeo@localhost/orchard', 'romeo@localhost'],
    ['Romeo@LOCALHOST', 'Romeo@LOCALHOST'],
  ])('repeats the bare JID of from=%s as to (§4.7.2)', async (from, to) => {
    const { client, said } = await opened(header({ from }));
    expect(said.get('to')).toBe(to);
    client.cut();
  });

  it.each(["'/><message to='x'/>", '<&>"\'\r\n\t', 'a@b@c/', '@'])(
    'does not repeat a from that is no address: %j',
    async (from) => {
      const { client, said } = await opened(header({ from }));
      expect(said.has('to')).toBe(false);
      expect((await client.element()).name).toBe('features');
      client.cut();
    },
  );

  it.each([
    ['de', 'de'],
    ['x'.repeat(35), 'x'.repeat(35)],
    ['x'.repeat(36), 'en'],
    ['', 'en'],
    ['\'><&"', '\'><&"'],
  ])('takes over xml:lang %j as %j (§4.7.4)', async (lang, expected) => {
    const { client, said } = await opened(header({ 'xml:lang': lang }));
    expect(said.get('xml:lang')).toBe(expected);
    client.cut();
  });

  it('may come without an XML declaration, with any prefix, and quoted either way', async () => {
    const { client } = await opened(
      `<s:stream to="localhost" version="1.0" xmlns="${NS_CLIENT}" xmlns:s="${NS_STREAMS}">`,
    );
    expect((await client.element()).name).toBe('features');
    client.send('</s:stream>');
    await client.expect('close');
  });

  it('may come one byte at a time', async () => {
    const client = await TestClient.connect(server.port());
    for (const byte of Buffer.from(header())) client.send(Buffer.of(byte));
    await client.expect('open');
    expect((await client.element()).name).toBe('features');
    client.cut();
  });

  it('prepares the domain in to (§4.7.2, RFC 7622)', async () => {
    const { client, said } = await opened(header({ to: 'LOCALHOST' }));
    expect(said.get('from')).toBe('localhost');
    client.cut();
  });
});

describe('an opening tag that cannot be accepted is answered by one, an error, and the end', () => {
  it.each<[string, string, string]>([
    ['no version (§4.7.5)', header({ version: undefined }), 'unsupported-version'],
    ['version 0.9', header({ version: '0.9' }), 'unsupported-version'],
    ['version 2.0', header({ version: '2.0' }), 'unsupported-version'],
    ['a version that is none', header({ version: 'one' }), 'unsupported-version'],
    ['an unknown domain (§4.9.3.6)', header({ to: 'capulet.example' }), 'host-unknown'],
    ['no domain', header({ to: undefined }), 'host-unknown'],
    ['a domain that is none', header({ to: 'a b' }), 'host-unknown'],
    ['a user in place of a domain', header({ to: 'romeo@localhost' }), 'host-unknown'],
    [
      'an unknown domain and no version',
      header({ to: 'capulet.example', version: undefined }),
      'host-unknown',
    ],
    ['a wrong stream namespace (§4.9.3.10)', header({ 'xmlns:stream': 'urn:wrong' }), 'invalid-namespace'],
    ['a wrong content namespace', header({ xmlns: 'jabber:server' }), 'invalid-namespace'],
    ['no content namespace', header({ xmlns: undefined }), 'invalid-namespace'],
    ['another element', `<stanza xmlns='${NS_CLIENT}'>`, 'invalid-namespace'],
    ['an unbound prefix', "<stream:stream to='localhost' version='1.0'>", 'bad-namespace-prefix'],
    ['an element that ends at once', `<presence xmlns='${NS_CLIENT}'/>`, 'bad-format'],
    ['text (§4.9.3.13)', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
    ['binary', '\x16\x03\x01\x02\x00\x01', 'not-well-formed'],
    ['a closing tag', '</stream:stream>', 'not-well-formed'],
    ['an attribute given twice', header().replace('>', " to='x'>").slice(21), 'not-well-formed'],
    ['a comment (§11.1)', `<!-- hello -->${header()}`, 'restricted-xml'],
    ['a processing instruction', '<?php 1 ?>', 'restricted-xml'],
    ['a document type', '<!DOCTYPE stream>', 'restricted-xml'],
    [
      'another encoding (§11.6)',
      `<?xml version='1.0' encoding='latin1'?>${header()}`,
      'unsupported-encoding',
    ],
    ['more than 8 KiB', `<stream:stream a='${'x'.repeat(9000)}'`, 'policy-violation'],
  ])('%s', async (_what, text, condition) => {
    const { client, said } = await opened(text);
    expect(said.get('from')).toBe('localhost');
    expect(said.get('id')).toMatch(/^[0-9a-f]{32}$/);
    expect(await client.streamError()).toBe(condition);
  });

  it.each(['1.0', '1.1', '01.0', '1.23'])(
    'version %s is one that 1.0 can answer (§4.7.5)',
    async (version) => {
      const { client, said } = await opened(header({ version }));
      expect(said.get('version')).toBe('1.0');
      expect((await client.element()).name).toBe('features');
      client.cut();
    },
  );
});

describe('an open stream', () => {
  it.each([
    ['before login', ''],
    ['after login', 'bound'],
  ])('ends with policy-violation at a second opening tag %s', async (_when, state) => {
    for (const text of [header().slice(21), `${header().slice(21)}</stream:stream>`]) {
      const client =
        state === 'bound'
          ? await TestClient.login(server.port(), 'romeo@localhost/twice')
          : (await opened(header())).client;
      client.send(text);
      expect(await client.streamError()).toBe('policy-violation');
    }
  });

  it('ends with policy-violation at a second opening tag under another prefix, in pieces', async () => {
    const { client } = await opened(header());
    await client.element();
    for (const piece of ['<s:str', 'eam xmlns:s="', NS_STREAMS, '">']) client.send(piece);
    expect(await client.streamError()).toBe('policy-violation');
  });

  it('is closed from both sides when the client closes it, before login and after (§4.4)', async () => {
    const { client } = await opened(header());
    await client.element();
    client.send('</stream:stream>');
    await client.expect('close');
    await client.expect('disconnected');
    const bound = await TestClient.login(server.port(), 'romeo@localhost/closes');
    bound.send('</stream:stream>');
    await bound.expect('close');
    await bound.expect('disconnected');
  });

  it('may be opened, used and closed in one segment', async () => {
    const { client } = await opened(`${header()}</stream:stream>`);
    await client.element();
    await client.expect('close');
    await client.expect('disconnected');
  });

  it('is closed in order between SASL success and the new opening tag', async () => {
    const { client } = await opened(`${header()}${plain('romeo')}`);
    await client.element();
    expect((await client.element()).name).toBe('success');
    client.send('</stream:stream>');
    await client.expect('open');
    await client.expect('close');
    await client.expect('disconnected');
  });

  it('is closed when the client sends a stream error (§4.9.1.1)', async () => {
    const client = await TestClient.login(server.port(), 'romeo@localhost/error');
    client.send("<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
    await client.expect('close');
    await client.expect('disconnected');
  });

  it('takes white space between elements as a sign of life (§4.6.1)', async () => {
    const { client } = await opened(header());
    await client.element();
    client.send(' \n\t \r\n');
    client.send(plain('romeo'));
    expect((await client.element()).name).toBe('success');
    client.send(` ${header().slice(21)}`);
    await client.expect('open');
    await client.element();
    client.send(`\n${bind('space')}\n\n`);
    await client.element();
    for (let i = 0; i < 100; i++) client.send(' ');
    await client.nothingElse();
    await client.close();
  });

  it('gets a new id and the same language rules after SASL (§6.4.6)', async () => {
    const { client, said } = await opened(header({ 'xml:lang': 'de' }));
    await client.element();
    client.send(plain('romeo'));
    await client.element();
    client.send(header({ 'xml:lang': 'fr' }));
    const again = (await client.expect('open')).attributes;
    expect(again.get('id')).not.toBe(said.get('id'));
    expect(again.get('xml:lang')).toBe('fr');
    await client.close();
  });

  it('cannot change its domain after SASL', async () => {
    const { client } = await opened(`${header()}${plain('romeo')}${header({ to: 'capulet.example' })}`);
    await client.until((e) => e.name === 'success');
    await client.expect('open');
    expect(await client.streamError()).toBe('host-unknown');
  });
});

describe('features (§4.3.2)', () => {
  it('before login: mechanisms and limits', async () => {
    const { client } = await opened(header());
    const features = await client.element();
    expect(names(features)).toEqual(['mechanisms', 'limits']);
    expect(
      features
        .elements()[0]!
        .elements()
        .map((e) => e.text()),
    ).toEqual(['SCRAM-SHA-512', 'SCRAM-SHA-384', 'SCRAM-SHA-256', 'SCRAM-SHA-224', 'SCRAM-SHA-1', 'PLAIN']);
    client.cut();
  });

  it('after login: an optional session, resource binding and limits', async () => {
    const { client } = await opened(`${header()}${plain('romeo')}${header()}`);
    await client.until((e) => e.name === 'success');
    await client.expect('open');
    const features = await client.element();
    expect(names(features).slice(0, 2)).toEqual(['session', 'bind']);
    expect(features.elements()[0]!.child('optional')).toBeDefined();
    await client.close();
  });
});

describe('namespaces of the opening tag (§4.8)', () => {
  it('may name jabber:client by a prefix, which stanzas then use', async () => {
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const tag = header({ xmlns: NS_STREAMS, 'xmlns:c': NS_CLIENT, 'xmlns:x': 'urn:x' });
    const { client } = await opened(tag);
    await client.element();
    client.send(plain('romeo'));
    await client.element();
    client.send(tag);
    await client.expect('open');
    await client.element();
    client.send(bind('prefixed').replaceAll('iq', 'c:iq'));
    expect((await client.element()).attribute('type')).toBe('result');
    client.send("<c:message to='juliet@localhost/balcony'><c:body>Hi</c:body><x:y x:z='1'/></c:message>");
    const message = await juliet.message();
    expect([message.ns, message.childText('body')]).toEqual([NS_CLIENT, 'Hi']);
    expect(message.child('y', 'urn:x')?.attribute('{urn:x}z')).toBe('1');
    client.send('</stream:stream>');
    await client.expect('close');
    await juliet.close();
  });

  it('may bind prefixes that stanzas use; the recipient gets the namespaces', async () => {
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const { client } = await opened(`${header()}${plain('romeo')}`);
    await client.until((e) => e.name === 'success');
    client.send(header({ 'xmlns:chat': 'http://jabber.org/protocol/chatstates' }));
    await client.expect('open');
    await client.element();
    client.send(bind('chat'));
    await client.element();
    client.send("<message to='juliet@localhost'><chat:active/></message>");
    const message = await juliet.message();
    expect(message.child('active', 'http://jabber.org/protocol/chatstates')).toBeDefined();
    await client.close();
    await juliet.close();
  });

  it('may make a foreign namespace the default, which stanzas then override', async () => {
    const tag = header({ xmlns: 'urn:other', 'xmlns:c': NS_CLIENT });
    const { client } = await opened(tag);
    await client.element();
    client.send(plain('romeo'));
    await client.element();
    client.send(tag);
    await client.expect('open');
    await client.element();
    client.send(bind('other').replace('<iq', `<iq xmlns='${NS_CLIENT}'`));
    expect((await client.element()).attribute('type')).toBe('result');
    client.send("<message to='juliet@localhost'/>");
    expect(await client.streamError()).toBe('invalid-namespace');
  });
});

describe('pipelining', () => {
  it('takes opening tag, login, opening tag, binding and session in one segment', async () => {
    const { client } = await opened(
      `${header()}${plain('romeo')}${header()}${bind('pipe')}${SESSION}<presence/>`,
    );
    expect((await client.element()).name).toBe('features');
    expect((await client.element()).name).toBe('success');
    await client.expect('open');
    expect((await client.element()).name).toBe('features');
    const bound = await client.element();
    expect([bound.attribute('id'), bound.attribute('type')]).toEqual(['b', 'result']);
    const session = await client.element();
    expect([session.attribute('id'), session.attribute('type')]).toEqual(['s', 'result']);
    expect((await client.element()).name).toBe('presence');
    await client.close();
  });

  it('answers a failed login first', async () => {
    const { client } = await opened(
      `${header()}${plain('romeo', 'wrong')}${header().slice(21)}${bind('pipe')}`,
    );
    expect((await client.element()).name).toBe('features');
    expect((await client.element()).name).toBe('failure');
    expect(await client.streamError()).toBe('policy-violation');
  });

  it('is cut at every byte without any difference', async () => {
    const text = Buffer.from(`${header()}${auth('PLAIN', Buffer.from('\0ünï\0secret').toString('base64'))}`);
    for (let cut = 1; cut < text.length; cut += 7) {
      const client = await TestClient.connect(server.port());
      client.send(text.subarray(0, cut));
      // The first half has been handled, or is waiting, when the second one comes.
      await new Promise((resolve) => setImmediate(resolve));
      client.send(text.subarray(cut));
      await client.expect('open');
      await client.element();
      expect((await client.element()).name).toBe('success');
      client.cut();
    }
  });
});
