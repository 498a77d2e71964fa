import { beforeEach, describe, expect, it } from 'vitest';
import { Backlog } from '../../../src/c2s/backlog.ts';
import {
  OUTGOING_BYTES_HARD_MAX,
  OUTGOING_BYTES_MAX,
  OUTGOING_EXCESS_BYTES_MAX,
  OUTGOING_MS_MAX,
} from '../../../src/limits.ts';

const MAX = OUTGOING_BYTES_MAX;
let backlog: Backlog<string>;

beforeEach(() => {
  backlog = new Backlog();
});

describe('the backlog of a shard (T60)', () => {
  it('is about those over the limit only', () => {
    expect(backlog.allows('juliet', MAX, 0)).toBe(true);
    expect(backlog.isEmpty).toBe(true);
    expect(backlog.allows('juliet', MAX + 1, 0)).toBe(true);
    expect(backlog.isEmpty).toBe(false);
    expect(backlog.allows('juliet', MAX, 0)).toBe(true);
    expect(backlog.isEmpty).toBe(true);
  });

  it('names who has not caught up in time, whatever else came', () => {
    backlog.allows('juliet', MAX + 1, 0);
    backlog.allows('juliet', 3 * MAX, 500);
    backlog.allows('nurse', 2 * MAX, 500);
    expect(backlog.overdue(OUTGOING_MS_MAX - 1)).toEqual([]);
    expect(backlog.overdue(OUTGOING_MS_MAX)).toEqual(['juliet']);
    backlog.forget('juliet');
    expect(backlog.overdue(OUTGOING_MS_MAX + 500)).toEqual(['nurse']);
  });

  it('gives more time to who takes enough in it', () => {
    backlog.allows('juliet', 4 * MAX, 0);
    backlog.allows('nurse', 4 * MAX, 0);
    backlog.allows('juliet', 3.75 * MAX, 900);
    backlog.allows('nurse', 3.75 * MAX + 1, 900);
    expect(backlog.overdue(OUTGOING_MS_MAX)).toEqual(['nurse']);
    backlog.forget('nurse');
    expect(backlog.overdue(2 * OUTGOING_MS_MAX - 1)).toEqual([]);
    expect(backlog.overdue(2 * OUTGOING_MS_MAX)).toEqual(['juliet']);
  });

  it('has a limit for each, and one for all', () => {
    expect(backlog.allows('juliet', OUTGOING_BYTES_HARD_MAX, 0)).toBe(true);
    expect(backlog.allows('juliet', OUTGOING_BYTES_HARD_MAX + 1, 0)).toBe(false);
    const rest = OUTGOING_EXCESS_BYTES_MAX - (OUTGOING_BYTES_HARD_MAX - MAX);
    expect(backlog.allows('nurse', OUTGOING_BYTES_HARD_MAX, 0)).toBe(true);
    const left = rest - (OUTGOING_BYTES_HARD_MAX - MAX);
    expect(backlog.allows('romeo', MAX + left + 1, 0)).toBe(false);
    expect(backlog.allows('romeo', MAX + left, 0)).toBe(true);
    // The limit counts as long as there is no room above it.
    expect(backlog.allows('benvolio', MAX + 1, 0)).toBe(false);
    expect(backlog.allows('benvolio', MAX, 0)).toBe(true);
    backlog.forget('juliet');
    expect(backlog.allows('benvolio', OUTGOING_BYTES_HARD_MAX, 0)).toBe(true);
  });

  it('takes no harm from being told of the end of somebody who is not in it', () => {
    backlog.forget('nobody');
    expect(backlog.overdue(0)).toEqual([]);
  });
});
