import { describe, expect, test } from 'vitest';
import { buildElement } from '../../../src/xml/element.ts';
import { Scan, Scanner } from '../../../src/xml/scanner.ts';
import { NO_LIMITS, opened } from './reading.ts';

/** A buffer that counts the bytes read from it. */
function counting(bytes: Buffer): { buffer: Buffer; count: () => number } {
  let count = 0;
  const buffer = new Proxy(bytes, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) {
        count++;
        return target[Number(key)];
      }
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (start: number, end: number) => {
        count += end - start;
        return value.call(target, start, end);
      };
    },
  });
  return { buffer, count: () => count };
}

/** How many bytes the scanner looks at while `input` arrives one byte at a time. */
function bytesRead(input: string): number {
  const bytes = Buffer.from(input);
  const { buffer, count } = counting(bytes);
  const scanner = new Scanner();
  const context = opened(NO_LIMITS);
  let pos = 0;
  for (let end = 1; end <= bytes.length; end++) {
    if (!scanner.isInside) scanner.enter(context);
    const event = scanner.scan(buffer, pos, end);
    expect(event).not.toBe(Scan.ERROR);
    pos = scanner.pos;
  }
  return count();
}

describe('the work grows no faster than the input that arrives byte by byte (T06):', () => {
  test.each<[string, (size: number) => string]>([
    ['text', (size) => `<a>${'b'.repeat(size)}</a>`],
    ['text of other letters', (size) => `<a>${'€'.repeat(size / 3)}</a>`],
    ['text of references', (size) => `<a>${'&#x1F600;'.repeat(size / 9)}</a>`],
    ['text of brackets', (size) => `<a>${']'.repeat(size)}</a>`],
    ['CDATA', (size) => `<a><![CDATA[${']'.repeat(size)}]]></a>`],
    ['an attribute value', (size) => `<a b='${'c'.repeat(size)}'/>`],
    ['an attribute value of references', (size) => `<a b='${'&amp;'.repeat(size / 5)}'/>`],
    ['a namespace', (size) => `<a xmlns:b='${'c'.repeat(size)}'><b:d/></a>`],
    ['an element name', (size) => `<${'a'.repeat(size)}/>`],
    ['an element name of other letters', (size) => `<${'é'.repeat(size / 2)}/>`],
    ['a prefix', (size) => `<${'a'.repeat(size)}:b xmlns:${'a'.repeat(size)}='c'/>`],
    ['an attribute name', (size) => `<a ${'b'.repeat(size)}=''/>`],
    ['a closing tag', (size) => `<${'a'.repeat(size)}></${'a'.repeat(size)}>`],
    ['space in a tag', (size) => `<a${' '.repeat(size)}/>`],
    ['space between elements', (size) => `${' '.repeat(size)}<a/>`],
    ['elements', (size) => `<a>${"<b c='d'/>".repeat(size / 10)}</a>`],
    ['depth', (size) => `${'<a>'.repeat(size / 7)}${'</a>'.repeat(size / 7)}`],
    ['stanzas', (size) => '<a/>'.repeat(size / 4)],
  ])('%s', (_what, write) => {
    const small = bytesRead(write(2520));
    const large = bytesRead(write(5040));
    expect(large / small).toBeLessThan(2.1);
  });
});

describe('large input is read in one go:', () => {
  const size = 262_144;
  test.each<[string, string, number]>([
    ['text', `<a>${'b'.repeat(size)}</a>`, 1],
    ['a value', `<a b='${'c'.repeat(size)}'/>`, 1],
    ['a name', `<${'a'.repeat(size)}/>`, 1],
    ['stanzas', "<iq id='1'/>".repeat(size / 8), size / 8],
    ['attributes that share a long namespace', sharedNamespace(), 1],
  ])('%s', (_what, input, elements) => {
    const { buffer, count } = { buffer: Buffer.from(input), count: 0 };
    const scanner = new Scanner();
    const context = opened(NO_LIMITS);
    let pos = 0;
    let found = count;
    for (;;) {
      if (!scanner.isInside) scanner.enter(context);
      if (scanner.scan(buffer, pos, buffer.length) !== Scan.ELEMENT) break;
      pos = scanner.pos;
      found++;
      if (elements === 1) expect(buildElement(scanner, buffer).name).not.toBe('');
    }
    expect(pos).toBe(buffer.length);
    expect(found).toBe(elements);
  });

  function sharedNamespace(): string {
    const children = `<b ${Array.from({ length: 60 }, (_, i) => `p:c${i}='' q:c${i}=''`).join(' ')}/>`;
    return `<a xmlns:p='${'u'.repeat(1000)}1' xmlns:q='${'u'.repeat(1000)}2'>${children.repeat(100)}</a>`;
  }
});
