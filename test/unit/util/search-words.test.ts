import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { searchWords } from '../../../src/util/search-words.ts';

describe('the words of a text', () => {
  it.each([
    ['But, soft! What light?', ['but', 'soft', 'what', 'light']],
    ['  sun\t\nSun SUN ', ['sun']],
    ['a+b=c <d> $5 ^x `y` |z~', ['a', 'b', 'c', 'd', '5', 'x', 'y', 'z']],
    ['Größe, naïve; «ça»…', ['größe', 'naïve', 'ça']],
    ['e\u0301te\u0301 ﬁn', ['été', 'fin']],
    ['ὈΔΥΣΣΕΎΣ Москва 東京', ['ὀδυσσεύς', 'москва', '東京']],
    ['1·sun', ['1', 'sun']],
    ['a\0b\u200bc\ud800d', ['a', 'b', 'c\ufffdd']],
    ['😀 :-)', ['😀']],
    ['', []],
    ['?! …', []],
  ])('are in lower case, without punctuation, each once: %j', (text, words) => {
    expect(searchWords(text, 100)).toEqual(words);
  });

  it('are so many at most, and so long', () => {
    expect(searchWords('a b c d', 2)).toEqual(['a', 'b']);
    expect(searchWords('a b', 0)).toEqual([]);
    expect(searchWords(`${'x'.repeat(100)} y`, 9)).toEqual(['x'.repeat(64), 'y']);
    // No half of a character is left at the end.
    expect(searchWords(`${'x'.repeat(63)}😀`, 9)[0]!.isWellFormed()).toBe(true);
    expect(searchWords(`${'x '.repeat(40_000)}late`, 9)).toEqual(['x']);
  });

  it('are the same when they are made again from themselves', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
        const words = searchWords(text, 100);
        expect(searchWords(words.join(' '), 100)).toEqual(words);
      }),
      { numRuns: 100 },
    );
  });

  it('hold nothing that means something to the full-text index', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
        for (const word of searchWords(text, 100)) expect(word).not.toMatch(/[\s"'*()^:{}+·-]|[^\P{Cc}]/u);
      }),
    );
  });
});
