import { describe, expect, it } from 'vitest';
import { PushErrors } from '../../../src/modules/mod-event-pusher/push-errors.ts';

/** When errors that may pass end a node (XEP-0357 §7.1). */

const SECOND = 1_000_000;

describe('errors of a node', () => {
  it('end it when there are enough in a row, over long enough', () => {
    const errors = new PushErrors(3, 60);
    expect(errors.add('a@b', 'node', 0)).toBe(false);
    expect(errors.add('a@b', 'node', 10 * SECOND)).toBe(false);
    expect(errors.add('a@b', 'node', 59 * SECOND)).toBe(false);
    expect(errors.add('a@b', 'node', 60 * SECOND)).toBe(true);
  });

  it('do not, however long it lasts, while there are not enough', () => {
    const errors = new PushErrors(3, 60);
    expect(errors.add('a@b', 'node', 0)).toBe(false);
    expect(errors.add('a@b', 'node', 1_000_000 * SECOND)).toBe(false);
  });

  it('count from the beginning when it was told, or the user has changed his nodes', () => {
    const errors = new PushErrors(2, 0);
    expect(errors.add('a@b', 'node', 0)).toBe(false);
    errors.passed('a@b', 'node');
    expect(errors.add('a@b', 'node', 0)).toBe(false);
    errors.forget('a@b');
    expect(errors.add('a@b', 'node', 0)).toBe(false);
    expect(errors.add('a@b', 'node', 0)).toBe(true);
  });

  it('are those of that node, and that user', () => {
    const errors = new PushErrors(2, 0);
    expect(errors.add('a@b', 'node', 0)).toBe(false);
    expect(errors.add('a@b', 'other', 0)).toBe(false);
    expect(errors.add('c@b', 'node', 0)).toBe(false);
  });

  it('are forgotten of accounts that had none for longest: there is a limit', () => {
    const errors = new PushErrors(2, 0);
    errors.add('first@b', 'node', 0);
    for (let i = 0; i < 20_000; i++) errors.add(`${i}@b`, 'node', 0);
    expect(errors.add('first@b', 'node', 0)).toBe(false);
  });
});
