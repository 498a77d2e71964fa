import { describe, expect, test } from 'vitest';
import { buildElement } from '../../../src/xml/element.ts';
import { Scan, Scanner } from '../../../src/xml/scanner.ts';
import { HEADER, opened, read, unopened } from './reading.ts';

const INPUTS = {
  'a plain stanza':
    "<message to='bob@localhost/phone' id='a1' type='chat'><body>Hello there</body><active xmlns='urn:x'/></message>",
  'characters of several bytes':
    "<message to='büb@exämple.com/☎'><bödy ключ='значение'>grüße € 😀\u{10ffff}</bödy></message>",
  'references in text and values': `<a b='&lt;&#x1F600;&#65;"' c="&apos;'">&amp;&gt;&#13;&quot;</a>`,
  'CDATA and brackets': '<a>]] <![CDATA[]] ]> <b>&amp;]]]]> ]<![CDATA[]]></a>',
  'line ends': "<a b='1\r\n2\r3\n4'>1\r\n2\r3\n4<![CDATA[\r\n\r]]></a>",
  'space everywhere': " \r\n\t<a \n b\t=\r' c ' ><d\n/>< /a\n>".replace('< /a', '</a'),
  prefixes: "<p:a xmlns:p='x' xmlns:q='y' p:b='1' q:b='2'><q:c xmlns='z' stream:d=''/></p:a>",
  'several stanzas': '<a/> <b></b>\n<c><d/></c>',
  'an unfinished stanza': "<a/><b c='d'><e>f",
  "the stream's closing tag": '<a/></stream:stream >',
  'an error in the middle': '<a/><b><!-- c --></b>',
} as const;

const STREAMS = {
  'a stream with a declaration': `<?xml version='1.0' encoding='UTF-8'?>\r\n${HEADER} <a/></stream:stream>`,
  'a stream without a declaration': `${HEADER.replace('>', ` to='exämple.com' id='&#49;' >`)}<a><b/></a>`,
  'a stream that begins with space': ` \n${HEADER}`,
  'a declaration in two': "<?xml version='1.0'?><?xml version='1.0'?>",
} as const;

describe.each([
  ...Object.entries(INPUTS).map(([what, input]) => [what, Buffer.from(input), opened()] as const),
  ...Object.entries(STREAMS).map(([what, input]) => [what, Buffer.from(input), unopened()] as const),
])('%s', (_what, bytes, context) => {
  const whole = read(bytes, context);
  const everywhere = Array.from({ length: bytes.length }, (_, i) => i);

  test('is read the same when it is cut at any byte', () => {
    for (const cut of everywhere) expect(read(bytes, context, [cut]), `cut at ${cut}`).toEqual(whole);
  });

  test('is read the same when it is cut at any two bytes', () => {
    for (const cut of everywhere) {
      for (const length of [1, 2, 3]) {
        expect(read(bytes, context, [cut, Math.min(cut + length, bytes.length)]), `cut at ${cut}`).toEqual(
          whole,
        );
      }
    }
  });

  test('is read the same when it comes byte by byte', () => {
    expect(read(bytes, context, everywhere)).toEqual(whole);
  });
});

describe('an unfinished element', () => {
  const bytes = Buffer.from(INPUTS['characters of several bytes']);

  test('is read on in the same buffer when more has been written behind it', () => {
    const whole = read(bytes).elements[0];
    for (const start of [0, 1, 7]) {
      const buffer = Buffer.alloc(bytes.length + 20, 0xff);
      const scanner = new Scanner();
      scanner.enter(opened());
      let pos = start;
      for (let length = 1; length <= bytes.length; length++) {
        buffer[start + length - 1] = bytes[length - 1]!;
        const event = scanner.scan(buffer, pos, start + length);
        expect(event).toBe(length < bytes.length ? Scan.MORE : Scan.ELEMENT);
        pos = scanner.pos;
      }
      expect(scanner.base).toBe(start);
      expect(buildElement(scanner, buffer)).toEqual(whole);
    }
  });

  test('keeps the scanner, and all from its first byte on is needed', () => {
    const scanner = new Scanner();
    scanner.enter(opened());
    const buffer = Buffer.from(`  <a/> ${"<b c='"}`);
    expect(scanner.scan(buffer, 0, buffer.length)).toBe(Scan.ELEMENT);
    expect(scanner.isInside).toBe(false);
    scanner.enter(opened());
    expect(scanner.scan(buffer, scanner.pos, buffer.length)).toBe(Scan.MORE);
    expect([scanner.isInside, scanner.base]).toEqual([true, 7]);
  });
});

describe('space that goes on and on', () => {
  test.each([
    ['between elements', opened(), ''],
    ['before the opening tag', unopened(), ''],
    ['after the declaration', unopened(), "<?xml version='1.0'?>"],
  ])('need not be kept %s (T09)', (_where, context, before) => {
    const scanner = new Scanner();
    scanner.enter(context);
    const buffer = Buffer.from(`${before}${' '.repeat(1000)}`);
    expect(scanner.scan(buffer, 0, buffer.length)).toBe(Scan.MORE);
    expect([scanner.base, scanner.pos]).toEqual([buffer.length, buffer.length]);
    const more = Buffer.from('  <');
    if (!scanner.isInside) scanner.enter(context);
    expect(scanner.scan(more, 0, more.length)).toBe(Scan.MORE);
    expect(scanner.base).toBe(2);
  });
});
