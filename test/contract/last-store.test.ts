import { describe, expect, it } from 'vitest';
import { DRIVERS, useStore } from './drivers.ts';

/** What every store does with last activity. */

describe.each(DRIVERS)('last activity (%s)', (_name, open) => {
  const ask = useStore(open);
  const get = (user: string, domain = 'localhost') => ask('last_get', domain, user);

  it('notes many at once, and of each the latest, whatever the order', async () => {
    await ask('last_set', [
      ['localhost', 'juliet', 2_000_000, 'Home'],
      ['localhost', 'romeo', 3_000_000, ''],
      ['verona.example', 'juliet', 1, '__proto__'],
    ]);
    await ask('last_set', [['localhost', 'juliet', 1_000_000, 'too late']]);
    expect(await get('juliet')).toEqual({ timestamp: 2_000_000, status: 'Home' });
    await ask('last_set', [['localhost', 'juliet', 2_000_001, 'Away']]);
    expect(await get('juliet')).toEqual({ timestamp: 2_000_001, status: 'Away' });
    expect(await get('romeo')).toEqual({ timestamp: 3_000_000, status: '' });
    expect(await get('juliet', 'verona.example')).toEqual({ timestamp: 1, status: '__proto__' });
    expect(await get('__proto__')).toBe(null);
  });

  it('forgets a user, or a domain, and nobody else', async () => {
    await ask('last_set', [
      ['localhost', 'juliet', 1, ''],
      ['localhost', 'romeo', 1, ''],
      ['verona.example', 'romeo', 1, ''],
    ]);
    expect(await ask('last_remove_user', 'localhost', 'juliet')).toBe(1);
    expect(await ask('last_remove_user', 'localhost', 'juliet')).toBe(0);
    expect(await ask('last_remove_domain', 'verona.example')).toBe(1);
    expect([await get('juliet'), await get('romeo', 'verona.example')]).toEqual([null, null]);
    expect(await get('romeo')).not.toBe(null);
  });

  it('notes an earlier time, too, when it is told to replace what is there', async () => {
    await ask('last_replace', 'localhost', 'juliet', 5, 'Later');
    expect(await ask('last_replace', 'localhost', 'juliet', 2, 'Earlier')).toBe(null);
    expect(await get('juliet')).toEqual({ timestamp: 2, status: 'Earlier' });
    expect(await get('juliet', 'verona.example')).toBe(null);
  });

  it('lists the accounts of a domain in the order of their names, in pages', async () => {
    await ask('last_set', [
      ['localhost', 'romeo', 3, ''],
      ['localhost', '\u{1f600}', 5, ''],
      ['localhost', '\uff21', 4, ''],
      ['localhost', 'Juliet', 2, ''],
      ['verona.example', 'nurse', 1, ''],
    ]);
    const list = (after: string, limit: number) => ask('last_list', 'localhost', after, limit);
    // By bytes of UTF-8, as accounts are listed; by UTF-16 units the last two would change places.
    const all = [
      ['Juliet', 2],
      ['romeo', 3],
      ['\uff21', 4],
      ['\u{1f600}', 5],
    ];
    expect(await list('', 10)).toEqual(all);
    expect(await list('', 2)).toEqual(all.slice(0, 2));
    expect(await list('romeo', 2)).toEqual(all.slice(2));
    expect(await list('\u{1f600}', 2)).toEqual([]);
    expect(await ask('last_list', 'nowhere.example', '', 2)).toEqual([]);
  });
});
