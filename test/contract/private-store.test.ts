import { describe, expect, it } from 'vitest';
import { DRIVERS, useStore } from './drivers.ts';

/** What every store does with private storage. */

const MANY = 100;
const BIG = 10_000;

describe.each(DRIVERS)('private storage (%s)', (_name, open) => {
  const ask = useStore(open);
  const set = (entries: [string, string][], namespaces = MANY, bytes = BIG, user = 'juliet') =>
    ask('private_set', 'localhost', user, entries, namespaces, bytes);

  it('keeps one text for each namespace, the last one', async () => {
    expect(
      await set([
        ['a', '<x/>'],
        ['b', '<y/>'],
      ]),
    ).toBe('stored');
    expect(await set([['a', '<z/>']])).toBe('stored');
    expect(await ask('private_get', 'localhost', 'juliet', ['b', 'none', 'a'])).toEqual([
      ['b', '<y/>'],
      ['a', '<z/>'],
    ]);
    expect(await ask('private_list', 'localhost', 'juliet')).toEqual([
      ['a', '<z/>'],
      ['b', '<y/>'],
    ]);
  });

  it('keeps names that are words of the language apart from it', async () => {
    await set([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    expect(await ask('private_get', 'localhost', 'juliet', ['constructor', '__proto__', 'toString'])).toEqual(
      [
        ['constructor', 'b'],
        ['__proto__', 'a'],
      ],
    );
  });

  it('takes so many namespaces and bytes, and replacing counts once', async () => {
    expect(
      await set(
        [
          ['a', '12'],
          ['b', '12'],
        ],
        2,
        6,
      ),
    ).toBe('stored');
    expect(await set([['c', '']], 2, 100)).toBe('full');
    expect(await set([['a', '123']], 2, 6)).toBe('full');
    expect(await set([['a', 'é']], 2, 6)).toBe('stored');
    expect(await set([['a', 'é1']], 2, 6)).toBe('full');
    expect(await ask('private_list', 'localhost', 'juliet')).toEqual([
      ['a', 'é'],
      ['b', '12'],
    ]);
  });

  it('changes nothing of a request that is too large as a whole', async () => {
    expect(
      await set(
        [
          ['a', '1'],
          ['b', '2'],
          ['c', '3'],
        ],
        2,
      ),
    ).toBe('full');
    expect(await ask('private_list', 'localhost', 'juliet')).toEqual([]);
  });

  it('forgets a user, or a domain, and nobody else', async () => {
    await set([['a', '1']]);
    await set(
      [
        ['a', '1'],
        ['b', '1'],
      ],
      MANY,
      BIG,
      'romeo',
    );
    await ask('private_set', 'verona.example', 'juliet', [['a', '1']], MANY, BIG);
    expect(await ask('private_remove_user', 'localhost', 'romeo')).toBe(2);
    expect(await ask('private_remove_domain', 'verona.example')).toBe(1);
    expect(await ask('private_list', 'localhost', 'romeo')).toEqual([]);
    expect(await ask('private_list', 'verona.example', 'juliet')).toEqual([]);
    expect(await ask('private_list', 'localhost', 'juliet')).toEqual([['a', '1']]);
  });
});
