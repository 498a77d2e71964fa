import { describe, expect, it } from 'vitest';
import { VCARD_FIELDS, type VcardCondition } from '../../src/store/operations/vcard.ts';
import { DRIVERS, useStore } from './drivers.ts';

/** What every store does with vCards. */

describe.each(DRIVERS)('vCards (%s)', (_name, open) => {
  const ask = useStore(open);

  const set = (user: string, texts: Record<string, string>, domain = 'localhost') => {
    const shown = VCARD_FIELDS.map((field) => texts[field] ?? '');
    const folded = shown.map((text) => text.toLowerCase());
    return ask('vcard_set', domain, user, `<vCard>${user}</vCard>`, folded, shown, 1);
  };
  const is = (field: VcardCondition['field'], value: string): VcardCondition => ({
    field,
    value,
    isPrefix: false,
  });
  const begins = (field: VcardCondition['field'], value: string): VcardCondition => ({
    field,
    value,
    isPrefix: true,
  });
  const find = async (
    conditions: VcardCondition[],
    limit = 100,
    looks = 100,
    bytes = 100_000,
    domain = 'localhost',
  ) => (await ask('vcard_search', domain, conditions, limit, looks, bytes)).map(({ username }) => username);

  it('keeps one for each account, the last one', async () => {
    expect(await ask('vcard_get', 'localhost', 'juliet')).toBe(null);
    await set('juliet', { fn: 'A' });
    await set('juliet', { fn: 'B' });
    expect(await ask('vcard_get', 'localhost', 'juliet')).toBe('<vCard>juliet</vCard>');
    expect(await find([is('fn', 'a')])).toEqual([]);
    expect(await ask('vcard_search', 'localhost', [is('fn', 'b')], 9, 9, 999)).toEqual([
      { username: 'juliet', shown: ['B', ...Array(10).fill('')] },
    ]);
  });

  it('finds by each field, whole or by its beginning, in the order of names', async () => {
    for (const user of ['b', 'a', 'c']) {
      await set(user, Object.fromEntries(VCARD_FIELDS.map((field) => [field, `${field} X${user}`])));
    }
    for (const field of VCARD_FIELDS) {
      expect(await find([is(field, `${field} xa`)])).toEqual(['a']);
      expect(await find([is(field, `${field} x`)])).toEqual([]);
      expect(await find([begins(field, `${field} x`)])).toEqual(['a', 'b', 'c']);
      expect(await find([begins(field, '')])).toEqual(['a', 'b', 'c']);
      expect(await find([begins(field, 'zz')])).toEqual([]);
    }
    expect(await find([is('user', 'b')])).toEqual(['b']);
    expect(await find([begins('user', '')])).toEqual(['a', 'b', 'c']);
  });

  it('wants all conditions to hold', async () => {
    await set('a', { fn: 'x', last: 'p1' });
    await set('b', { fn: 'x', last: 'q1' });
    await set('c', { fn: 'x' });
    expect(await find([is('fn', 'x'), begins('last', 'q')])).toEqual(['b']);
    expect(await find([begins('fn', 'x'), begins('last', '')])).toEqual(['a', 'b']);
    expect(await find([is('fn', 'x'), is('user', 'c')])).toEqual(['c']);
  });

  it('takes signs of patterns for what they are', async () => {
    await set('a', { fn: '100%_*?[a-z]"\'; drop' });
    await set('b', { fn: '100 percent' });
    expect(await find([begins('fn', '100%')])).toEqual(['a']);
    expect(await find([is('fn', '100%_*?[a-z]"\'; drop')])).toEqual(['a']);
    expect(await find([begins('fn', '%')])).toEqual([]);
  });

  it('stops at its limits', async () => {
    for (let i = 0; i < 9; i++) await set(`u${i}`, { fn: 'x', nick: i % 2 === 0 ? 'even' : '' });
    expect(await find([is('fn', 'x')], 3)).toHaveLength(3);
    expect(await find([is('fn', 'x')], 100, 5)).toHaveLength(5);
    const one = JSON.stringify(VCARD_FIELDS.map((field) => (field === 'fn' ? 'x' : ''))).length;
    expect((await find([is('fn', 'x')], 100, 100, 3 * one + 4)).length).toBeLessThanOrEqual(3);
  });

  it('forgets a user, or a domain, and nobody else', async () => {
    await set('a', { fn: 'x' });
    await set('b', { fn: 'x' });
    await set('a', { fn: 'x' }, 'verona.example');
    expect(await find([is('fn', 'x')], 9, 9, 999, 'verona.example')).toEqual(['a']);
    expect(await ask('vcard_remove_user', 'localhost', 'a')).toBe(1);
    expect(await ask('vcard_remove_domain', 'verona.example')).toBe(1);
    expect(await ask('vcard_get', 'localhost', 'a')).toBe(null);
    expect(await find([is('fn', 'x')])).toEqual(['b']);
    expect(await find([is('fn', 'x')], 9, 9, 999, 'verona.example')).toEqual([]);
  });
});
