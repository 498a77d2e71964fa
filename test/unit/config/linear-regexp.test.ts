import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileRegexp,
  findsRegexp,
  INSTRUCTIONS_MAX,
  PATTERN_LENGTH_MAX,
  type Program,
} from '../../../src/config/linear-regexp.ts';
import { cpuMs } from '../../helpers/cpu.ts';

function finds(pattern: string, text: string): boolean {
  const program = compileRegexp(pattern);
  if (typeof program === 'string') throw new Error(`${pattern}: ${program}`);
  return findsRegexp(program, text);
}

describe('findsRegexp agrees with JavaScript', () => {
  it.each([
    '',
    'b',
    '^a',
    'a$',
    '^a$',
    '^$',
    'a|b',
    '^(?:a|b|)$',
    '(?<name>a)b',
    'a*b+c?',
    '^a{2}$',
    '^a{2,}$',
    '^(?:ab){1,3}?$',
    '^[^a-c]+$',
    '[[a]',
    '[\\]\\[-]',
    '\\.\\*\\+\\?\\|\\(\\)\\[\\]\\{\\}\\\\\\/\\^\\$',
    '^\\d+\\D\\w\\W\\s\\S$',
    '\\ba\\b',
    'a\\Bb',
    '\\u0061\\u{1f49a}\\x62',
    '\\ud83d\\udc9a',
    '\\p{L}+',
    '^.$',
    '\\t\\n\\cA',
    '(a*)*b',
    '(|a)+$',
    '^(a|ab)(c|bcd)(d*)$',
    '💚+',
  ])('on %j', (pattern) => {
    const texts = [
      '',
      'a',
      'b',
      'ab',
      'ba',
      'aa',
      'aaa',
      'aab',
      'abab',
      'bc',
      'abcd',
      'abc',
      'd',
      ']',
      '[',
      '-',
      '💚',
      '💚💚',
      'a💚b',
      'a b',
      '1x_- y',
      '\t\n\u0001',
      '.*+?|()[]{}\\/^$',
      'é',
    ];
    for (const text of texts)
      expect(finds(pattern, text), JSON.stringify(text)).toBe(new RegExp(pattern, 'u').test(text));
  });

  it('on patterns made at random', () => {
    const { pattern } = fc.letrec<{ pattern: string; atom: string }>((tie) => ({
      atom: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '^', '$', '\\b'),
        tie('pattern').map((inner) => `(?:${inner})`),
      ),
      pattern: fc
        .array(fc.tuple(tie('atom'), fc.constantFrom('', '', '*', '+', '?', '{2}', '{0,2}', '|')), {
          maxLength: 4,
        })
        .map((parts) =>
          parts
            .map(([atom, suffix]) => (/^[\^$]|\\b/.test(atom) && suffix !== '|' ? atom : atom + suffix))
            .join(''),
        ),
    }));
    fc.assert(
      fc.property(
        pattern,
        fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 6 }),
        (source, text) => {
          const program = compileRegexp(source);
          fc.pre(typeof program !== 'string');
          expect(findsRegexp(program as Program, text)).toBe(new RegExp(source, 'u').test(text));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('compileRegexp', () => {
  it('takes a backslash before any sign, as PCRE does', () => {
    expect(finds('^a\\-b\\@[\\-\\_]\\\\-$', 'a-b@_\\-')).toBe(true);
    expect(finds('^a\\-b', 'axb')).toBe(false);
  });

  it.each([
    ['(', /^not a regular expression: unterminated group$/],
    ['[b-a]', /^not a regular expression: range out of order/],
    ['x'.repeat(PATTERN_LENGTH_MAX + 1), /longer than 256 characters/],
    ['(a)\\1', /back reference/],
    ['(?<x>a)\\k<x>', /back reference/],
    ['(?=a)', /looks ahead/],
    ['(?<!a)', /looks ahead or behind/],
    ['(?i:a)', /changes flags/],
    ['a{1000}', /too large/],
    ['(?:(?:a{30}){30}){30}', /too large/],
  ])('refuses %j', (pattern, why) => {
    expect(compileRegexp(pattern)).toMatch(why);
  });

  it('takes patterns up to the limits', () => {
    expect(finds('x'.repeat(PATTERN_LENGTH_MAX), 'x'.repeat(PATTERN_LENGTH_MAX))).toBe(true);
    expect(compileRegexp(`a{${INSTRUCTIONS_MAX - 2}}`)).toHaveLength(INSTRUCTIONS_MAX);
    expect(compileRegexp(`a{${INSTRUCTIONS_MAX - 1}}`)).toMatch(/too large/);
  });

  it('makes programs that work on another thread', () => {
    const program = structuredClone(compileRegexp('^[a-c]+$')) as Program;
    expect(findsRegexp(program, 'abc')).toBe(true);
    expect(findsRegexp(program, 'abd')).toBe(false);
  });
});

describe('the worst patterns on the longest part of an address (T55)', () => {
  it.each([
    '(a+)+$',
    '(a|a)*b',
    'a*a*a*a*!',
    '(?:(?:a?){10}){10}b',
    '([a-z]+)*[0-9]',
    '(.*)(.*)(.*)(.*)x',
    '[a-z]{250}[a-z]{250}!',
  ])('are quick: %s', (pattern) => {
    expect(cpuMs(() => expect(finds(pattern, `${'a'.repeat(1022)}?`)).toBe(false))).toBeLessThan(1_000);
  });
});
