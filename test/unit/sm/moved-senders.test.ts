import { expect, it } from 'vitest';
import { MOVED_ADDRESSES_MAX } from '../../../src/limits.ts';
import { MovedSenders } from '../../../src/sm/moved-senders.ts';

it('senders from other shards are remembered with some hundred addresses; what is forgotten is asked again', () => {
  const senders = new MovedSenders();
  expect([senders.isEmpty, senders.isFirst('a', 'b')]).toEqual([true, false]);
  senders.came('a');
  expect([senders.isEmpty, senders.isFirst('a', 'b'), senders.isFirst('c', 'b')]).toEqual([
    false,
    true,
    false,
  ]);
  for (let i = 0; i < MOVED_ADDRESSES_MAX; i++) senders.asked('a', `b${i}`);
  expect(senders.isFirst('a', 'b0')).toBe(false);
  senders.asked('a', 'more');
  expect([senders.isFirst('a', 'more'), senders.isFirst('a', 'b0')]).toEqual([false, true]);
  senders.asked('c', 'b');
  expect(senders.isFirst('c', 'b')).toBe(false);
  senders.left('a');
  expect(senders.isEmpty).toBe(true);
});
