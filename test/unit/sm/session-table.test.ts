import { describe, expect, it } from 'vitest';
import type { LocalSession } from '../../../src/sm/local-session.ts';
import { SessionTable } from '../../../src/sm/session-table.ts';

function session(): LocalSession {
  return {} as LocalSession;
}

describe('the table of sessions', () => {
  it('finds a session by its number until it ends', () => {
    const table = new SessionTable(64);
    const [one, two] = [session(), session()];
    const [first, second] = [table.reserve(), table.reserve()];
    table.set(first, one);
    table.set(second, two);
    expect([table.get(first), table.get(second), table.count]).toEqual([one, two, 2]);
    table.remove(first);
    expect([table.get(first), table.get(second), table.count]).toEqual([undefined, two, 1]);
    expect([...table]).toEqual([two]);
    table.remove(first);
    expect(table.count).toBe(1);
  });

  it('does not take the next session in a place for the one before', () => {
    const table = new SessionTable(64);
    const numbers = new Set<number>();
    for (let i = 0; i < 10_000; i++) {
      const number = table.reserve();
      expect(number).toBeGreaterThanOrEqual(0);
      expect(number).toBeLessThan(2 ** 31);
      for (const old of i % 1_000 === 0 ? numbers : []) expect(table.get(old)).toBeUndefined();
      numbers.add(number);
      table.set(number, session());
      table.remove(number);
    }
    expect(numbers.size).toBe(10_000);
  });

  it('does not give a number out twice while its session is there or reserved', () => {
    const table = new SessionTable(16_777_216);
    const numbers = Array.from({ length: 100 }, () => table.reserve());
    for (const number of numbers.slice(0, 50)) table.cancel(number);
    const more = Array.from({ length: 100 }, () => table.reserve());
    expect(new Set([...numbers.slice(50), ...more]).size).toBe(150);
  });

  it('goes on after the numbers of a place have run out', () => {
    const table = new SessionTable(16_777_216);
    let number = 0;
    for (let i = 0; i < 200; i++) {
      number = table.reserve();
      table.set(number, session());
      expect(table.get(number)).toBeDefined();
      table.remove(number);
    }
    expect(table.count).toBe(0);
  });
});
