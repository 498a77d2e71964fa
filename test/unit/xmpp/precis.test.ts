import { describe, expect, test } from 'vitest';
import { obeysBidiRule } from '../../../src/xmpp/bidi-rule.ts';
import { prepareLocalpart, prepareResource } from '../../../src/xmpp/precis.ts';
import { isInClass } from '../../../src/xmpp/precis-class.ts';

describe('usernames: the examples of RFC 8265 §3.5', () => {
  test.each([
    ['juliet', 'juliet'],
    ['fussball', 'fussball'],
    ['fu\u00dfball', 'fu\u00dfball'],
    ['\u03c0', '\u03c0'],
    ['\u03a3', '\u03c3'],
    ['\u03c3', '\u03c3'],
    ['\u03c2', '\u03c2'],
  ])('%j becomes %j', (text, expected) => {
    expect(prepareLocalpart(text)).toBe(expected);
  });

  test.each([
    ['a space', 'foo bar'],
    ['nothing', ''],
    ['a Roman numeral', 'henry\u2163'],
    ['an infinity sign', '\u221e'],
  ])('with %s there is none', (_what, text) => {
    expect(prepareLocalpart(text)).toBeUndefined();
  });
});

describe('opaque strings: the examples of RFC 8265 §4.3', () => {
  test.each([
    ['correct horse battery staple', 'correct horse battery staple'],
    ['Correct Horse Battery Staple', 'Correct Horse Battery Staple'],
    ['\u03c0\u00df\u00e5', '\u03c0\u00df\u00e5'],
    ['Jack of \u2666s', 'Jack of \u2666s'],
    ['foo\u1680bar', 'foo bar'],
  ])('%j becomes %j', (text, expected) => {
    expect(prepareResource(text)).toBe(expected);
  });

  test.each([
    ['nothing', ''],
    ['a tab', 'my cat is a \u0009by'],
  ])('with %s there is none', (_what, text) => {
    expect(prepareResource(text)).toBeUndefined();
  });

  test('keep case and width, and compose', () => {
    expect(prepareResource('Ａa\u0301')).toBe('Ａ\u00e1');
    expect(prepareResource('a\u00a0b\u3000c')).toBe('a b c');
    expect(prepareResource(' a ')).toBe(' a ');
  });
});

describe('localparts (RFC 7622 §3.3.1)', () => {
  test.each(['"', '&', "'", '/', ':', '<', '>', '@'])('hold no %s', (c) => {
    expect(prepareLocalpart(`a${c}b`)).toBeUndefined();
    // Nor its full-width form, which becomes it.
    const wide = String.fromCharCode(c.charCodeAt(0) + 0xfee0);
    expect(prepareLocalpart(`a${wide}b`)).toBeUndefined();
  });

  test('hold every other sign of ASCII', () => {
    const signs = '!#$%()*+,-.;=?[\\]^_`{|}~';
    expect(prepareLocalpart(signs)).toBe(signs);
  });
});

describe('string classes (RFC 8264 §8)', () => {
  /** Code points of RFC 8264 §9, with the class that makes them valid. */
  test.each<[string, string, 'identifier' | 'freeform' | 'none']>([
    ['a letter', 'a', 'identifier'],
    ['a capital', 'A', 'identifier'],
    ['a letter without case', '語', 'identifier'],
    ['a digit of another script', '\u0967', 'identifier'],
    ['a modifier letter', '\u02b9', 'identifier'],
    ['a mark that takes room', '\u0903', 'identifier'],
    ['the sharp s (exceptions)', '\u00df', 'identifier'],
    ['the final sigma (exceptions)', '\u03c2', 'identifier'],
    ['the Arabic signs (exceptions)', '\u06fd\u06fe', 'identifier'],
    ['the Tibetan mark (exceptions)', '\u0f0b', 'identifier'],
    ['the ideographic zero (exceptions)', '\u3007', 'identifier'],
    ['tatweel (exceptions)', '\u0640', 'none'],
    ['the NKo extender (exceptions)', '\u07fa', 'none'],
    ['Hangul tone marks (exceptions)', '\u302e', 'none'],
    ['vertical repeat marks (exceptions)', '\u3031', 'none'],
    ['old Hangul', '\u1100', 'none'],
    ['old Hangul of the extensions', '\ua960\ud7b0', 'none'],
    ['modern Hangul', '\uac00', 'identifier'],
    ['a soft hyphen (ignorable)', '\u00ad', 'none'],
    ['a word joiner (ignorable)', '\u2060', 'none'],
    ['a noncharacter', '\ufdd0', 'none'],
    ['a control character', '\u0085', 'none'],
    ['a space', ' ', 'freeform'],
    ['a titlecase letter', '\u01c5', 'freeform'],
    ['a compatibility letter', '\ufb01', 'freeform'],
    ['a letter with a canonical equivalent', '\u212b', 'freeform'],
    ['a number that is no digit', '\u0bf0', 'freeform'],
    ['a letter number', '\u2163', 'freeform'],
    ['an enclosing mark', 'a\u20dd', 'freeform'],
    ['a symbol', '\u2666', 'freeform'],
    ['punctuation', '\u00ab', 'freeform'],
    ['an emoji', '😀', 'freeform'],
    ['private use', '\ue000', 'none'],
    ['what is not assigned', '\u0378', 'none'],
  ])('%s', (_what, text, valid) => {
    expect([isInClass(text, 'identifier'), isInClass(text, 'freeform')]).toEqual([
      valid === 'identifier',
      valid !== 'none',
    ]);
  });
});

describe('context rules (RFC 5892 appendix A)', () => {
  test.each([
    ['a non-joiner after a virama', '\u0915\u094d\u200c\u0937', true],
    ['a non-joiner between letters that join', '\u0628\u200c\u0628', true],
    ['a non-joiner between letters that join, marks aside', '\u0628\u064e\u200c\u064e\u0627', true],
    ['a non-joiner after a letter that joins on the right only', '\u0627\u200c\u0628', false],
    ['a non-joiner in Latin', 'a\u200cb', false],
    ['a non-joiner at the start', '\u200c\u0628', false],
    ['a non-joiner at the end', '\u0628\u200c', false],
    ['a joiner after a virama', '\u0915\u094d\u200d\u0937', true],
    ['a joiner after the virama of a newer script', '\u{11103}\u{11133}\u200d', true],
    ['a joiner between letters that join', '\u0628\u200d\u0628', false],
    ['a joiner after a mark that is no virama', 'a\u0301\u200d', false],
    ['a middle dot between two l', 'l\u00b7l', true],
    ['a middle dot elsewhere', 'l\u00b7a', false],
    ['a middle dot at the end', 'l\u00b7', false],
    ['the Greek numeral sign before Greek', '\u0375\u03b1', true],
    ['the Greek numeral sign before Latin', '\u0375a', false],
    ['geresh after Hebrew', '\u05d0\u05f3', true],
    ['geresh at the start', '\u05f3\u05d0', false],
    ['gershayim after Hebrew', '\u05d0\u05f4\u05d1', true],
    ['gershayim after Latin', 'a\u05f4', false],
    ['a Katakana middle dot with Katakana', 'a\u30fb\u30ab', true],
    ['a Katakana middle dot with Han', '\u30fb\u8a9e', true],
    ['a Katakana middle dot without', 'a\u30fbb', false],
    ['Arabic-Indic digits', '\u0660\u0669', true],
    ['eastern Arabic-Indic digits', '\u06f0\u06f9', true],
    ['both kinds of digits', '\u0660\u06f0', false],
  ])('%s: %j is %s', (_what, text, expected) => {
    expect(isInClass(text, 'identifier')).toBe(expected);
    expect(isInClass(text, 'freeform')).toBe(expected);
  });
});

describe('the Bidi Rule (RFC 5893 §2)', () => {
  test.each([
    ['left-to-right only', 'abc-123', true],
    ['digits first, when nothing goes from right to left', '1a', true],
    ['Hebrew', '\u05d0\u05d1\u05d2', true],
    ['Arabic with digits at its end', '\u0628\u0661\u0662', true],
    ['Hebrew with European digits at its end', '\u05d012', true],
    ['Hebrew with a hyphen inside', '\u05d0-\u05d1', true],
    ['a mark at the end', '\u05d0\u05b0', true],
    ['a script of which little is known', '\u{10940}', true],
    ['NKo with its own digits', '\u07ca\u07c0', true],
    ['a digit first (condition 1)', '1\u05d0', false],
    ['a hyphen first (condition 1)', '-\u05d0', false],
    ['Arabic digits first (condition 1)', '\u0661\u0628', false],
    ['Arabic digits alone (condition 1)', '\u0661', false],
    ['Arabic digits in a Latin name (condition 5)', 'a\u0661', false],
    ['a Latin letter inside (condition 2)', '\u05d0a\u05d1', false],
    ['Hebrew in a Latin name (condition 5)', 'a\u05d0', false],
    ['a hyphen at the end (condition 3)', '\u05d0-', false],
    ['both kinds of digits (condition 4)', '\u06281\u0661', false],
    ['a Tamil mark that counts as a letter', '\u0628\u0cbf\u0628', false],
  ])('%s: %j is %s', (_what, text, expected) => {
    expect(obeysBidiRule(text)).toBe(expected);
  });

  test('holds for localparts', () => {
    expect(prepareLocalpart('\u05d0\u05d1')).toBe('\u05d0\u05d1');
    expect(prepareLocalpart('a\u05d0')).toBeUndefined();
    expect(prepareLocalpart('\u05d0.')).toBeUndefined();
  });

  test('does not hold for resources', () => {
    expect(prepareResource('a\u05d0')).toBe('a\u05d0');
  });
});

test('long strings are checked in time that grows with their length only: quadratic, this would take minutes', () => {
  const count = 50_000;
  for (const [unit, expected] of [
    ['\u0661', true],
    ['\u30fb', true],
    ['\u0628\u200c', true],
    ['\u0915\u094d\u200d', true],
    ['\u0301', true],
    ['l\u00b7', false],
  ] as const) {
    expect(isInClass(`\u30ab\u0628${unit.repeat(count)}\u0628`, 'freeform')).toBe(expected);
  }
});
