import { describe, expect, it } from 'vitest';
import { randomText } from '../../../src/util/random.ts';

describe('random text', () => {
  it('has the length asked for, in each encoding', () => {
    expect(randomText(12, 'hex')).toMatch(/^[0-9a-f]{24}$/);
    expect(randomText(12, 'base64')).toMatch(/^[A-Za-z0-9+/]{16}$/);
    expect(randomText(12, 'base64url')).toMatch(/^[\w-]{16}$/);
  });

  it('never comes twice, however often the bytes at hand run out', () => {
    const seen = new Set(Array.from({ length: 20_000 }, (_unused, i) => randomText(16 + (i % 17), 'hex')));
    expect(seen.size).toBe(20_000);
    // Nothing that was wiped is given out.
    for (const text of seen) expect(text).not.toMatch(/^0{16}/);
  });
});
