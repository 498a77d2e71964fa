import { describe, expect, test } from 'vitest';
import { HEADER, read, unopened, verdict } from './reading.ts';

/** Inputs that end a stream, by the condition that RFC 6120 §4.9.3 has for them and the text that comes with it. */
const INSIDE_A_STREAM: readonly [why: string, input: string | Uint8Array, condition: string, text: string][] =
  [
    ['a closing tag of another name', '<a></b>', 'not-well-formed', 'closing tag does not match'],
    ['a closing tag with a longer name', '<a></ab>', 'not-well-formed', 'closing tag does not match'],
    ['a closing tag with a shorter name', '<ab></a>', 'not-well-formed', 'closing tag does not match'],
    ['an attribute in a closing tag', "<a></a b='c'>", 'not-well-formed', 'closing tag does not match'],
    ['a space before the name in a closing tag', '<a></ a>', 'not-well-formed', 'closing tag does not match'],
    ["a closing tag that is not the stream's", '</stream>', 'not-well-formed', 'closing tag does not match'],
    ['something after the slash of an empty tag', '<a/ >', 'not-well-formed', '> expected after /'],
    ['a name that starts with a digit', '<1a/>', 'not-well-formed', 'bad character in a name'],
    ['a name that starts with a hyphen', '<-a/>', 'not-well-formed', 'bad character in a name'],
    ['a tag without a name', '< a/>', 'not-well-formed', 'bad character in a name'],
    ['an empty tag', '<>', 'not-well-formed', 'bad character in a name'],
    ['a less-than sign alone', '<a>1 < 2</a>', 'not-well-formed', 'bad character in a name'],
    ['a name that starts with a colon', '<:a/>', 'not-well-formed', 'bad character in a name'],
    ['a name that ends in a colon', '<a:/>', 'not-well-formed', 'bad character in a name'],
    ['a digit after the colon of a name', '<a:1/>', 'not-well-formed', 'bad character in a name'],
    [
      'a combining character at the start of a name',
      '<\u0301a/>',
      'not-well-formed',
      'bad character in a name',
    ],
    ['a multiplication sign in a name', '<a\u00d7/>', 'not-well-formed', 'bad character in a name'],
    ['a name with two colons', '<a:b:c/>', 'not-well-formed', 'two colons in a name'],
    ['an attribute name with two colons', "<a b:c:d='e'/>", 'not-well-formed', 'two colons in a name'],
    [
      'a character that no name holds after a name',
      '<a"/>',
      'not-well-formed',
      'space expected before an attribute',
    ],
    [
      'two attributes without a space between',
      "<a b='c'd='e'/>",
      'not-well-formed',
      'space expected before an attribute',
    ],
    ['an attribute without a value', '<a b/>', 'not-well-formed', 'attribute without a value'],
    [
      'an attribute without a value before another',
      "<a b c='d'/>",
      'not-well-formed',
      'attribute without a value',
    ],
    ['a value without quotes', '<a b=c/>', 'not-well-formed', 'attribute value without quotes'],
    ['a value of nothing', '<a b=/>', 'not-well-formed', 'attribute value without quotes'],
    ['a less-than sign in a value', "<a b='<'/>", 'not-well-formed', '< in an attribute value'],
    ['an attribute given twice', "<a b='1' b='1'/>", 'not-well-formed', 'attribute given twice'],
    ['a namespace declared twice', "<a xmlns='x' xmlns='y'/>", 'not-well-formed', 'attribute given twice'],
    ['a prefix declared twice', "<a xmlns:p='x' xmlns:p='y'/>", 'not-well-formed', 'attribute given twice'],
    ['the end of a CDATA section in text', '<a>]]></a>', 'not-well-formed', ']]> in text'],
    ['the end of a CDATA section after brackets', '<a>]]]]></a>', 'not-well-formed', ']]> in text'],
    ['a control character in text', '<a>\u0001</a>', 'not-well-formed', 'control character'],
    ['a NUL in text', '<a>\0</a>', 'not-well-formed', 'control character'],
    ['a control character in a value', "<a b='\u001f'/>", 'not-well-formed', 'control character'],
    ['a control character in CDATA', '<a><![CDATA[\u0008]]></a>', 'not-well-formed', 'control character'],
    ['U+FFFE in text', '<a>\ufffe</a>', 'not-well-formed', 'character not allowed in XML'],
    ['U+FFFF in a value', "<a b='\uffff'/>", 'not-well-formed', 'character not allowed in XML'],
    ['a byte that never occurs in UTF-8', bytes('<a>', 0xff, '</a>'), 'not-well-formed', 'invalid UTF-8'],
    ['a continuation byte alone', bytes('<a>', 0x80, '</a>'), 'not-well-formed', 'invalid UTF-8'],
    ['a character cut short', bytes('<a>', 0xc3, '</a>'), 'not-well-formed', 'invalid UTF-8'],
    ['an overlong slash of two bytes', bytes('<a>', 0xc0, 0xaf, '</a>'), 'not-well-formed', 'invalid UTF-8'],
    [
      'an overlong less-than sign of three bytes',
      bytes('<a>', 0xe0, 0x80, 0xbc, '</a>'),
      'not-well-formed',
      'invalid UTF-8',
    ],
    [
      'an overlong form of four bytes',
      bytes('<a>', 0xf0, 0x80, 0x80, 0xaf, '</a>'),
      'not-well-formed',
      'invalid UTF-8',
    ],
    [
      'a surrogate encoded by itself',
      bytes('<a>', 0xed, 0xa0, 0x80, '</a>'),
      'not-well-formed',
      'invalid UTF-8',
    ],
    [
      'a pair of surrogates (CESU-8)',
      bytes('<a>', 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80, '</a>'),
      'not-well-formed',
      'invalid UTF-8',
    ],
    [
      'a code point above U+10FFFF',
      bytes('<a>', 0xf4, 0x90, 0x80, 0x80, '</a>'),
      'not-well-formed',
      'invalid UTF-8',
    ],
    [
      'a sequence of five bytes',
      bytes('<a>', 0xf8, 0x88, 0x80, 0x80, 0x80, '</a>'),
      'not-well-formed',
      'invalid UTF-8',
    ],
    ['invalid UTF-8 in a value', bytes("<a b='", 0xc3, "'/>"), 'not-well-formed', 'invalid UTF-8'],
    ['invalid UTF-8 in CDATA', bytes('<a><![CDATA[', 0xfe, ']]></a>'), 'not-well-formed', 'invalid UTF-8'],
    ['invalid UTF-8 in a name', bytes('<a', 0xff, '/>'), 'not-well-formed', 'bad character in a name'],
    ['an ampersand alone', '<a>this & that</a>', 'not-well-formed', 'bad reference'],
    ['a reference to nothing', '<a>&;</a>', 'not-well-formed', 'bad reference'],
    ['two ampersands', '<a>&&amp;</a>', 'not-well-formed', 'bad reference'],
    ['a reference that does not end', '<a>&amp</a>', 'not-well-formed', 'bad reference'],
    [
      'a reference longer than any right one',
      `<a>&#${'0'.repeat(14)}65;</a>`,
      'not-well-formed',
      'bad reference',
    ],
    ['a reference to U+0001', '<a>&#1;</a>', 'not-well-formed', 'bad character reference'],
    ['a reference to U+0000', '<a>&#0;</a>', 'not-well-formed', 'bad character reference'],
    ['a reference to a surrogate', '<a>&#xD800;</a>', 'not-well-formed', 'bad character reference'],
    ['a reference to U+FFFE', '<a>&#xFFFE;</a>', 'not-well-formed', 'bad character reference'],
    ['a reference above U+10FFFF', '<a>&#x110000;</a>', 'not-well-formed', 'bad character reference'],
    ['a character reference without digits', '<a>&#;</a>', 'not-well-formed', 'bad character reference'],
    ['a hexadecimal reference without digits', '<a>&#x;</a>', 'not-well-formed', 'bad character reference'],
    [
      'a hexadecimal digit in a decimal reference',
      '<a>&#6F;</a>',
      'not-well-formed',
      'bad character reference',
    ],
    ['an upper-case X in a reference', '<a>&#X41;</a>', 'not-well-formed', 'bad character reference'],
    ['a sign in a reference', '<a>&#+65;</a>', 'not-well-formed', 'bad character reference'],
    ['an entity of HTML', '<a>&nbsp;</a>', 'restricted-xml', 'entity reference'],
    ['an entity in a value', "<a b='&copy;'/>", 'restricted-xml', 'entity reference'],
    ['a predefined entity in upper case', '<a>&AMP;</a>', 'restricted-xml', 'entity reference'],
    ['a comment', '<a><!-- b --></a>', 'restricted-xml', 'comment'],
    ['a comment between stanzas', '<!-- b -->', 'restricted-xml', 'comment'],
    ['a document type declaration', '<!DOCTYPE a>', 'restricted-xml', 'document type declaration'],
    [
      'a document type declaration in an element',
      '<a><!DOCTYPE a></a>',
      'restricted-xml',
      'document type declaration',
    ],
    ['an entity declaration', "<!ENTITY a 'b'>", 'restricted-xml', 'document type declaration'],
    ['a processing instruction', '<?php?>', 'restricted-xml', 'processing instruction'],
    ['a processing instruction in an element', '<a><?b?></a>', 'restricted-xml', 'processing instruction'],
    [
      'an XML declaration between stanzas',
      "<?xml version='1.0'?>",
      'restricted-xml',
      'processing instruction',
    ],
    ['marked sections other than CDATA', '<a><![INCLUDE[b]]></a>', 'not-well-formed', 'bad markup'],
    ['CDATA in lower case', '<a><![cdata[b]]></a>', 'not-well-formed', 'bad markup'],
    ['text between stanzas', 'hello', 'bad-format', 'text between stanzas'],
    ['text after a stanza', '<a/>hello', 'bad-format', 'text between stanzas'],
    ['CDATA between stanzas', '<![CDATA[ ]]>', 'bad-format', 'text between stanzas'],
    ['a reference between stanzas', '&#32;', 'bad-format', 'text between stanzas'],
    ['a byte order mark between stanzas', '\ufeff<a/>', 'bad-format', 'text between stanzas'],
    ['a prefix that is not bound', '<foo:message/>', 'bad-namespace-prefix', 'prefix is not bound'],
    [
      'an attribute with a prefix that is not bound',
      "<a foo:b='c'/>",
      'bad-namespace-prefix',
      'prefix is not bound',
    ],
  ];

const BEFORE_THE_HEADER: typeof INSIDE_A_STREAM = [
  ['text before the opening tag', 'hello', 'not-well-formed', 'expected the opening tag of a stream'],
  [
    'text after the declaration',
    "<?xml version='1.0'?>hello",
    'not-well-formed',
    'expected the opening tag of a stream',
  ],
  ['a byte order mark', `\ufeff${HEADER}`, 'not-well-formed', 'expected the opening tag of a stream'],
  [
    'CDATA before the opening tag',
    '<![CDATA[x]]>',
    'not-well-formed',
    'expected the opening tag of a stream',
  ],
  ['a closing tag first', '</stream:stream>', 'not-well-formed', 'closing tag first'],
  [
    'a stream closed in its opening tag',
    HEADER.replace('>', '/>'),
    'bad-format',
    'the stream is closed in its opening tag',
  ],
  [
    'a document type declaration',
    "<!DOCTYPE a [<!ENTITY b 'c'>]>",
    'restricted-xml',
    'document type declaration',
  ],
  [
    'a document type declaration after the declaration',
    "<?xml version='1.0'?><!DOCTYPE a>",
    'restricted-xml',
    'document type declaration',
  ],
  ['a comment', '<!-- a -->', 'restricted-xml', 'comment'],
  ['a processing instruction', '<?php echo 1 ?>', 'restricted-xml', 'processing instruction'],
  ['a style sheet', "<?xml-stylesheet href='a'?>", 'restricted-xml', 'processing instruction'],
  [
    'a second declaration',
    "<?xml version='1.0'?><?xml version='1.0'?>",
    'restricted-xml',
    'processing instruction',
  ],
  ['a declaration after a space', " <?xml version='1.0'?>", 'restricted-xml', 'processing instruction'],
  ['a declaration without a version', '<?xml?>', 'not-well-formed', 'bad XML declaration'],
  [
    'a declaration with the encoding first',
    "<?xml encoding='UTF-8' version='1.0'?>",
    'not-well-formed',
    'bad XML declaration',
  ],
  ['a declaration with unequal quotes', `<?xml version='1.0"?>`, 'not-well-formed', 'bad XML declaration'],
  ['a declaration for XML 2', "<?xml version='2.0'?>", 'not-well-formed', 'bad XML declaration'],
  [
    'a declaration with an unknown part',
    "<?xml version='1.0' foo='bar'?>",
    'not-well-formed',
    'bad XML declaration',
  ],
  [
    'a declaration without spaces',
    "<?xml version='1.0'encoding='UTF-8'?>",
    'not-well-formed',
    'bad XML declaration',
  ],
  [
    'a declaration that does not end',
    `<?xml version='1.0'${' '.repeat(300)}`,
    'not-well-formed',
    'bad XML declaration',
  ],
  [
    'a processing instruction that does not end',
    `<?php ${' '.repeat(300)}`,
    'restricted-xml',
    'processing instruction',
  ],
  [
    'a declaration of another encoding',
    "<?xml version='1.0' encoding='ISO-8859-1'?>",
    'unsupported-encoding',
    'only UTF-8 is supported',
  ],
  ['a prefix that is not bound', '<stream:stream>', 'bad-namespace-prefix', 'prefix is not bound'],
];

function bytes(...parts: (string | number)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));
}

describe('inside a stream', () => {
  test.each(INSIDE_A_STREAM)('refuses %s', (_why, input, condition, text) => {
    const reading = read(input);
    expect([reading.end, reading.text]).toEqual([condition, text]);
  });

  test.each(INSIDE_A_STREAM)(
    'refuses %s when it arrives byte by byte, for the same reason',
    (_why, input, condition, text) => {
      const reading = read(input, undefined, everyByte(input));
      expect([reading.end, reading.text]).toEqual([condition, text]);
    },
  );

  test('keeps what it read before the error', () => {
    const { elements, end } = read('<a/><b/><c>&nbsp;</c><d/>');
    expect(elements.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(end).toBe('restricted-xml');
  });
});

describe('before the opening tag of a stream', () => {
  test.each(BEFORE_THE_HEADER)('refuses %s', (_why, input, condition, text) => {
    const reading = read(input, unopened());
    expect([reading.end, reading.text]).toEqual([condition, text]);
  });

  test.each(BEFORE_THE_HEADER)(
    'refuses %s when it arrives byte by byte, for the same reason',
    (_why, input, condition, text) => {
      const reading = read(input, unopened(), everyByte(input));
      expect([reading.end, reading.text]).toEqual([condition, text]);
    },
  );
});

function everyByte(input: string | Uint8Array): number[] {
  return Array.from({ length: Buffer.from(input as string).length }, (_, i) => i);
}

describe('accepts', () => {
  test.each([
    ['space in a tag', "<a  b = 'c'\t\r\n/>"],
    ['space in a closing tag', '<a></a \n>'],
    ['either kind of quotes', `<a b='"' c="'"/>`],
    ['a greater-than sign in text and in a value', "<a b='>'>></a>"],
    ['brackets in text', '<a>]] ] ]]&gt; ]></a>'],
    ['an empty element in both forms', '<a/><a></a>'],
    ['a name of other letters', '<имя ф-1.2_3="x"/>'],
    ['a name with a middle dot and a combining mark', '<a\u00b7\u0301/>'],
    ['a name of a letter beyond U+FFFF', '<\u{20000}/>'],
    ['DEL and C1 characters, which XML 1.0 does not forbid', '<a>\u007f\u0085\u009f</a>'],
    ['U+FFFD and U+10FFFF', '<a>\ufffd\u{10ffff}</a>'],
    ['an empty CDATA section', '<a><![CDATA[]]></a>'],
    ['markup in CDATA', '<a><![CDATA[<b>&nbsp;<!-- -->]]></a>'],
    ['brackets at the end of CDATA', '<a><![CDATA[]]]]]></a>'],
    ['the longest references', '<a>&#x0000010FFFF;&#00001114111;</a>'],
  ])('%s', (_what, input) => {
    expect(verdict(input)).toBe('between');
  });
});
