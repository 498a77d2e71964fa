import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { escapeValue } from '../../src/xml/writer.ts';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { NS_STANZAS } from '../helpers/xml.ts';

/** RFC 6120 §8.1: addresses of stanzas that clients send; threats T35, T11. */

let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;

beforeAll(async () => {
  server = await TestServer.start({ users: ['romeo', 'juliet'] });
});

beforeEach(async () => {
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
});

afterEach(async () => {
  await romeo.close();
  await juliet.close();
});

afterAll(() => server.stop());

describe('from (§8.1.2.1)', () => {
  it.each([
    ['left out', ''],
    ['the full JID', "from='romeo@localhost/orchard'"],
    ['the bare JID', "from='romeo@localhost'"],
    ['not prepared', "from='ROMEO@LocalHost/orchard'"],
    ['written with references', "from='&#114;omeo&#x40;localhost/orchard'"],
  ])('%s: the recipient sees the full JID, once', async (_what, from) => {
    romeo.send(`<message ${from} to='juliet@localhost' id='1'><body>Hi</body></message>`);
    const message = await juliet.message();
    expect(message.attribute('from')).toBe('romeo@localhost/orchard');
    expect(message.childText('body')).toBe('Hi');
  });

  it.each([
    'juliet@localhost',
    'juliet@localhost/balcony',
    'romeo@localhost/ORCHARD',
    'romeo@localhost/other',
    'romeo@capulet.example',
    'localhost',
    '',
    '@',
    'romeo@localhost/',
    "romeo@localhost/orchard' type='error",
    '\u0440omeo@localhost',
    'romeo@localhost\u0000',
  ])('%j is a forgery and ends the stream; nobody gets the stanza (T35)', async (from) => {
    for (const name of ['message', 'presence', 'iq']) {
      const forger = await TestClient.login(server.port(), 'romeo@localhost/orchard', { isAvailable: false });
      const text = escapeValue(from).replaceAll('\ufffd', '&#xFFFD;');
      forger.send(
        `<${name} from='${text}' to='juliet@localhost/balcony' type='get' id='forged'><x xmlns='urn:x'/></${name}>`,
      );
      expect(await forger.streamError()).toBe('invalid-from');
    }
    await juliet.nothingElse();
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  });
});

describe('to', () => {
  it.each([
    '@',
    'juliet@',
    '@localhost',
    'juliet@localhost/',
    'a b@localhost',
    'juliet@@localhost',
    'juliet@local host',
    '',
    `${'x'.repeat(1024)}@localhost`,
    "'/><message to='juliet@localhost'/>",
    '<&>"\'\r\n\t',
  ])('%j is answered with jid-malformed, and the session goes on (§8.3.3.8)', async (to) => {
    const cases = [
      ['message', 'chat'],
      ['presence', 'subscribe'],
      ['iq', 'get'],
    ] as const;
    for (const [name, type] of cases) {
      romeo.send(`<${name} to='${escapeValue(to)}' type='${type}' id='bad'><x xmlns='urn:x'>1</x></${name}>`);
      const reply = await romeo.element();
      expect([reply.name, reply.attribute('type'), reply.attribute('id')]).toEqual([name, 'error', 'bad']);
      expect(reply.attribute('from') ?? '').toBe(to);
      expect(reply.attribute('to')).toBe('romeo@localhost/orchard');
      const error = reply.child('error')!;
      expect(error.attribute('type')).toBe('modify');
      expect([error.elements()[0]!.name, error.elements()[0]!.ns]).toEqual(['jid-malformed', NS_STANZAS]);
      expect(reply.childText('x', 'urn:x')).toBe('1');
    }
    await romeo.nothingElse();
  });

  it('errors and results with a malformed address are not answered (§8.3.1)', async () => {
    romeo.send(
      "<message to='@' type='error'/><iq to='@' type='result' id='1'/><presence to='@' type='error'/>",
    );
    await romeo.nothingElse();
  });

  it('left out means the own account (§10.3)', async () => {
    romeo.send("<message id='self'><body>note</body></message>");
    const note = await romeo.message();
    expect([note.attribute('id'), note.attribute('from')]).toEqual(['self', 'romeo@localhost/orchard']);
  });

  it('is prepared before it is compared (RFC 7622)', async () => {
    romeo.send("<message to='JULIET@LOCALHOST/balcony' id='up'/>");
    expect((await juliet.message()).attribute('to')).toBe('juliet@localhost/balcony');
  });
});

describe('what is no stanza', () => {
  it.each<[string, string, string]>([
    ['an unknown element (§4.9.3.24)', "<hello xmlns='urn:hello'/>", 'unsupported-stanza-type'],
    ['an unknown element of jabber:client', '<hello/>', 'unsupported-stanza-type'],
    [
      'a stanza of jabber:server (T11)',
      "<message xmlns='jabber:server' to='juliet@localhost'/>",
      'invalid-namespace',
    ],
    ['a stanza of no namespace', "<message xmlns='' to='juliet@localhost'/>", 'invalid-namespace'],
    [
      'a stanza of another namespace by prefix',
      "<x:presence xmlns:x='urn:x' to='juliet@localhost'/>",
      'invalid-namespace',
    ],
    [
      'SASL after login',
      "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>",
      'unsupported-stanza-type',
    ],
    [
      'STARTTLS after login',
      "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
      'unsupported-stanza-type',
    ],
    ['features', '<stream:features/>', 'unsupported-stanza-type'],
    ['text', 'hello', 'bad-format'],
  ])('%s ends the stream', async (_what, text, expected) => {
    const client = await TestClient.login(server.port(), 'romeo@localhost/other');
    client.send(text);
    expect(await client.streamError()).toBe(expected);
    romeo.heardNow();
  });
});

describe('namespaces and content reach the recipient as they were meant', () => {
  it.each<[string, string, string]>([
    ['CDATA', '<body><![CDATA[<b>&]]></body>', '<b>&'],
    ['CDATA between text', '<body>a<![CDATA[b]]>c</body>', 'abc'],
    ['references', '<body>&lt;&#x26;&#62;&apos;&quot;</body>', '<&>\'"'],
    ['line ends', '<body>a\r\nb\rc</body>', 'a\nb\nc'],
  ])('%s', async (_what, body, text) => {
    romeo.send(`<message to='juliet@localhost'>${body}</message>`);
    expect((await juliet.message()).childText('body')).toBe(text);
  });

  it('a child of no namespace, and one of another', async () => {
    romeo.send(
      "<message to='juliet@localhost'><a xmlns=''><b/></a><body xmlns='urn:x'>no body</body><body>yes</body></message>",
    );
    const message = await juliet.message();
    expect(message.elements().map((e) => [e.ns, e.name])).toEqual([
      ['', 'a'],
      ['urn:x', 'body'],
      ['jabber:client', 'body'],
    ]);
    expect(message.elements()[0]!.elements()[0]!.ns).toBe('');
  });

  it('a stanza under a prefix', async () => {
    romeo.send(
      "<c:message xmlns:c='jabber:client' to='juliet@localhost'><c:body>Hi</c:body><body>mine</body></c:message>",
    );
    const message = await juliet.message();
    expect(message.elements().map((e) => [e.ns, e.text()])).toEqual([
      ['jabber:client', 'Hi'],
      ['jabber:client', 'mine'],
    ]);
  });
});
