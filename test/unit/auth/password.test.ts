import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveKeys, makeCredentials, makePasswordDetails } from '../../../src/auth/derive.ts';
import { PASSWORD_BYTES_MAX, preparePassword } from '../../../src/auth/password.ts';
import { parseCredentials } from '../../../src/auth/scram-text.ts';

describe('preparation of passwords', () => {
  it.each([
    ['ASCII as it is', 'pencil ~!"', 'pencil ~!"'],
    ['a soft hyphen to nothing (RFC 4013 §3)', 'I\u00adX', 'IX'],
    ['case preserved', 'USER', 'USER'],
    ['compatibility forms (RFC 4013 §3)', '\u00aa', 'a'],
    ['a Roman numeral (RFC 4013 §3)', '\u2168', 'IX'],
    ['no-break space to space', 'a\u00a0b', 'a b'],
    ['full-width letters', 'ＡＢ', 'AB'],
    ['combining accent', 'e\u0301', '\u00e9'],
    ['an emoji, unknown to Unicode 3.2', 'tea🫖pot', 'tea🫖pot'],
    ['a control character, prohibited: unchanged', 'a\u0007b', 'a\u0007b'],
    ['mixed directions, prohibited: unchanged', '\u06271', '\u06271'],
  ])('%s', (_what, password, prepared) => {
    expect(preparePassword(password)).toBe(prepared);
  });

  it.each([
    ['the empty password', ''],
    ['one of which nothing is left', '\u00ad\u200d'],
    ['half a surrogate pair', 'abc\ud83d'],
    ['one byte too many', 'x'.repeat(PASSWORD_BYTES_MAX + 1)],
    ['too many bytes in few characters', 'é'.repeat(PASSWORD_BYTES_MAX / 2 + 1)],
    ['a megabyte', 'é'.repeat(1 << 20)],
  ])('refuses %s', (_what, password) => {
    expect(preparePassword(password)).toBeUndefined();
  });

  it('takes as many bytes as allowed', () => {
    expect(preparePassword('x'.repeat(PASSWORD_BYTES_MAX))).toHaveLength(PASSWORD_BYTES_MAX);
    expect(preparePassword('é'.repeat(PASSWORD_BYTES_MAX / 2))).toHaveLength(PASSWORD_BYTES_MAX / 2);
  });

  it('changes nothing the second time, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (password) => {
        const prepared = preparePassword(password);
        if (prepared !== undefined) expect(preparePassword(prepared)).toBe(prepared);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('derivation', () => {
  const salt = Buffer.alloc(16, 1);

  it('gives one key for two ways to type a password', () => {
    expect(deriveKeys('e\u0301', 'sha256', salt, 4096)).toEqual(deriveKeys('é', 'sha256', salt, 4096));
  });

  it('refuses an unusable password', () => {
    expect(deriveKeys('', 'sha', salt, 4096)).toBeUndefined();
    expect(makeCredentials('', ['sha'], 4096)).toBeUndefined();
    expect(makePasswordDetails('', ['sha'], 4096)).toBeUndefined();
  });

  it.each([0, -1, 4095, 1_000_001, 1e9, Number.NaN, 5000.5])('refuses %d iterations', (iterations) => {
    expect(() => deriveKeys('pencil', 'sha', salt, iterations)).toThrow(RangeError);
    expect(() => makeCredentials('pencil', ['sha'], iterations)).toThrow(RangeError);
  });

  it('salts every hash of every account anew, with 16 bytes', () => {
    const made = [
      makeCredentials('pencil', ['sha', 'sha256'], 4096)!,
      makeCredentials('pencil', ['sha'], 4096)!,
    ];
    const salts = made.flatMap(({ hashes }) => [...hashes.values()].map((keys) => keys.salt));
    expect(salts.map((bytes) => bytes.length)).toEqual([16, 16, 16]);
    expect(new Set(salts.map((bytes) => bytes.toString('hex'))).size).toBe(3);
  });

  it('makes exactly the hashes asked for, as text that can be read', () => {
    const parsed = parseCredentials(makePasswordDetails('pencil', ['sha512', 'sha224'], 4096)!)!;
    expect([...parsed.hashes.keys()]).toEqual(['sha224', 'sha512']);
    expect(parsed.iterations).toBe(4096);
    const { salt: made, ...keys } = parsed.hashes.get('sha512')!;
    expect(deriveKeys('pencil', 'sha512', made, 4096)).toEqual(keys);
  });
});
