import { describe, expect, test } from 'vitest';
import type { ScanLimits } from '../../../src/xml/stream-context.ts';
import { HEADER, NO_LIMITS, opened, read, unopened } from './reading.ts';

/** How reading ends where only one limit is set. */
function readingWith(limit: Partial<ScanLimits>, input: string, cuts?: readonly number[]): string {
  const { end, text } = read(input, opened({ ...NO_LIMITS, ...limit }), cuts);
  return text === '' ? end : `${end}: ${text}`;
}

function nested(depth: number): string {
  return `${'<a>'.repeat(depth - 1)}<a/>${'</a>'.repeat(depth - 1)}`;
}

function attributes(count: number): string {
  return `<a ${Array.from({ length: count }, (_, i) => `a${i}=''`).join(' ')}/>`;
}

function declarations(count: number): string {
  return Array.from({ length: count }, (_, i) => ` xmlns:p${i}='x'`).join('');
}

describe('the limit on bytes', () => {
  const stanza = `<a>${'b'.repeat(93)}</a>`;

  test('is the size of the largest element that is taken', () => {
    expect(stanza.length).toBe(100);
    expect(readingWith({ stanzaBytesMax: 100 }, stanza)).toBe('between');
    expect(readingWith({ stanzaBytesMax: 99 }, stanza)).toBe('policy-violation: stanza too large');
  });

  test('holds for each element by itself', () => {
    expect(readingWith({ stanzaBytesMax: 100 }, stanza.repeat(5))).toBe('between');
  });

  test('does not count space between elements', () => {
    expect(readingWith({ stanzaBytesMax: 100 }, `${' '.repeat(1000)}${stanza}`)).toBe('between');
  });

  test('waits while exactly that many bytes have arrived, and refuses the next', () => {
    const input = `<a>${'b'.repeat(200)}`;
    expect(readingWith({ stanzaBytesMax: 100 }, input.slice(0, 100))).toBe('inside');
    expect(readingWith({ stanzaBytesMax: 100 }, input.slice(0, 101))).toBe(
      'policy-violation: stanza too large',
    );
    expect(readingWith({ stanzaBytesMax: 100 }, input.slice(0, 101), [100])).toBe(
      'policy-violation: stanza too large',
    );
  });

  test.each([
    ['a name', '<'.padEnd(200, 'a')],
    ['an attribute name', '<a '.padEnd(200, 'b')],
    ['a value', "<a b='".padEnd(200, 'c')],
    ['space in a tag', '<a'.padEnd(200, ' ')],
    ['space after an equals sign', '<a b='.padEnd(200, ' ')],
    ['space before an equals sign', '<a b'.padEnd(200, ' ')],
    ['CDATA', '<a><![CDATA['.padEnd(200, 'b')],
    ['space in a closing tag', '<a></a'.padEnd(200, ' ')],
    ['references', '<a>'.padEnd(203, '&amp;')],
    ['characters of several bytes', `<a>${'é'.repeat(100)}`],
    ['brackets', '<a>'.padEnd(200, ']')],
    ["space in the stream's closing tag", '</stream:stream'.padEnd(200, ' ')],
  ])('holds in %s', (_where, input) => {
    expect(readingWith({ stanzaBytesMax: 100 }, input)).toBe('policy-violation: stanza too large');
    expect(readingWith({ stanzaBytesMax: 100 }, input, [50, 99, 100, 101])).toBe(
      'policy-violation: stanza too large',
    );
  });

  test('holds for the opening tag, from its first byte on', () => {
    const limits = { ...NO_LIMITS, stanzaBytesMax: HEADER.length };
    const input = `<?xml version='1.0'?>   ${HEADER}`;
    expect(read(input, unopened(limits)).header).toBeDefined();
    const smaller = read(input, unopened({ ...limits, stanzaBytesMax: HEADER.length - 1 }));
    expect(smaller.end).toBe('policy-violation');
  });
});

describe('the limit on elements', () => {
  test('counts the top-level element and all inside', () => {
    expect(readingWith({ elementsMax: 33 }, `<a>${'<b/>'.repeat(32)}</a>`)).toBe('between');
    expect(readingWith({ elementsMax: 32 }, `<a>${'<b/>'.repeat(32)}</a>`)).toBe(
      'policy-violation: too many elements',
    );
  });

  test('begins anew with each top-level element', () => {
    expect(readingWith({ elementsMax: 3 }, '<a><b/><b/></a>'.repeat(10))).toBe('between');
  });
});

describe('the limit on depth', () => {
  test('counts the top-level element as one', () => {
    expect(readingWith({ depthMax: 16 }, nested(16))).toBe('between');
    expect(readingWith({ depthMax: 16 }, nested(17))).toBe('policy-violation: nested too deeply');
  });

  test('is far from what exhausts the stack', () => {
    expect(readingWith({}, nested(100_000))).toBe('between');
  });
});

describe('the limit on attributes', () => {
  test('counts those of one tag', () => {
    expect(readingWith({ attributesMax: 64 }, `${attributes(64)}${attributes(64)}`)).toBe('between');
    expect(readingWith({ attributesMax: 64 }, attributes(65))).toBe('policy-violation: too many attributes');
  });

  test('counts namespace declarations', () => {
    expect(readingWith({ attributesMax: 2 }, "<a xmlns='x' b=''/>")).toBe('between');
    expect(readingWith({ attributesMax: 2 }, "<a xmlns='x' b='' c=''/>")).toBe(
      'policy-violation: too many attributes',
    );
  });
});

describe('the limit on the length of names', () => {
  test.each([
    ['an element', (name: string) => `<${name}/>`],
    ['an attribute', (name: string) => `<a ${name}=''/>`],
  ])('holds for %s, in bytes', (_what, write) => {
    for (const [longest, tooLong] of [
      ['a'.repeat(1024), 'a'.repeat(1025)],
      ['é'.repeat(512), `a${'é'.repeat(512)}`],
    ]) {
      expect(readingWith({ nameBytesMax: 1024 }, write(longest!))).toBe('between');
      expect(readingWith({ nameBytesMax: 1024 }, write(tooLong!))).toBe('policy-violation: name too long');
    }
  });

  test('includes the prefix', () => {
    const write = (prefix: string) => `<${prefix}:b xmlns:${prefix}='x'/>`;
    expect(readingWith({ nameBytesMax: 16 }, write('a'.repeat(10)))).toBe('between');
    expect(readingWith({ nameBytesMax: 15 }, write('a'.repeat(10)))).toBe('policy-violation: name too long');
  });

  test('refuses a name before it has ended', () => {
    expect(readingWith({ nameBytesMax: 1024 }, `<${'a'.repeat(1025)}`)).toBe(
      'policy-violation: name too long',
    );
  });

  test('holds for names of namespaces, which every attribute with their prefix repeats', () => {
    const write = (length: number) => `<a xmlns:p='${'u'.repeat(length)}'/>`;
    expect(readingWith({ nameBytesMax: 1024 }, write(1024))).toBe('between');
    expect(readingWith({ nameBytesMax: 1024 }, write(1025))).toBe('policy-violation: name too long');
  });
});

describe('the limit on namespace declarations', () => {
  test('counts those in scope', () => {
    expect(readingWith({ namespacesMax: 64 }, `<a${declarations(64)}/>`)).toBe('between');
    expect(readingWith({ namespacesMax: 64 }, `<a${declarations(65)}/>`)).toBe(
      'policy-violation: too many namespace declarations',
    );
    expect(readingWith({ namespacesMax: 64 }, `<a${declarations(64)}><b xmlns='x'/></a>`)).toBe(
      'policy-violation: too many namespace declarations',
    );
  });

  test('does not count those of elements that have ended', () => {
    expect(
      readingWith({ namespacesMax: 64 }, `<a>${`<b xmlns='x'${declarations(63)}/>`.repeat(300)}</a>`),
    ).toBe('between');
  });
});

test('limits before login stop structure amplification (T02)', () => {
  const beforeLogin = {
    ...NO_LIMITS,
    stanzaBytesMax: 8192,
    elementsMax: 32,
    depthMax: 16,
    attributesMax: 64,
    namespacesMax: 64,
  };
  const inputs = [
    `<a>${'<a/>'.repeat(2000)}</a>`,
    nested(4000),
    attributes(500),
    `<a${declarations(300)}/>`,
    `<${'a'.repeat(8192)}/>`,
  ];
  for (const input of inputs) {
    expect(readingWith(beforeLogin, input)).toMatch(/^policy-violation/);
    const segments = Array.from({ length: 1000 }, (_, i) => Math.floor((input.length * i) / 1000));
    expect(readingWith(beforeLogin, input, segments)).toMatch(/^policy-violation/);
  }
});
