import { describe, expect, it } from 'vitest';
import { CACHED_ACCOUNTS_MAX, CACHED_ITEMS_MAX } from '../../../src/modules/mod-privacy/limits.ts';
import { ListCache } from '../../../src/modules/mod-privacy/list-cache.ts';
import { type ModuleContext, NO_PRIVACY_LIST, type StoredPrivacyList } from '../../../src/modules/module.ts';
import { makeJid, parseJid } from '../../../src/xmpp/jid.ts';

/** What a shard remembers of lists, and that it does not believe what has changed meanwhile. */

type Answer = StoredPrivacyList | null;

class Store {
  readonly asked: {
    name: string | null;
    resolve: (answer: Answer) => void;
    reject: (cause: Error) => void;
  }[] = [];

  request(_operation: string, _domain: string, _user: string, name: string | null): Promise<Answer> {
    return new Promise((resolve, reject) => this.asked.push({ name, resolve, reject }));
  }
}

function make(isDryRun = false): { cache: ListCache; store: Store } {
  const store = new Store();
  return { store, cache: new ListCache({ store, isDryRun } as unknown as ModuleContext) };
}

const ROMEO = parseJid('romeo@localhost')!;
const list = (name: string, items = 1): StoredPrivacyList => ({
  name,
  items: Array.from({ length: items }, (_unused, i) => ['j', `u${i}@x`, 'd', i, 0] as const),
});

describe('ListCache', () => {
  it('reads a list once for all who want it, and remembers it', async () => {
    const { cache, store } = make();
    const both = [cache.get(ROMEO, null), cache.get(ROMEO, null)];
    expect(store.asked).toHaveLength(1);
    store.asked[0]!.resolve(list('a'));
    const [one, two] = await Promise.all(both);
    expect(one).toBe(two);
    expect(one).toMatchObject({
      name: 'a',
      items: [{ type: 'jid', value: 'u0@x', action: 'deny', matchAll: true }],
    });
    expect(cache.get(ROMEO, null)).toBe(one);
    expect(store.asked).toHaveLength(1);
  });

  it('remembers that there is none, and lists by name beside the default', async () => {
    const { cache, store } = make();
    const standard = cache.get(ROMEO, null);
    const named = cache.get(ROMEO, 'b');
    store.asked[0]!.resolve(null);
    store.asked[1]!.resolve(list('b'));
    expect(await standard).toBe(NO_PRIVACY_LIST);
    expect(cache.get(ROMEO, 'b')).toBe(await named);
    expect(cache.get(ROMEO, null)).toBe(NO_PRIVACY_LIST);
    const gone = cache.get(ROMEO, 'c');
    store.asked[2]!.resolve(null);
    expect(await gone).toBe(null);
    expect(cache.get(ROMEO, 'c')).toBe(null);
  });

  it.each(['forget', 'clear'] as const)(
    'reads again what changed while it was being read (%s)',
    async (how) => {
      const { cache, store } = make();
      const found = cache.get(ROMEO, null);
      cache[how]('romeo@localhost');
      store.asked[0]!.resolve(list('old'));
      await Promise.resolve();
      await new Promise(setImmediate);
      expect(store.asked).toHaveLength(2);
      store.asked[1]!.resolve(list('new'));
      expect(await found).toMatchObject({ name: 'new' });
      expect(cache.get(ROMEO, null)).toMatchObject({ name: 'new' });
      cache[how]('romeo@localhost');
      expect(cache.get(ROMEO, null)).toBeInstanceOf(Promise);
    },
  );

  it('reads again also if the answer is there, but was not looked at yet', async () => {
    const { cache, store } = make();
    const found = cache.get(ROMEO, null);
    store.asked[0]!.resolve(list('old'));
    cache.forget('romeo@localhost');
    await new Promise(setImmediate);
    store.asked[1]!.resolve(list('new'));
    expect(await found).toMatchObject({ name: 'new' });
  });

  it('remembers no failure, and nothing of a dry run', async () => {
    const { cache, store } = make();
    const found = cache.get(ROMEO, null);
    store.asked[0]!.reject(new Error('away'));
    await expect(found).rejects.toThrow('away');
    void cache.get(ROMEO, null);
    expect(store.asked).toHaveLength(2);
    const dry = make(true);
    void dry.cache.get(ROMEO, null);
    void dry.cache.get(ROMEO, null);
    expect(dry.store.asked).toHaveLength(2);
  });

  it('has limits: in accounts, and in items', async () => {
    const { cache, store } = make();
    const read = async (user: string, answer: Answer): Promise<void> => {
      const found = cache.get(makeJid(user, 'localhost')!, null);
      store.asked.pop()!.resolve(answer);
      await found;
    };
    const held = (count: number): number => {
      let found = 0;
      for (let i = 0; i < count; i++) if (cache.peek(`u${i}@localhost`) !== undefined) found++;
      return found;
    };
    const accounts = CACHED_ACCOUNTS_MAX * 1.5;
    for (let i = 0; i < accounts; i++) await read(`u${i}`, null);
    expect(held(accounts)).toBeLessThanOrEqual(CACHED_ACCOUNTS_MAX);
    expect(cache.peek(`u${accounts - 1}@localhost`)).toBeDefined();
    cache.clear();
    const large = CACHED_ITEMS_MAX / 8;
    for (let i = 0; i < 20; i++) await read(`u${i}`, list('l', large));
    expect(held(20)).toBeLessThanOrEqual(8);
    await read('huge', list('l', CACHED_ITEMS_MAX / 2 + 1));
    expect(cache.peek('huge@localhost')).toBeUndefined();
  });
});
