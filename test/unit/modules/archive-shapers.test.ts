import { describe, expect, it } from 'vitest';
import { SHAPED_USERS_MAX } from '../../../src/modules/mod-mam/limits.ts';
import { Shapers } from '../../../src/modules/mod-mam/shapers.ts';
import type { ModuleContext } from '../../../src/modules/module.ts';
import { makeJid } from '../../../src/xmpp/jid.ts';

let now = 0;

/** Rules as given; waiting is over at once, and noted. */
function shapers(rules: Readonly<Record<string, string>>, waits: number[] = []): Shapers {
  const context = {
    access: (rule: string) => rules[rule] ?? 'none',
    shaper: (name: string) => (name === 'two' ? { maxRate: 2, burst: 3 } : undefined),
    after: (ms: number, callback: () => void) => {
      waits.push(ms);
      queueMicrotask(callback);
      return () => {};
    },
  } as unknown as ModuleContext;
  return new Shapers(context, () => now);
}

const romeo = makeJid('romeo', 'localhost', 'r')!;
const other = makeJid('romeo', 'localhost', 's')!;

describe('shapers of archives', () => {
  it('let everybody ask without a rule, or with one that names no shaper', async () => {
    const waits: number[] = [];
    for (const one of [shapers({}, waits), shapers({ mam_shaper: 'all' }, waits)])
      for (let n = 0; n < 100; n++) expect(await one.takeTurn('mam', romeo, 'localhost')).toBe(true);
    expect(waits).toEqual([]);
  });

  it('let a session ask as often as its shaper allows, then wait, then refuse', async () => {
    const waits: number[] = [];
    const one = shapers({ mam_shaper: 'two' }, waits);
    now = 1_000;
    const turns: boolean[] = [];
    for (let n = 0; n < 9; n++) turns.push(await one.takeTurn('mam', romeo, 'localhost'));
    expect(turns).toEqual([true, true, true, true, true, true, true, false, false]);
    expect(waits).toEqual([500, 1_000, 1_500, 2_000]);
    expect(await one.takeTurn('mam', other, 'localhost')).toBe(true);
    expect(await one.takeTurn('else', romeo, 'localhost')).toBe(true);
    now += 2_000;
    expect(await one.takeTurn('mam', romeo, 'localhost')).toBe(true);
    now += 60_000;
    waits.length = 0;
    for (let n = 0; n < 4; n++) await one.takeTurn('mam', romeo, 'localhost');
    expect(waits).toEqual([500]);
  });

  it('count everybody together where the rule says so', async () => {
    const one = shapers({ mam_global_shaper: 'two' });
    now = 1_000;
    const turns: boolean[] = [];
    for (let n = 0; n < 8; n++)
      turns.push(await one.takeTurn('mam', n % 2 === 0 ? romeo : other, 'localhost'));
    expect(turns).toEqual([true, true, true, true, true, true, true, false]);
  });

  it('forget who has not asked for longest, when there are too many', async () => {
    const one = shapers({ mam_shaper: 'two' });
    now = 1_000;
    for (let n = 0; n < 3; n++) await one.takeTurn('mam', romeo, 'localhost');
    for (let n = 0; n < SHAPED_USERS_MAX; n++) await one.takeTurn('mam', makeJid(`u${n}`, 'x')!, 'localhost');
    const waits: number[] = [];
    expect(await one.takeTurn('mam', romeo, 'localhost')).toBe(true);
    expect(waits).toEqual([]);
  });
});
