import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeControls, escapeDeep } from '../../../src/observe/escape.ts';

describe('escapeControls', () => {
  it.each([
    ['a line end', 'a\nb', 'a\\u000ab'],
    ['an escape sequence', '\u001b[31mred', '\\u001b[31mred'],
    ['a C1 control', '\u009b31m', '\\u009b31m'],
    ['a separator of Unicode', 'a\u2028b', 'a\\u2028b'],
    ['a mark that turns text around', 'a\u202eb', 'a\\u202eb'],
  ])('writes out %s (threat T69)', (_what, text, expected) => {
    expect(escapeControls(text)).toBe(expected);
  });

  it('leaves what can be read as it is', () => {
    expect(escapeControls('Ροมеу & «Жульетта» 👋')).toBe('Ροมеу & «Жульетта» 👋');
  });

  it('leaves nothing that moves the cursor, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const safe = escapeControls(text);
        expect(safe).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });
});

describe('escapeDeep', () => {
  it('reaches strings in lists and tables, and names of keys', () => {
    expect(escapeDeep({ 'a\n': ['b\n', { c: 'd\n' }], n: 1, z: null })).toEqual({
      'a\\u000a': ['b\\u000a', { c: 'd\\u000a' }],
      n: 1,
      z: null,
    });
  });
});
