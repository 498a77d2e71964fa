import { describe, expect, it } from 'vitest';
import { COUNTER_NAMES, Counter, counterRow, createCounters } from '../../../src/memory/counters.ts';

describe('counters', () => {
  it('have a cell each, in the order of their names', () => {
    expect(COUNTER_NAMES.map((name) => Counter[name])).toEqual(COUNTER_NAMES.map((_name, i) => i));
    expect(new Set(COUNTER_NAMES).size).toBe(COUNTER_NAMES.length);
  });

  it('of one thread are apart from those of another, on other cache lines', () => {
    const memory = createCounters(3);
    const rows = [0, 1, 2].map((thread) => counterRow(memory, thread));
    rows[1]!.fill(7);
    expect(rows[0]!.every((value) => value === 0)).toBe(true);
    expect(rows[2]!.every((value) => value === 0)).toBe(true);
    for (const row of rows) expect(row.byteOffset % 64).toBe(0);
    expect(counterRow(memory, 1)[Counter.message_in]).toBe(7);
  });
});
