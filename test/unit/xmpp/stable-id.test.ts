import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseStableId, stableId, stableIdText } from '../../../src/xmpp/stable-id.ts';

it('stable ids are read as they are written', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 53 - 1 }),
      fc.integer({ min: 0, max: 255 }),
      (micros, shard) => {
        const text = stableId(micros, shard);
        const id = parseStableId(text)!;
        expect(id).toBe(BigInt(micros) * 256n + BigInt(shard));
        expect(stableIdText(id)).toBe(text);
      },
    ),
  );
});

it.each([
  '',
  ' ',
  '-1',
  '1.5',
  'abc',
  'W',
  'B9KR1H3PRG81É',
  '1'.repeat(14),
  '80000000000000',
  'V'.repeat(13),
])('%j is no stable id', (text) => {
  expect(parseStableId(text)).toBeUndefined();
});

it('the largest id has 63 bits', () => {
  expect(parseStableId('7VVVVVVVVVVVV')).toBe((1n << 63n) - 1n);
  expect(parseStableId('8000000000000')).toBeUndefined();
});
