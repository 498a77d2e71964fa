import { describe, expect, test } from 'vitest';
import { buildElement } from '../../../src/xml/element.ts';
import { Scan, Scanner } from '../../../src/xml/scanner.ts';
import { NS_CLIENT, NS_STREAM } from '../../../src/xmpp/namespaces.ts';
import { HEADER, opened, read, readOne, unopened } from './reading.ts';

describe('the opening tag of a stream', () => {
  test('tells its name, its namespace, its bindings and its attributes', () => {
    const { header, end } = read(
      `${HEADER.slice(0, -1)} to='example.com' version="1.0" xml:lang='de'>`,
      unopened(),
    );
    expect(end).toBe('between');
    expect(header).toEqual({
      name: 'stream:stream',
      namespace: NS_STREAM,
      bindings: [
        { prefix: '', uri: NS_CLIENT },
        { prefix: 'stream', uri: NS_STREAM },
      ],
      attributes: new Map([
        ['to', 'example.com'],
        ['version', '1.0'],
        ['xml:lang', 'de'],
      ]),
    });
  });

  test.each([
    ['a declaration', "<?xml version='1.0'?>"],
    ['a declaration with an encoding', `<?xml version="1.0" encoding="UTF-8"?>`],
    ['a declaration with an encoding in lower case', "<?xml version='1.0' encoding='utf-8'?>"],
    ['a declaration with all its parts', "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"],
    ['a declaration with much space', "<?xml\n\tversion = '1.0'\r\n encoding\n=\n'UTF-8'\n?>"],
    ['a declaration of a later XML 1', "<?xml version='1.1'?>"],
    ['a declaration and space', "<?xml version='1.0'?>\r\n\t "],
    ['space', ' \t\r\n'],
    ['nothing', ''],
  ])('may follow %s', (_what, before) => {
    const { header, end } = read(before + HEADER, unopened());
    expect(header?.name).toBe('stream:stream');
    expect(end).toBe('between');
  });

  test('may use another prefix, or none', () => {
    const other = read(
      `<foo:stream xmlns='${NS_CLIENT}' xmlns:foo='${NS_STREAM}'><a/></foo:stream>`,
      unopened(),
    );
    expect([other.header?.name, other.header?.namespace]).toEqual(['foo:stream', NS_STREAM]);
    expect(other.elements[0]?.ns).toBe(NS_CLIENT);
    expect(other.end).toBe('closed');
    const none = read(`<stream xmlns='${NS_STREAM}'><a xmlns='${NS_CLIENT}'/><b/></stream>`, unopened());
    expect([none.header?.name, none.header?.namespace]).toEqual(['stream', NS_STREAM]);
    expect(none.elements.map(({ ns }) => ns)).toEqual([NS_CLIENT, NS_STREAM]);
    expect(none.end).toBe('closed');
  });

  test('may bind prefixes after their use, and with references in the name', () => {
    const { header } = read(`<s:stream xmlns:s='http://etherx.jabber.org&#47;streams'>`, unopened());
    expect(header?.namespace).toBe(NS_STREAM);
  });

  test('may have no namespace; whoever asks sees that', () => {
    expect(read('<stream>', unopened()).header?.namespace).toBe('');
    expect(read("<stream xmlns=''>", unopened()).header?.namespace).toBe('');
  });

  test('does not make a stream header of one inside an element', () => {
    const inner = readOne(`<a>${HEADER}</stream:stream></a>`);
    expect(inner.children).toHaveLength(1);
    expect(read(`<a>${HEADER}</a>`).end).toBe('not-well-formed');
  });
});

describe('the closing tag of a stream', () => {
  test('repeats the name of the opening tag', () => {
    expect(read('<a/></stream:stream>').end).toBe('closed');
    expect(read('</stream:stream  \n>').end).toBe('closed');
  });

  test('cannot come inside an element', () => {
    expect(read('<a></stream:stream>').end).toBe('not-well-formed');
  });

  test('leaves what follows unread', () => {
    const scanner = new Scanner();
    const buffer = Buffer.from('</stream:stream><a/>');
    scanner.enter(opened());
    expect(scanner.scan(buffer, 0, buffer.length)).toBe(Scan.STREAM_CLOSE);
    expect(scanner.pos).toBe('</stream:stream>'.length);
    expect(scanner.isInside).toBe(false);
  });
});

describe('between elements', () => {
  test('space is passed over', () => {
    const { elements, end } = read(' \n<a/>\r\n\t<b/>  ');
    expect(elements.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(end).toBe('between');
  });

  test('one buffer may hold many elements', () => {
    const count = 5000;
    const { elements } = read(Array.from({ length: count }, (_, i) => `<iq id='${i}'/>`).join(''));
    expect(elements).toHaveLength(count);
    expect(elements.map((element) => Number(element.attribute('id')))).toEqual([...Array(count).keys()]);
  });

  test('a scanner serves any other stream', () => {
    const scanner = new Scanner();
    const foo = opened(undefined, [{ prefix: '', uri: 'foo' }]);
    const bar = opened(undefined, [{ prefix: '', uri: 'bar' }]);
    const buffer = Buffer.from('<a/><b/>');
    for (const [context, ns] of [
      [foo, 'foo'],
      [bar, 'bar'],
    ] as const) {
      scanner.enter(context);
      expect(scanner.isInside).toBe(false);
      scanner.scan(buffer, 0, buffer.length);
      expect(buildElement(scanner, buffer).ns).toBe(ns);
    }
  });

  test('a scanner that failed reads on after a reset', () => {
    const scanner = new Scanner();
    const bad = Buffer.from('<a><b></a>');
    scanner.enter(opened());
    expect(scanner.scan(bad, 0, bad.length)).toBe(Scan.ERROR);
    scanner.reset();
    expect(scanner.isInside).toBe(false);
    const good = Buffer.from('<a><b/></a>');
    scanner.enter(opened());
    expect(scanner.scan(good, 0, good.length)).toBe(Scan.ELEMENT);
  });

  test('bytes before the start and after the end of what was received are not looked at', () => {
    const scanner = new Scanner();
    const buffer = Buffer.from('\xff\xff<a/><b/>\xff\xff', 'latin1');
    scanner.enter(opened());
    expect(scanner.scan(buffer, 2, 10)).toBe(Scan.ELEMENT);
    scanner.enter(opened());
    expect(scanner.scan(buffer, scanner.pos, 10)).toBe(Scan.ELEMENT);
    expect([scanner.base, scanner.pos]).toEqual([6, 10]);
    scanner.enter(opened());
    expect(scanner.scan(buffer, 10, 10)).toBe(Scan.MORE);
  });
});

describe('the envelope of a top-level element', () => {
  function scan(input: string): { scanner: Scanner; value: (token: number) => string | undefined } {
    const scanner = new Scanner();
    const buffer = Buffer.from(input);
    scanner.enter(opened());
    expect(scanner.scan(buffer, 0, buffer.length)).toBe(Scan.ELEMENT);
    return {
      scanner,
      value: (token) =>
        token < 0 ? undefined : input.slice(scanner.tokens[token + 3]!, scanner.tokens[token + 4]!),
    };
  }

  test('holds to, from, id, type and xml:lang', () => {
    const { scanner, value } = scan(`<message xml:lang='en' type="chat" id='1' from='a' to='b'/>`);
    expect(
      [scanner.toToken, scanner.fromToken, scanner.idToken, scanner.typeToken, scanner.langToken].map(value),
    ).toEqual(['b', 'a', '1', 'chat', 'en']);
  });

  test("is not filled from children's attributes, nor from names with other prefixes, nor from longer names", () => {
    const { scanner } = scan(
      "<a xmlns:p='p' p:to='1' tos='2' To='3' lang='4' ab='5' abcd='6' abcdefgh='7' tipo='8' xml:Lang='9'><b to='5' from='6' id='7' type='8' xml:lang='9'/></a>",
    );
    expect([
      scanner.toToken,
      scanner.fromToken,
      scanner.idToken,
      scanner.typeToken,
      scanner.langToken,
    ]).toEqual([-1, -1, -1, -1, -1]);
  });

  test('tells where children may be added', () => {
    const full = scan('<message><body>hi</body></message >').scanner;
    expect([full.nameEnd, full.closeStart, full.isEmptyElement]).toEqual([8, 24, false]);
    const empty = scan("<message id='1' />").scanner;
    expect([empty.nameEnd, empty.closeStart, empty.isEmptyElement]).toEqual([8, 16, true]);
    const withEmptyChild = scan('<message><body/></message>').scanner;
    expect([withEmptyChild.closeStart, withEmptyChild.isEmptyElement]).toEqual([16, false]);
  });
});
