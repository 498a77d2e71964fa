import { describe, expect, it } from 'vitest';
import { entropyBits } from '../../../src/modules/mod-register/password-strength.ts';

describe('entropyBits', () => {
  it.each([
    ['', 0],
    ['abc', 3 * Math.log2(26)],
    ['ABC', 3 * Math.log2(26)],
    ['123', 3 * Math.log2(9)],
    ['!/:@', 4 * Math.log2(33)],
    ['aB1!', 4 * Math.log2(26 + 26 + 9 + 33)],
    // Two bytes of UTF-8, and the space, are of the class of other bytes.
    ['é', 2 * Math.log2(128)],
    ['a b', 3 * Math.log2(26 + 128)],
  ])('of %j', (password, bits) => {
    expect(entropyBits(password)).toBeCloseTo(bits, 10);
  });
});
