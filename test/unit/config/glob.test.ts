import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../../src/config/glob.ts';
import { cpuMs } from '../../helpers/cpu.ts';

describe('matchesGlob', () => {
  it.each<[string, string[], string[]]>([
    ['', [''], ['a']],
    ['*', ['', 'a', 'abc'], []],
    ['a*', ['a', 'ab', 'a*'], ['', 'ba']],
    ['*a', ['a', 'ba', 'aa'], ['ab', '']],
    ['a*b*c', ['abc', 'axbxc', 'abbcc', 'abcbc'], ['abcb', 'acb']],
    ['?', ['a', '💚'], ['', 'ab']],
    ['[abc]', ['a', 'c'], ['d', '', 'ab']],
    ['[a-cx-z]1', ['b1', 'y1'], ['d1', 'b']],
    ['[!a-c]', ['d', '💚'], ['a', '']],
    ['[^a]', ['b'], ['a']],
    ['[]a]', [']', 'a'], ['b']],
    ['[a-]', ['a', '-'], ['b']],
    ['[a', ['[a'], ['a']],
    ['[]', ['[]'], ['']],
    ['\\*\\?\\[a\\]', ['*?[a]'], ['x?[a]']],
    ['a.c', ['a.c'], ['abc']],
    ['**', ['', 'abc'], []],
  ])('%s', (glob, on, off) => {
    for (const text of on) expect(matchesGlob(glob, text), text).toBe(true);
    for (const text of off) expect(matchesGlob(glob, text), text).toBe(false);
  });

  it('agrees with a regular expression', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
    const globs = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 6 });
    fc.assert(
      fc.property(globs, letters, (glob, text) => {
        const source = glob.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
        expect(matchesGlob(glob, text)).toBe(new RegExp(`^${source}$`, 's').test(text));
      }),
    );
  });

  it('stays quick on a glob full of stars', () => {
    const match = (): boolean => matchesGlob('*a'.repeat(128), 'a'.repeat(100) + 'b'.repeat(923));
    expect(cpuMs(() => expect(match()).toBe(false))).toBeLessThan(500);
  });
});
