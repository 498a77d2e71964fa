import { expect, it } from 'vitest';
import { EarlyReads } from '../../../src/store/sqlite/early-reads.ts';

it('marks that come before their messages are remembered, some thousand of them', () => {
  const reads = new EarlyReads();
  expect(reads.of('x', 'u', 'a@x', 5)).toBeUndefined();
  for (let i = 0; i < 4_097; i++)
    reads.note('x', 'u', `a${i}@x`, { timestamp: 10, msgId: `${i}`, until: -1 });
  expect(reads.of('x', 'u', 'a0@x', 5)).toBeUndefined();
  expect(reads.of('x', 'u', 'a1@x', 5)).toMatchObject({ msgId: '1' });
  expect(reads.of('x', 'u', 'a1@x', 10)).toBeUndefined();
  expect(reads.of('x', 'v', 'a1@x', 5)).toBeUndefined();
  // The last one of a conversation counts, and is the youngest then.
  reads.note('x', 'u', 'a1@x', { timestamp: 20, msgId: 'last', until: -1 });
  reads.note('x', 'u', 'more@x', { timestamp: 20, msgId: 'more', until: -1 });
  expect(reads.of('x', 'u', 'a1@x', 5)).toMatchObject({ msgId: 'last' });
  expect(reads.of('x', 'u', 'a2@x', 5)).toBeUndefined();
});
