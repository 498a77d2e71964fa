import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IQ_TIMEOUT_MS, PENDING_IQS_MAX } from '../../../src/limits.ts';
import { PendingIqs } from '../../../src/local/pending-iqs.ts';
import { accumulator } from '../hooks/fakes.ts';

/** Requests of the server that clients do not answer, or others answer in their place: threats T36 and T67. */

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const ANSWER = accumulator();
const FROM = ANSWER.from.full;

describe('requests that wait for an answer', () => {
  it('get it once, from whom they asked', () => {
    const pending = new PendingIqs(3);
    const callback = vi.fn();
    const id = pending.register(FROM, callback)!;
    expect(pending.answer(id, ANSWER)).toBe(true);
    expect(callback).toHaveBeenCalledExactlyOnceWith(ANSWER);
    expect(pending.answer(id, ANSWER)).toBe(false);
    vi.advanceTimersByTime(IQ_TIMEOUT_MS * 2);
    expect(callback).toHaveBeenCalledOnce();
  });

  it('take no answer from anybody else, and none to an id that was not given out (T36)', () => {
    const pending = new PendingIqs(3);
    const callback = vi.fn();
    const id = pending.register('juliet@localhost/balcony', callback)!;
    expect(pending.answer(id, ANSWER)).toBe(false);
    for (const guess of ['', 's3_', `${id}x`, id.slice(0, -1), '__proto__'])
      expect(pending.answer(guess, ANSWER)).toBe(false);
    expect(callback).not.toHaveBeenCalled();
    expect(pending.size).toBe(1);
  });

  it('have ids that cannot be guessed, and that name their shard', () => {
    const pending = new PendingIqs(3);
    const ids = Array.from({ length: 1_000 }, () => pending.register(FROM, () => {})!);
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) {
      // 96 bits.
      expect(id).toMatch(/^s3_[\w-]{16}$/);
      expect(PendingIqs.shardOf(id)).toBe(3);
    }
    for (const id of ['x', 's_', 's1234_x', 'S3_x', ' s3_x']) expect(PendingIqs.shardOf(id)).toBeUndefined();
  });

  it('are told when none comes in time, and forgotten (T67)', () => {
    const pending = new PendingIqs(0);
    const callback = vi.fn();
    pending.register(FROM, callback);
    vi.advanceTimersByTime(IQ_TIMEOUT_MS - 1);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledExactlyOnceWith(undefined);
    expect(pending.size).toBe(0);
  });

  it('are so many at most; then none is sent, until others are done (T67)', () => {
    const pending = new PendingIqs(0);
    const ids = Array.from({ length: PENDING_IQS_MAX }, () => pending.register(FROM, () => {}));
    expect(pending.register(FROM, () => {})).toBeUndefined();
    expect(pending.size).toBe(PENDING_IQS_MAX);
    expect(pending.answer(ids[0]!, ANSWER)).toBe(true);
    expect(pending.register(FROM, () => {})).toBeDefined();
  });
});
