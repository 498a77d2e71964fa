import { describe, expect, it } from 'vitest';
import { LOGIN_MS_MAX, TASKS_MS_MAX } from '../../../src/limits.ts';
import { Removals } from '../../../src/shard/removals.ts';
import { parseJid } from '../../../src/xmpp/jid.ts';

const romeo = parseJid('romeo@localhost')!;

describe('accounts that were removed lately', () => {
  it('are known to those who came before, and to nobody else', () => {
    const removals = new Removals();
    removals.add('romeo@localhost', 100);
    expect([99, 100, 101].map((ms) => removals.since(romeo, ms))).toEqual([true, true, false]);
    expect(removals.since(parseJid('juliet@localhost')!, 0)).toBe(false);
    removals.add('romeo@localhost', 200);
    expect(removals.since(romeo, 150)).toBe(true);
  });

  it('may be all of a domain', () => {
    const removals = new Removals();
    removals.add('localhost', 100);
    expect([removals.since(romeo, 50), removals.since(parseJid('romeo@other.example')!, 50)]).toEqual([
      true,
      false,
    ]);
  });

  it('are forgotten when no login can be older, and beyond a number of them the earlier ones', () => {
    const removals = new Removals();
    removals.add('romeo@localhost', 100);
    removals.add('juliet@localhost', 101 + 2 * LOGIN_MS_MAX + TASKS_MS_MAX);
    expect(removals.since(romeo, 0)).toBe(false);
    removals.add('romeo@localhost', 1e9);
    for (let i = 0; i < 65_536; i++) removals.add(`user${i}@localhost`, 1e9);
    expect(removals.since(romeo, 0)).toBe(false);
    expect(removals.since(parseJid('user0@localhost')!, 0)).toBe(true);
  });
});
