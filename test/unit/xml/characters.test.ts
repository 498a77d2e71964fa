import { describe, expect, test } from 'vitest';
import { read } from './reading.ts';

// XML 1.0 §2.2 and §2.3, as they stand there; without the colon, which Namespaces 1.0 gives another meaning.
const CHAR = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]$/u;
const NAME_START =
  /^[A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\u{10000}-\u{effff}]$/u;
const NAME = /^[\u0300-\u036f\u00b7\u203f-\u2040.0-9-]$/u;

/** Everything of one or two bytes, something for each first byte of longer ones, and both sides of every border of the ranges above. */
const CODE_POINTS = new Set(Array.from({ length: 0x801 }, (_, c) => c));
for (let c = 0x1000; c <= 0x10ffff; c += 0x1000) CODE_POINTS.add(c).add(c - 1);
for (const source of [CHAR.source, NAME_START.source, NAME.source]) {
  for (const [, four, more] of source.matchAll(/\\u(?:([0-9a-f]{4})|\{([0-9a-f]+)\})/g)) {
    const border = Number.parseInt(four ?? more!, 16);
    for (const c of [border - 1, border, border + 1]) CODE_POINTS.add(c);
  }
}
const CHARACTERS = Array.from(CODE_POINTS)
  .filter((c) => c <= 0x10ffff && (c < 0xd800 || c > 0xdfff))
  .map((c) => String.fromCodePoint(c));

/** The characters for which the test fails, so that a failure tells them all. */
function wrong(isRight: (c: string) => boolean): string[] {
  return CHARACTERS.filter((c) => !isRight(c)).map((c) => `U+${c.codePointAt(0)!.toString(16)}`);
}

describe('every character', () => {
  test('may start a name if, and only if, XML says so', () => {
    expect(wrong((c) => isNamed(c) === NAME_START.test(c))).toEqual([]);
    expect(wrong((c) => isNamed(`${c}b`) === NAME_START.test(c))).toEqual([]);
    expect(wrong((c) => isNamed(`p:${c}`) === NAME_START.test(c))).toEqual([]);
  });

  test('may stand in a name if, and only if, XML says so', () => {
    const isAllowed = (c: string) => NAME_START.test(c) || NAME.test(c);
    expect(wrong((c) => isNamed(`a${c}b`) === isAllowed(c))).toEqual([]);
    expect(wrong((c) => isNamed(`é${c}`) === isAllowed(c))).toEqual([]);
  });

  test('may stand in text, in CDATA and in a value if, and only if, XML says so', () => {
    const isSpecial = (c: string) => c === '<' || c === '&';
    expect(wrong((c) => ends(`<a>${c}</a>`) === (CHAR.test(c) && !isSpecial(c)))).toEqual([]);
    expect(wrong((c) => ends(`<a b="${c}"/>`) === (CHAR.test(c) && !isSpecial(c) && c !== '"'))).toEqual([]);
    expect(wrong((c) => ends(`<a><![CDATA[${c}]]></a>`) === CHAR.test(c))).toEqual([]);
  });

  test('may be referred to if, and only if, it may stand in text', () => {
    expect(wrong((c) => ends(`<a b='&#${c.codePointAt(0)};'/>`) === CHAR.test(c))).toEqual([]);
    expect(wrong((c) => ends(`<a>&#x${c.codePointAt(0)!.toString(16)};</a>`) === CHAR.test(c))).toEqual([]);
    for (const [code, isCharacter] of [
      ['d7ff', true],
      ['d800', false],
      ['dbff', false],
      ['dc00', false],
      ['dfff', false],
      ['e000', true],
    ] as const) {
      expect(ends(`<a>&#x${code};</a>`), code).toBe(isCharacter);
    }
  });
});

/** Whether there is an element and an attribute of exactly that name. */
function isNamed(name: string): boolean {
  const { elements, end } = read(`<a xmlns:p='x'><${name} ${name}='1'></${name}></a>`);
  if (end !== 'between') return false;
  const local = name.replace(/^p:/, '');
  const inner = elements[0]!.elements()[0]!;
  return inner.name === local && inner.attributes.has(name === local ? name : `{x}${local}`);
}

function ends(input: string): boolean {
  return read(input).end === 'between';
}
