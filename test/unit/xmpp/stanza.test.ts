import { describe, expect, test } from 'vitest';
import { Element } from '../../../src/xml/element.ts';
import { Scan, Scanner } from '../../../src/xml/scanner.ts';
import { makeJid } from '../../../src/xmpp/jid.ts';
import { NS_CLIENT, NS_STREAM } from '../../../src/xmpp/namespaces.ts';
import { kindOf, Stanza, StanzaKind } from '../../../src/xmpp/stanza.ts';
import { parseElementText } from '../../../src/xmpp/trusted-xml.ts';
import { opened, readOne } from '../xml/reading.ts';

/** The stanza that has just been read, somewhere in a buffer. */
function arrive(input: string, context = opened()): Stanza {
  const buffer = Buffer.from(`   ${input}<next/>`);
  const scanner = new Scanner();
  scanner.enter(context);
  expect(scanner.scan(buffer, 0, buffer.length)).toBe(Scan.ELEMENT);
  const name = /^<(?:\w+:)?(\w+)/.exec(input)![1]!;
  return Stanza.read(scanner, buffer, kindOf(name), name);
}

function written(stanza: Stanza, from: string, to: string): string {
  return stanza.toBuffer(from, to).toString();
}

describe('stamping addresses on a stanza that was read', () => {
  test.each([
    ['neither was there', "<message id='1'/>", "<message from='F' to='T' id='1'/>"],
    ['to was there', "<message to='x' id='1'/>", "<message from='F' to='T'  id='1'/>"],
    ['from was there', "<message from='x' id='1'/>", "<message from='F' to='T'  id='1'/>"],
    ['from was before to', "<message from='x' id='1' to='y'/>", "<message from='F' to='T'  id='1' />"],
    ['to was before from', "<message to='y' id='1' from='x'/>", "<message from='F' to='T'  id='1' />"],
    ['they stood together', "<message to='y' from='x'/>", "<message from='F' to='T'  />"],
    ['they were in other quotes', `<message to="y" from="x"/>`, "<message from='F' to='T'  />"],
    [
      'they were written with references',
      "<message to='&#120;' from='&apos;'/>",
      "<message from='F' to='T'  />",
    ],
    [
      'there was space all around',
      "<message\n to\t=\r'y'\n\nfrom = 'x'\t/>",
      "<message from='F' to='T'\n \n\n\t/>",
    ],
    ['they were empty', "<message to='' from=''/>", "<message from='F' to='T'  />"],
    ['there was nothing at all', '<message/>', "<message from='F' to='T'/>"],
    [
      'there was content',
      '<message><body to="1">hi</body></message>',
      `<message from='F' to='T'><body to="1">hi</body></message>`,
    ],
  ])('replaces them when %s', (_when, input, expected) => {
    expect(written(arrive(input), 'F', 'T')).toBe(expected);
  });

  test('leaves a recipient that is right already as it is', () => {
    expect(written(arrive("<message to='T' id='1'/>"), 'F', 'T')).toBe("<message from='F' to='T' id='1'/>");
    expect(written(arrive(`<message id='1' to = "T"/>`), 'F', 'T')).toBe(
      `<message from='F' id='1' to = "T"/>`,
    );
    expect(written(arrive("<message from='F' to='T'/>"), 'F', 'T')).toBe("<message from='F'  to='T'/>");
  });

  test('does not mistake the end of another address for the right one', () => {
    expect(written(arrive("<message to='xT'/>"), 'F', 'T')).toBe("<message from='F' to='T' />");
    expect(written(arrive(`<message to="x'T"/>`), 'F', 'T')).toBe("<message from='F' to='T' />");
  });

  test('leaves out what is empty', () => {
    expect(written(arrive("<message to='x' from='y'/>"), '', '')).toBe('<message  />');
    expect(written(arrive("<message to='x' from='y'/>"), 'F', '')).toBe("<message from='F'  />");
    expect(written(arrive("<message to='x' from='y'/>"), '', 'T')).toBe("<message to='T'  />");
    expect(written(arrive("<message to='T' from='y'/>"), '', 'T')).toBe("<message to='T' />");
  });

  test('touches no attribute that only looks like an address', () => {
    expect(written(arrive("<message tos='1' ato='2' xmlns:p='p' p:to='3' p:from='4'/>"), 'F', 'T')).toBe(
      "<message from='F' to='T' tos='1' ato='2' xmlns:p='p' p:to='3' p:from='4'/>",
    );
  });

  test('writes the bytes of wire forms', () => {
    const jid = makeJid('jürgen', 'exämple.com', `♚'"<&>`)!;
    const element = readOne(written(arrive('<message/>'), jid.wire, jid.wire));
    expect([element.attribute('from'), element.attribute('to')]).toEqual([jid.full, jid.full]);
  });

  test('fits into the room that it asked for', () => {
    const stanza = arrive("<message to='x'><body>☎</body></message>").append("<a xmlns='ü'/>");
    const target = Buffer.alloc(1000, 0xff);
    const end = stanza.write(target, 10, 'F', 'T');
    expect(end - 10).toBeLessThanOrEqual(stanza.sizeMax('F', 'T'));
    expect(target.subarray(10, end).toString()).toBe(
      "<message from='F' to='T' ><body>☎</body><a xmlns='ü'/></message>",
    );
    expect([target[9], target[end]]).toEqual([0xff, 0xff]);
  });
});

describe('a stanza that leans on its stream', () => {
  test('is written anew when it uses a prefix of the opening tag', () => {
    const stanza = arrive("<message from='x'><stream:a stream:b='1'/></message>");
    expect(written(stanza, 'F', 'T')).toBe(
      `<message from='F' to='T'><a xmlns='${NS_STREAM}' xmlns:ns0='${NS_STREAM}' ns0:b='1'/></message>`,
    );
    expect(stanza.attribute('from')).toBe('x');
  });

  test('is written anew when it has a prefix itself (T11)', () => {
    const stanza = arrive(`<c:message xmlns:c='${NS_CLIENT}' to='x'><c:body>hi</c:body></c:message>`);
    expect(stanza.name).toBe('message');
    expect(written(stanza, 'F', 'T')).toBe("<message from='F' to='T'><body>hi</body></message>");
    const empty = arrive(`<c:message xmlns:c='${NS_CLIENT}'/>`).append("<a xmlns='x'/>");
    expect(written(empty, 'F', '')).toBe("<message from='F'><a xmlns='x'/></message>");
  });

  test('keeps its children out of the namespace that they were not in', () => {
    const context = opened(undefined, [{ prefix: '', uri: 'urn:other' }]);
    const stanza = arrive(`<c:message xmlns:c='${NS_CLIENT}'><body/></c:message>`, context);
    expect(written(stanza, 'F', '')).toBe("<message from='F'><body xmlns='urn:other'/></message>");
  });

  test('stays as it is when it declares its prefixes itself', () => {
    const input = "<message xmlns:stream='x'><stream:a/></message>";
    expect(written(arrive(input), '', '')).toBe(input);
  });
});

describe('adding a child', () => {
  const CHILD = "<delay xmlns='urn:xmpp:delay' stamp='1'/>";

  test.each([
    ["<message id='1'><body>hi</body></message>", `<message id='1'><body>hi</body>${CHILD}</message>`],
    ['<message></message>', `<message>${CHILD}</message>`],
    ["<message id='1'/>", `<message id='1'>${CHILD}</message>`],
    ["<message id='1' />", `<message id='1' >${CHILD}</message>`],
    ['<message><body/></message  >', `<message><body/>${CHILD}</message  >`],
    ['<iq type="get"/>', `<iq type="get">${CHILD}</iq>`],
  ])('to %s puts it last', (input, expected) => {
    expect(written(arrive(input).append(CHILD), '', '')).toBe(expected);
    expect(written(arrive(input).retain().append(CHILD), '', '')).toBe(expected);
  });

  test('leaves the stanza without it as it was', () => {
    const stanza = arrive('<message/>');
    const more = stanza.append(CHILD);
    expect(written(stanza, '', '')).toBe('<message/>');
    expect([stanza.element.children.length, more.element.children.length]).toEqual([0, 1]);
    expect(more.append(CHILD).element.children.length).toBe(2);
  });

  test('is seen in the tree, and in the tree of a stanza that was kept', () => {
    const stanza = arrive("<message id='1'><body>hi</body></message>").append(CHILD);
    expect(stanza.element.childOf('urn:xmpp:delay')?.attribute('stamp')).toBe('1');
    expect(stanza.id).toBe('1');
    const kept = arrive("<message id='1'><body>hi</body></message>").append(CHILD).retain();
    expect(kept.element).toEqual(stanza.element);
  });

  test('to a stanza that the server made keeps its addresses', () => {
    const stanza = Stanza.of(Element.of('message', NS_CLIENT, { from: 'a', to: 'b' })).append(CHILD);
    expect([stanza.attribute('from'), stanza.attribute('to')]).toEqual(['a', 'b']);
    expect(written(stanza, 'F', 'T')).toBe(`<message from='F' to='T'>${CHILD}</message>`);
    // Also once its bytes have been made.
    const again = stanza.append(CHILD);
    expect([again.attribute('from'), again.element.children.length]).toEqual(['a', 2]);
    expect(written(again, '', '')).toBe(`<message>${CHILD}${CHILD}</message>`);
  });
});

describe('keeping a stanza', () => {
  test('makes it independent of the buffer and of the scanner', () => {
    const buffer = Buffer.from("<message to='x' id='1' type='chat'><body>hi</body></message>");
    const scanner = new Scanner();
    scanner.enter(opened());
    scanner.scan(buffer, 0, buffer.length);
    const stanza = Stanza.read(scanner, buffer, StanzaKind.MESSAGE, 'message');
    expect(stanza.retain()).toBe(stanza);
    buffer.fill(0x3c);
    const other = Buffer.from("<iq id='2'/>");
    scanner.enter(opened());
    scanner.scan(other, 0, other.length);
    expect([stanza.id, stanza.type, stanza.attribute('to')]).toEqual(['1', 'chat', 'x']);
    expect(stanza.element.childText('body')).toBe('hi');
    expect(written(stanza, 'F', 'T')).toBe(
      "<message from='F' to='T'  id='1' type='chat'><body>hi</body></message>",
    );
  });

  test('copies once, however often it is asked for', () => {
    const bytes = Buffer.from("<message from='F' to='T'/>");
    const stanza = Stanza.ofBytes(StanzaKind.MESSAGE, undefined, bytes, 0, bytes.length).retain();
    bytes.fill(0x3c);
    expect(written(stanza.retain(), '', '')).toBe("<message from='F' to='T'/>");
  });

  test('keeps the tree that there is already', () => {
    const stanza = arrive('<message><body>hi</body></message>');
    const { element } = stanza;
    expect(stanza.retain().element).toBe(element);
  });
});

describe('a stanza of stamped bytes', () => {
  function ofBytes(text: string, kind: StanzaKind = StanzaKind.MESSAGE): Stanza {
    const buffer = Buffer.from(`<<<${text}>>>`);
    return Stanza.ofBytes(kind, 'chat', buffer, 3, buffer.length - 3);
  }

  test('is written as it is, whatever addresses are given', () => {
    const text = "<message from='a' to='b'><body>hi</body></message>";
    expect(written(ofBytes(text), 'F', 'T')).toBe(text);
    expect([ofBytes(text).kind, ofBytes(text).name, ofBytes(text).type]).toEqual([
      StanzaKind.MESSAGE,
      'message',
      'chat',
    ]);
    expect(ofBytes(text).attribute('from')).toBe('a');
  });

  test.each([
    ["<message from='a'><body/></message>", "<message from='a'><body/><x/></message>"],
    ["<message from='a'><body/></message \n>", "<message from='a'><body/><x/></message \n>"],
    ["<message from='a' />", "<message from='a' ><x/></message>"],
    ['<message/>', '<message><x/></message>'],
    ['<message></message>', '<message><x/></message>'],
  ])('takes a child: %s', (text, expected) => {
    expect(written(ofBytes(text).append('<x/>'), '', '')).toBe(expected);
    expect(ofBytes(text).append('<x/>').element.child('x')).toBeDefined();
  });

  test('of another kind takes a child too', () => {
    expect(written(ofBytes('<foo/>', StanzaKind.OTHER).append('<x/>'), '', '')).toBe('<foo><x/></foo>');
    expect(written(ofBytes("<foo a='1'/>", StanzaKind.OTHER).append('<x/>'), '', '')).toBe(
      "<foo a='1'><x/></foo>",
    );
  });
});

describe('a stanza kept as text', () => {
  test('is the same when it comes back, without its addresses', () => {
    const text = arrive("<presence from='a' to='b' id='1'><status>☎ away</status></presence>").toText();
    expect(text).toMatch(/^[\0-\xff]*$/);
    const stanza = Stanza.fromText(StanzaKind.PRESENCE, undefined, text);
    expect([stanza.kind, stanza.id, stanza.attribute('from'), stanza.attribute('to')]).toEqual([
      StanzaKind.PRESENCE,
      '1',
      undefined,
      undefined,
    ]);
    expect(stanza.element.childText('status')).toBe('☎ away');
  });
});

describe('a stanza is empty', () => {
  test.each([
    ["<presence id='1'/>", true],
    ['<presence><show>away</show></presence>', false],
  ])('%s: %s', (input, expected) => {
    expect(arrive(input).isEmpty).toBe(expected);
    expect(Stanza.of(arrive(input).element).isEmpty).toBe(expected);
    expect(arrive(input).append('<x/>').isEmpty).toBe(false);
  });
});

describe('attributes', () => {
  test('are found without a tree, references resolved', () => {
    const stanza = arrive(`<iq id="&lt;1&#9;2" from='a' to='b' type='get' xml:lang='de'/>`);
    expect(stanza.id).toBe('<1\t2');
    expect(stanza.attribute('from')).toBe('a');
    expect(stanza.attribute('to')).toBe('b');
    expect(stanza.attribute('xml:lang')).toBe('de');
    expect(stanza.type).toBe('get');
  });

  test('are undefined when they are not there', () => {
    const stanza = arrive('<iq/>');
    expect([stanza.id, stanza.type, stanza.attribute('to'), stanza.attribute('from')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test.each(['chat', 'subscribed', 'get', 'something-else', 'chats', '', 'erro'])(
    'the type %j is what it is',
    (type) => {
      expect(arrive(`<message type='${type}'/>`).type).toBe(type);
    },
  );

  test('a type written with references is the same type', () => {
    expect(arrive("<message type='&#99;hat'/>").type).toBe('chat');
  });
});

describe('the kind of a stanza', () => {
  test('follows from its name, in the namespace of stanzas', () => {
    expect(['message', 'presence', 'iq', 'Message', 'foo'].map(kindOf)).toEqual([
      StanzaKind.MESSAGE,
      StanzaKind.PRESENCE,
      StanzaKind.IQ,
      StanzaKind.OTHER,
      StanzaKind.OTHER,
    ]);
    expect(Stanza.of(Element.of('iq', NS_CLIENT)).kind).toBe(StanzaKind.IQ);
    expect(Stanza.of(Element.of('iq', 'urn:x')).kind).toBe(StanzaKind.OTHER);
  });
});

describe('parsing text', () => {
  test('gives the element, in the namespace of stanzas', () => {
    expect(parseElementText("<iq id='1'><a xmlns='x'/></iq>")).toEqual(
      Element.of('iq', NS_CLIENT, { id: '1' }, Element.of('a', 'x')),
    );
  });

  test('throws on what this server cannot have written', () => {
    expect(() => parseElementText('<iq>')).toThrow('does not parse');
    expect(() => parseElementText('<iq></message>')).toThrow('closing tag does not match');
  });
});

test('a stanza from a ring has addresses in its bytes, unless one asks for it without', () => {
  const bytes = Buffer.from("<message from='a@x/r' to='b@x' type='chat'><body>hi</body></message>");
  const stanza = Stanza.ofBytes(StanzaKind.MESSAGE, 'chat', bytes, 0, bytes.length);
  expect(written(stanza, '', '')).toBe(bytes.toString());
  expect(written(stanza.unstamped, '', '')).toBe("<message type='chat'><body>hi</body></message>");
  expect(stanza.unstamped.unstamped.type).toBe('chat');
  const read = arrive("<message to='b@x'><body>hi</body></message>");
  expect(read.unstamped).toBe(read);
});
