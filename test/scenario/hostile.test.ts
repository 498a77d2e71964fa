import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { descriptors, eventually, residentBytes } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { header, NS_STREAMS } from '../helpers/xml.ts';

/** Hostile XML over the wire: threats T01 to T11 and T54, with appendix A of the catalogue. */

let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;

beforeAll(async () => {
  // One shard: whatever a connection spoils, the next one meets.
  server = await TestServer.start({ users: ['romeo', 'juliet', 'mallory'], shards: 1 });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
});

/** Others do not notice anything. */
afterEach(async () => {
  romeo.send("<message to='juliet@localhost/balcony' type='chat'><body>Still there?</body></message>");
  expect((await juliet.message()).childText('body')).toBe('Still there?');
  await romeo.nothingElse();
  const next = await TestClient.login(server.port(), 'mallory@localhost/next');
  await next.close();
});

afterAll(() => server.stop());

async function stranger(): Promise<TestClient> {
  const client = await TestClient.connect(server.port());
  client.send(header());
  await client.expect('open');
  await client.element();
  return client;
}

function member(): Promise<TestClient> {
  return TestClient.login(server.port(), 'mallory@localhost/den', { isAvailable: false });
}

/** Sends text, or bytes, and returns the condition of the stream error that follows. */
async function endOf(client: TestClient, input: string | Buffer): Promise<string> {
  client.send(input);
  return await client.streamError();
}

const BOMB = `<!DOCTYPE lolz [<!ENTITY a0 'lol'>${Array.from({ length: 10 }, (_, i) => `<!ENTITY a${i + 1} '${`&a${i};`.repeat(10)}'>`).join('')}]>`;

/** Input inside a stream, and the condition that it ends it with. */
const CORPUS: readonly (readonly [string, string | Buffer, string])[] = [
  ['T01 a document type with nested entities', `${BOMB}<message>&a10;</message>`, 'restricted-xml'],
  ['T01 the same inside of a stanza', `<message>${BOMB}&a10;</message>`, 'restricted-xml'],
  ['T01 an entity that nobody declared', '<message>&nbsp;</message>', 'restricted-xml'],
  ['T01 an external document type', "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><message/>", 'restricted-xml'],
  ['T05 a comment between stanzas', '<!-- a -->', 'restricted-xml'],
  ['T05 a comment in a stanza', '<message><!-- a --></message>', 'restricted-xml'],
  ['T05 a processing instruction', '<?php evil ?>', 'restricted-xml'],
  ['T05 a processing instruction in a stanza', '<message><?a b?></message>', 'restricted-xml'],
  ['T05 a second XML declaration', "<?xml version='1.0'?>", 'restricted-xml'],
  ['A an attribute given twice', "<message from='a' from='b'/>", 'not-well-formed'],
  ['A one name through two prefixes', "<a xmlns:p='x' xmlns:q='x' p:b='1' q:b='2'/>", 'not-well-formed'],
  ['A NUL in text', '<message><body>\0</body></message>', 'not-well-formed'],
  ['A U+0001 in text', '<message><body>\u0001</body></message>', 'not-well-formed'],
  ['A U+0001 by reference', '<message><body>&#1;</body></message>', 'not-well-formed'],
  ['A a surrogate by reference', '<message><body>&#xD800;</body></message>', 'not-well-formed'],
  ['A an unbound prefix', '<foo:message/>', 'bad-namespace-prefix'],
  ['A an attribute of an unbound prefix', "<message foo:a='1'/>", 'bad-namespace-prefix'],
  ['A two colons', "<a:b:c xmlns:a='x'/>", 'not-well-formed'],
  ['A a closing tag of another name', '<message><body></message></body>', 'not-well-formed'],
  ['A an attribute without quotes', '<message from=abc/>', 'not-well-formed'],
  ['A < in an attribute', "<message from='a<b'/>", 'not-well-formed'],
  ['A no space between attributes', "<message to='b'id='c'/>", 'not-well-formed'],
  ['A ]]> in a tag', '<message ]]> />', 'not-well-formed'],
  ['A ]]> in text', '<message><body>a]]>b</body></message>', 'not-well-formed'],
  ['A the prefix xmlns', "<message xmlns:xmlns='x'/>", 'not-well-formed'],
  ['A the prefix xml bound elsewhere', "<message xmlns:xml='x'/>", 'not-well-formed'],
  ['A a prefix bound to nothing', "<message xmlns:a=''/>", 'not-well-formed'],
  ['T03 a slash in two bytes', Buffer.from([0x3c, 0x61, 0x3e, 0xc0, 0xaf]), 'not-well-formed'],
  ['T03 a surrogate in UTF-8', Buffer.from([0x3c, 0x61, 0x3e, 0xed, 0xa0, 0x80]), 'not-well-formed'],
  [
    'T03 a character beyond Unicode',
    Buffer.from([0x3c, 0x61, 0x3e, 0xf4, 0x90, 0x80, 0x80]),
    'not-well-formed',
  ],
  ['T03 half a character', Buffer.from([0x3c, 0x61, 0x3e, 0xe2, 0x82, 0x3c]), 'not-well-formed'],
  ['T03 U+FFFE', '<message><body>\ufffe</body></message>', 'not-well-formed'],
  ['T03 text in UTF-16', Buffer.from('<message/>', 'utf16le'), 'not-well-formed'],
  ['T03 a stream in the stream', header().slice(21), 'policy-violation'],
  ['T03 a closing tag of another prefix', '</message>', 'not-well-formed'],
  ['T03 a closing tag with an attribute', "</stream:stream a='b'>", 'not-well-formed'],
  ['T03 text between stanzas', 'hello', 'bad-format'],
  ['T03 CDATA between stanzas', '<![CDATA[hello]]>', 'bad-format'],
];

describe('inside a stream, before login', () => {
  it.each(CORPUS)('%s', async (_what, input, condition) => {
    expect(await endOf(await stranger(), input)).toBe(condition);
  });
});

describe('inside a stream, after login', () => {
  it.each(CORPUS)('%s', async (_what, input, condition) => {
    expect(await endOf(await member(), input)).toBe(condition);
  });
});

describe('before the opening tag', () => {
  it.each([
    ['T01 a document type with nested entities', `${BOMB}${header().slice(21)}`, 'restricted-xml'],
    ['T01 the same after the XML declaration', `<?xml version='1.0'?>${BOMB}`, 'restricted-xml'],
    ['T05 a comment', `<!-- a -->${header()}`, 'restricted-xml'],
    ['T05 a processing instruction', "<?xml-stylesheet href='x'?>", 'restricted-xml'],
    ['T05 a second XML declaration', `<?xml version='1.0'?>${header()}`, 'restricted-xml'],
    ['A text', `hello${header()}`, 'not-well-formed'],
    ['T02 500 attributes', `<stream:stream ${attributes(500)}>`, 'policy-violation'],
    ['T02 300 namespaces', `<stream:stream ${namespaces(300)}>`, 'policy-violation'],
    ['T02 a name of 8 KB', `<${'n'.repeat(8_100)}>`, 'policy-violation'],
    ['T02 an opening tag of 9 KB', `<stream:stream a='${'x'.repeat(9_216)}'`, 'policy-violation'],
    ['T02 white space without end', ' '.repeat(70_000), 'policy-violation'],
  ])('%s', async (_what, input, condition) => {
    const client = await TestClient.connect(server.port());
    client.send(input);
    await client.expect('open');
    expect(await client.streamError()).toBe(condition);
  });
});

function attributes(count: number): string {
  return Array.from({ length: count }, (_, i) => `a${i}='1'`).join(' ');
}

function namespaces(count: number): string {
  return Array.from({ length: count }, (_, i) => `xmlns:n${i}='u'`).join(' ');
}

describe('T02 structure before login', () => {
  const TOO_MUCH: readonly (readonly [string, string])[] = [
    ['33 elements', `<a>${'<b/>'.repeat(32)}`],
    ['2,000 elements', `<a>${'<b/>'.repeat(1_900)}`],
    ['17 levels', '<a>'.repeat(17)],
    ['4,000 levels', '<a>'.repeat(2_700)],
    ['65 attributes', `<a ${attributes(65)}/>`],
    ['500 attributes', `<a ${attributes(500)}/>`],
    ['65 namespaces', `<a ${namespaces(65)}/>`],
    ['a name of more than 1,024 bytes', `<${'n'.repeat(1_025)}/>`],
    ['more than 8 KiB', `<a>${'x'.repeat(8_192)}`],
  ];

  it.each(TOO_MUCH)('%s are too much, in one segment', async (_what, input) => {
    expect(await endOf(await stranger(), input)).toBe('policy-violation');
  });

  it.each(TOO_MUCH)('%s are too much, in a thousand segments', async (_what, input) => {
    const client = await stranger();
    const step = Math.ceil(input.length / 1_000);
    for (let at = 0; at < input.length; at += step) client.send(input.slice(at, at + step));
    expect(await client.streamError()).toBe('policy-violation');
  });

  it.each([
    ['32 elements', `<a xmlns='urn:a'>${'<b/>'.repeat(31)}</a>`],
    ['16 levels', `<a xmlns='urn:a'>${'<b>'.repeat(15)}${'</b>'.repeat(15)}</a>`],
    ['64 attributes', `<a xmlns='urn:a' ${attributes(63)}/>`],
  ])('%s are read, and only then found to be of no use', async (_what, input) => {
    expect(await endOf(await stranger(), input)).toBe('unsupported-stanza-type');
  });
});

describe('structure after login', () => {
  it.each([
    ['T07 100,000 levels', '<message>'.concat('<a>'.repeat(80_000)), 'policy-violation'],
    ['T07 65 levels', `<message>${'<a>'.repeat(64)}`, 'policy-violation'],
    ['T02 10,001 elements', `<message>${'<b/>'.repeat(10_000)}`, 'policy-violation'],
    ['T02 65 attributes', `<message ${attributes(65)}/>`, 'policy-violation'],
    ['T02 65 namespaces', `<message ${namespaces(65)}/>`, 'policy-violation'],
    ['T02 a name of more than 1,024 bytes', `<${'n'.repeat(1_025)}/>`, 'policy-violation'],
    ['T02 more than max_stanza_size', `<message><body>${'x'.repeat(262_144)}`, 'policy-violation'],
  ])('%s', async (_what, input, condition) => {
    expect(await endOf(await member(), input)).toBe(condition);
  });

  it('what is within the limits arrives whole', async () => {
    const body = 'x'.repeat(262_000);
    romeo.send(`<message to='juliet@localhost'><body>${body}</body></message>`);
    expect((await juliet.message()).childText('body')).toBe(body);
    romeo.send(`<message to='juliet@localhost'>${'<b/>'.repeat(9_999)}</message>`);
    expect((await juliet.message()).elements().length).toBe(9_999);
    romeo.send(`<message to='juliet@localhost'>${'<a>'.repeat(63)}${'</a>'.repeat(63)}</message>`);
    expect((await juliet.message()).name).toBe('message');
  });
});

describe('T04 what clients write never becomes markup', () => {
  const EVIL = `'/><message to='x'/>"<>&\t\n\r]]>`;
  const ESCAPED = EVIL.replace(/[&<>'"\t\n\r]/g, (c) => `&#${c.charCodeAt(0)};`);

  it('an id comes back as it was sent, in one answer', async () => {
    romeo.send(`<iq type='get' id='${ESCAPED}'><nothing xmlns='urn:test:nothing'/></iq>`);
    const reply = await romeo.element();
    expect([reply.name, reply.attribute('type'), reply.attribute('id')]).toEqual(['iq', 'error', EVIL]);
    await romeo.nothingElse();
  });

  it('a resource is one, in every stanza that carries it', async () => {
    const resource = EVIL.replace(/[\t\n\r]/g, '');
    const client = await TestClient.login(server.port(), 'mallory@localhost/first');
    await client.close();
    const evil = await TestClient.connect(server.port(), `mallory@localhost/${resource}`);
    evil.send(header());
    await evil.expect('open');
    await evil.element();
    evil.send(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${Buffer.from('\0mallory\0secret').toString('base64')}</auth>`,
    );
    await evil.element();
    await evil.openStream('localhost');
    await evil.bind(resource.replace(/[&<>'"]/g, (c) => `&#${c.charCodeAt(0)};`));
    evil.send("<message to='juliet@localhost'><body>from evil</body></message>");
    const message = await juliet.message();
    expect(message.attribute('from')).toBe(`mallory@localhost/${resource}`);
    expect(message.childText('body')).toBe('from evil');
    juliet.send(
      `<message to='mallory@localhost/${resource.replace(/[&<>'"]/g, (c) => `&#${c.charCodeAt(0)};`)}'/>`,
    );
    expect((await evil.message()).attribute('to')).toBe(`mallory@localhost/${resource}`);
    await evil.close();
  });

  it('xml:lang, type and unknown attributes arrive as values', async () => {
    romeo.send(`<message to='juliet@localhost' xml:lang='${ESCAPED}' other='${ESCAPED}'/>`);
    const message = await juliet.message();
    expect(message.attribute('xml:lang')).toBe(EVIL);
    expect(message.attribute('other')).toBe(EVIL);
    await juliet.nothingElse();
  });

  it('a language in the opening tag stays a value', async () => {
    const client = await TestClient.connect(server.port());
    client.send(header({ 'xml:lang': "'/><a b='" }));
    expect((await client.expect('open')).attributes.get('xml:lang')).toBe("'/><a b='");
    expect((await client.element()).name).toBe('features');
    client.cut();
  });
});

describe('T03 what is accepted reaches the recipient as the same tree', () => {
  it.each<[string, string, (text: string | undefined) => void]>([
    ['white space in an attribute', "<x a='1\n2\t3'/>", (a) => expect(a).toBe('1 2 3')],
    ['white space by reference', "<x a='1&#10;2&#9;3'/>", (a) => expect(a).toBe('1\n2\t3')],
    ['both kinds of quotes', `<x a="it's &quot;it&quot;"/>`, (a) => expect(a).toBe('it\'s "it"')],
    ['> in an attribute', "<x a='a>b'/>", (a) => expect(a).toBe('a>b')],
  ])('%s', async (_what, child, check) => {
    romeo.send(`<message to='juliet@localhost'>${child}</message>`);
    check((await juliet.message()).elements()[0]!.attribute('a'));
  });

  it('a prefix bound anew inside', async () => {
    romeo.send(
      "<message to='juliet@localhost' xmlns:p='urn:1'><p:a><p:b xmlns:p='urn:2'><p:c/></p:b><p:d/></p:a></message>",
    );
    const [a] = (await juliet.message()).elements();
    const [b, d] = a!.elements();
    expect([a!.ns, b!.ns, b!.elements()[0]!.ns, d!.ns]).toEqual(['urn:1', 'urn:2', 'urn:2', 'urn:1']);
  });

  it('a stream element deep inside of a stanza', async () => {
    romeo.send(
      `<message to='juliet@localhost'><a>${header().slice(21)}<message to='victim@localhost'/></stream:stream></a></message>`,
    );
    const message = await juliet.message();
    const inner = message.child('a')!.elements()[0]!;
    expect([inner.ns, inner.name, inner.elements()[0]!.name]).toEqual([NS_STREAMS, 'stream', 'message']);
    await juliet.nothingElse();
  });

  it('a character of four bytes that is cut at every byte', async () => {
    const text = Buffer.from("<message to='juliet@localhost'><body>\u{1f339}</body></message>");
    const at = text.indexOf(0xf0);
    for (let cut = at + 1; cut <= at + 4; cut++) {
      romeo.send(text.subarray(0, cut));
      await juliet.nothingElse();
      romeo.send(text.subarray(cut));
      expect((await juliet.message()).childText('body')).toBe('\u{1f339}');
    }
  });
});

describe('T54 names of JavaScript are names like any other', () => {
  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])('%s', async (name) => {
    romeo.send(`<message to='juliet@localhost' ${name}='1'><${name} ${name}='2'>3</${name}></message>`);
    const message = await juliet.message();
    expect(message.attribute(name)).toBe('1');
    expect(message.elements()[0]!.attribute(name)).toBe('2');
    expect(message.childText(name)).toBe('3');
    romeo.send(`<iq type='get' id='${name}'><${name} xmlns='${name}'/></iq>`);
    expect((await romeo.element()).attribute('id')).toBe(name);
  });
});

describe('T06 a large stanza, one byte a segment', () => {
  it('is read like any other', async () => {
    const value = 'v'.repeat(60_000);
    const text = Buffer.from(`<message to='juliet@localhost' a='${value}'><body>${value}</body></message>`);
    for (let i = 0; i < text.length; i += 1) romeo.send(text.subarray(i, i + 1));
    const message = await juliet.message();
    expect(message.attribute('a')).toBe(value);
    expect(message.childText('body')).toBe(value);
  });
});

describe('T09 nothing but white space', () => {
  it('costs those who wait for answers nothing', async () => {
    const client = await member();
    const megabyte = ' '.repeat(1_048_576);
    for (let i = 0; i < 16; i++) client.send(megabyte);
    await romeo.nothingElse();
    await client.nothingElse();
    await client.close();
  });

  it('before login ends at 64 KiB', async () => {
    expect(await endOf(await stranger(), ' '.repeat(70_000))).toBe('policy-violation');
  });
});

describe('T69 the log', () => {
  it('has neither passwords nor what was said, and no line that a client made up', async () => {
    const chatty = await TestServer.start({
      users: ['romeo'],
      general: '',
      env: { MEERKAT_LOGLEVEL: 'debug' },
    });
    const client = await TestClient.connect(chatty.port());
    client.send(header());
    await client.expect('open');
    await client.element();
    for (const [user, password] of [
      ['romeo', 'hunter2-wrong'],
      ['nobody\u2028x', 'hunter2-nobody'],
    ]) {
      const data = Buffer.from(`\0${user}\0${password}`).toString('base64');
      client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`);
      expect((await client.element()).name).toBe('failure');
    }
    client.send('<message><body>top secret</message>');
    await client.streamError();
    await eventually(() => chatty.log.includes('auth_failed'), 'the failed login is in the log');
    expect(chatty.log).not.toMatch(/hunter2|aHVudGVy|top secret|\u2028/);
    await chatty.stop();
  });
});

describe('T02 memory', () => {
  const CONNECTIONS = 2_000;
  /** Threat T02 allows 64 KiB. */
  const BYTES_EACH = 65_536;

  it('of strangers who send as much structure as they may is bounded; others log in meanwhile, and afterwards', async () => {
    const crowd = await TestServer.start({
      shards: 1,
      users: ['romeo', 'juliet'],
      c2s: 'state_timeout = 60000\n  max_connections = 5000',
    });
    const login = await TestClient.login(crowd.port(), 'romeo@localhost/orchard');
    const before = { bytes: residentBytes(crowd.pid), descriptors: descriptors(crowd.pid) };
    // Nearly 8 KiB of open elements with attributes and namespaces: everything that a scanner keeps, at its largest.
    const input = `${header()}<a ${attributes(60)} ${namespaces(3)}>${`<b ${attributes(63)}>`.repeat(6)}${'<c/>'.repeat(20)}`;
    expect(input.length).toBeLessThan(8_192);
    const strangers: TestClient[] = [];
    for (let i = 0; i < CONNECTIONS; i += 100) {
      const some = await Promise.all(Array.from({ length: 100 }, () => TestClient.connect(crowd.port())));
      for (const client of some) client.send(input);
      await Promise.all(some.map((client) => client.expect('open')));
      await Promise.all(some.map((client) => client.element()));
      strangers.push(...some);
    }
    await login.nothingElse();
    await (await TestClient.login(crowd.port(), 'juliet@localhost/balcony')).close();
    expect((residentBytes(crowd.pid) - before.bytes) / CONNECTIONS).toBeLessThan(BYTES_EACH);
    for (const client of strangers) client.cut();
    // That their memory is given back is told by test/unit/c2s/memory.test.ts, which can see it; garbage hides it here.
    await eventually(() => descriptors(crowd.pid) <= before.descriptors, 'all descriptors are given back');
    await (await TestClient.login(crowd.port(), 'juliet@localhost/balcony')).close();
    await login.close();
    await crowd.stop();
  });
});
