import { describe, expect, it } from 'vitest';
import { parseMicros, stampOfMicros } from '../../../src/xmpp/stamp.ts';

describe('parseMicros', () => {
  it('reads to the microsecond what stampOfMicros writes', () => {
    for (const micros of [0, 1, 999_999, 1_700_000_000_123_456, 8_999_999_999_999_999])
      expect(parseMicros(stampOfMicros(micros))).toBe(micros);
  });

  it.each([
    ['2026-05-01T12:00:00Z', 1_777_636_800_000_000],
    ['2026-05-01T12:00:00.1Z', 1_777_636_800_100_000],
    ['2026-05-01T12:00:00.1234567Z', 1_777_636_800_123_456],
    ['2026-05-01T14:00:00+02:00', 1_777_636_800_000_000],
    ['20260501T12:00:00', 1_777_636_800_000_000],
  ])('reads %s', (stamp, micros) => {
    expect(parseMicros(stamp)).toBe(micros);
  });

  it.each([
    undefined,
    '',
    'yesterday',
    '1969-12-31T23:59:59Z',
    '2256-01-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-05-01',
  ])('finds no time in %s', (stamp) => {
    expect(parseMicros(stamp)).toBeUndefined();
  });
});
