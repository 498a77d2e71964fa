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
});
