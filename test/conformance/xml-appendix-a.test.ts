import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { HEADER, opened, read, readOne, unopened } from '../unit/xml/reading.ts';

/**
 * The parser matrix of the threat catalogue (appendix A), row by row: what saxes, sax, ltx and node-expat make of it is recorded
 * there; this is what we make of it. RFC 6120 §11.1 and §11.3, threats T01, T03, T05 and T54.
 */

/** The rows that are ill-formed by XML 1.0 or Namespaces 1.0, inside a stream. */
const ILL_FORMED: readonly [row: string, input: string, condition: string][] = [
  ["<message from='a' from='b'/>", "<message from='a' from='b'/>", 'not-well-formed'],
  ['NUL in text', '<message><body>\0</body></message>', 'not-well-formed'],
  ['U+0001 in text', '<message><body>\u0001</body></message>', 'not-well-formed'],
  ['&#1;', '<message><body>&#1;</body></message>', 'not-well-formed'],
  ['&#xD800;', '<message><body>&#xD800;</body></message>', 'not-well-formed'],
  // RFC 6120 §11.1 forbids it before XML 1.0 does.
  ['&nbsp; undefined', '<message><body>&nbsp;</body></message>', 'restricted-xml'],
  ['<foo:message/> unbound', '<foo:message/>', 'bad-namespace-prefix'],
  ['<a:b:c/>', "<a:b:c xmlns:a='x'/>", 'not-well-formed'],
  ['same name through two prefixes', "<a xmlns:p='x' xmlns:q='x' p:b='1' q:b='2'/>", 'not-well-formed'],
  ['<body></message></body>', '<message><body></message></body>', 'not-well-formed'],
  ['from=abc unquoted', '<message from=abc/>', 'not-well-formed'],
  ["from='a<b'", "<message from='a<b'/>", 'not-well-formed'],
  ["to='b'id='c' no space", "<message to='b'id='c'/>", 'not-well-formed'],
  ['<message ]]> />', '<message ]]> />', 'not-well-formed'],
  [']]> in text', '<message><body>a]]>b</body></message>', 'not-well-formed'],
];

/** The rows that are well-formed but forbidden in XMPP. */
const FORBIDDEN: readonly [row: string, input: string, condition: string][] = [
  ['DOCTYPE with entity', "<!DOCTYPE x [<!ENTITY a 'b'>]><message>&a;</message>", 'restricted-xml'],
  ['comment', '<message><!-- a --></message>', 'restricted-xml'],
  ['comment between stanzas', '<!-- a --><message/>', 'restricted-xml'],
  ['processing instruction', '<message><?a b?></message>', 'restricted-xml'],
  ['processing instruction between stanzas', '<?a b?><message/>', 'restricted-xml'],
];

/** How saxes ends on the same input inside a stream. */
function saxesAccepts(input: string): boolean {
  let isAccepted = true;
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', () => {
    isAccepted = false;
  });
  parser.write(HEADER + input);
  return isAccepted;
}

describe('ill-formed input', () => {
  test.each(ILL_FORMED)('%s is refused', (_row, input, condition) => {
    expect(read(input).end).toBe(condition);
    expect(saxesAccepts(input)).toBe(false);
  });

  test('text before the root is refused', () => {
    expect(read(`hello${HEADER}`, unopened()).end).toBe('not-well-formed');
  });
});

describe('input that XMPP forbids', () => {
  test.each(FORBIDDEN)('%s is refused', (_row, input, condition) => {
    expect(read(input).end).toBe(condition);
  });

  test('a DOCTYPE with ten nested entities is refused before it has ended (T01)', () => {
    const entities = Array.from({ length: 10 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`);
    const doctype = `<!DOCTYPE lolz [<!ENTITY e0 "lol">${entities.join('')}]>`;
    expect(read(doctype + HEADER, unopened()).end).toBe('restricted-xml');
    expect(read(`${doctype}<message>&e10;</message>`).end).toBe('restricted-xml');
    expect(read(`<message>${doctype}&e10;</message>`).end).toBe('restricted-xml');
    expect(read('<!D').end).toBe('restricted-xml');
  });
});

describe('input that is only dangerous', () => {
  test('CDATA does not differ from text', () => {
    expect(readOne('<message><body><![CDATA[<b>&]]></body></message>')).toEqual(
      readOne('<message><body>&lt;b>&amp;</body></message>'),
    );
  });

  test('a nested stream:stream is an element like any other, and never the start of a stream', () => {
    const { header, elements, end } = read(
      `<message>${HEADER}<message to='x'/></stream:stream></message>`,
      opened(),
    );
    expect([header, elements.length, end]).toEqual([undefined, 1, 'between']);
    const top = read(`${HEADER}<message to='x'/></stream:stream>`, opened());
    expect([top.header, top.elements.map(({ name }) => name)]).toEqual([undefined, ['stream']]);
  });

  test.each(['__proto__', 'constructor'])('an attribute %s is stored and given back', (name) => {
    expect([...readOne(`<message ${name}='1'/>`).attributes]).toEqual([[name, '1']]);
    expect(Object.hasOwn(Object.prototype, '1')).toBe(false);
  });

  test('an element __proto__ is stored and given back', () => {
    const element = readOne("<message><__proto__ polluted='1'/></message>");
    expect(element.elements().map(({ name }) => name)).toEqual(['__proto__']);
    expect('polluted' in {}).toBe(false);
  });
});

test('no row of the matrix is missing', () => {
  // 16 ill-formed ones, one of them before the root; 7 others, the last three of them above.
  expect(ILL_FORMED.length + 1).toBe(16);
  expect(new Set(FORBIDDEN.map(([row]) => row.split(' between')[0])).size).toBe(3);
});
