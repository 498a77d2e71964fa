import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  Claimant,
  ClaimedMessages,
  OfflineMessage,
  StoreArgs,
  StoreDriver,
  StoreOperation,
  StoreResult,
} from '../../src/store/operations.ts';
import { SqliteDriver } from '../../src/store/sqlite/driver.ts';
import { LoopbackStore } from '../helpers/loopback-store.ts';
import { MemoryDriver } from '../helpers/memory-driver.ts';

/** What every store does, seen from a shard: through frames, rings and the store's server. */

const DRIVERS: [string, (directory: string) => StoreDriver][] = [
  ['SQLite, durable', (directory) => new SqliteDriver(directory, 'full')],
  ['SQLite, faster', (directory) => new SqliteDriver(directory, 'normal')],
  ['memory', () => new MemoryDriver()],
];

const ALICE: Claimant = [0, 1, 100];
const OTHER: Claimant = [0, 2, 200];
const ON_SHARD_1: Claimant = [1, 1, 100];

function message(
  text: string,
  timestamp: number,
  keys: OfflineMessage['keys'] = [],
): Omit<OfflineMessage, 'id'> {
  const packet = Buffer.from(`<message><body>${text}</body></message>`);
  return { timestamp, from: 'romeo@localhost/orchard', to: 'juliet@localhost', packet, keys };
}

/** What a session has been given. */
function given(claimed: StoreResult<'offline_claim'>): ClaimedMessages {
  if ('heldBy' in claimed) throw new Error(`held by ${claimed.heldBy}`);
  return claimed;
}

function texts(claimed: StoreResult<'offline_claim'>): string[] {
  return given(claimed).messages.map(
    ({ packet }) => /<body>(.*)<\/body>/.exec(Buffer.from(packet).toString())![1]!,
  );
}

describe.each(DRIVERS)('a store (%s)', (_name, open) => {
  let directory: string;
  let driver: StoreDriver;
  let store: LoopbackStore;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mk-'));
    driver = open(directory);
    store = new LoopbackStore(driver);
  });

  afterEach(() => {
    driver.close();
    rmSync(directory, { recursive: true, force: true });
  });

  function ask<O extends StoreOperation>(operation: O, ...args: StoreArgs<O>): Promise<StoreResult<O>> {
    return store.remote.request(operation, ...args);
  }

  function append(
    text: string,
    timestamp: number,
    options: { user?: string; domain?: string; expires?: number; max?: number; bytesMax?: number } = {},
  ) {
    const { user = 'juliet', domain = 'localhost', expires = null, max = null, bytesMax = null } = options;
    return ask('offline_append', domain, user, message(text, timestamp), expires, max, bytesMax);
  }

  it('answers a ping', async () => {
    expect(await ask('ping')).toBe(null);
  });

  it('refuses what it does not know, and goes on', async () => {
    await expect(ask('no_such_operation' as 'ping')).rejects.toThrow('no_such_operation');
    expect(await ask('ping')).toBe(null);
  });

  describe('accounts', () => {
    it('are inserted once, read, changed and removed', async () => {
      expect(await ask('account_get', 'localhost', 'juliet')).toBe(null);
      expect(await ask('account_exists', 'localhost', 'juliet')).toBe(false);
      expect(await ask('account_insert', 'localhost', 'juliet', 'keys', 5)).toBe('ok');
      expect(await ask('account_insert', 'localhost', 'juliet', 'other keys', 6)).toBe('exists');
      expect(await ask('account_get', 'localhost', 'juliet')).toBe('keys');
      expect(await ask('account_exists', 'localhost', 'juliet')).toBe(true);
      expect(await ask('account_exists', 'other.example', 'juliet')).toBe(false);
      expect(await ask('account_update', 'localhost', 'juliet', 'new keys')).toBe(true);
      expect(await ask('account_update', 'localhost', 'nobody', 'new keys')).toBe(false);
      expect(await ask('account_get', 'localhost', 'juliet')).toBe('new keys');
      expect(await ask('account_remove', 'localhost', 'juliet')).toBe(true);
      expect(await ask('account_remove', 'localhost', 'juliet')).toBe(false);
      expect(await ask('account_exists', 'localhost', 'juliet')).toBe(false);
    });

    it('are listed in order, by pages, up to a time of creation, and counted by domain', async () => {
      for (const [i, name] of ['b', 'a', 'c', 'Z', 'ü', '🌹', 'ｚ'].entries()) {
        await ask('account_insert', 'localhost', name, '', i);
      }
      await ask('account_insert', 'other.example', 'd', '', 0);
      expect(await ask('account_list', 'localhost', '', 100, null)).toEqual([
        'Z',
        'a',
        'b',
        'c',
        'ü',
        'ｚ',
        '🌹',
      ]);
      expect(await ask('account_list', 'localhost', 'a', 2, null)).toEqual(['b', 'c']);
      expect(await ask('account_list', 'localhost', '', 100, 2)).toEqual(['a', 'b', 'c']);
      expect(await ask('account_list', 'localhost', '🌹', 100, null)).toEqual([]);
      expect(await ask('account_count', 'localhost')).toBe(7);
      expect(await ask('account_remove_domain', 'localhost')).toBe(7);
      expect(await ask('account_count', 'localhost')).toBe(0);
      expect(await ask('account_count', 'other.example')).toBe(1);
    });

    it('with quotes and percent signs in their names are names like others', async () => {
      for (const name of ["'; DROP TABLE users; --", '%', '_', '"', 'a\0b']) {
        expect(await ask('account_insert', 'localhost', name, name, 0)).toBe('ok');
        expect(await ask('account_get', 'localhost', name)).toBe(name);
      }
      expect(await ask('account_count', 'localhost')).toBe(5);
    });
  });

  describe('messages for absent users', () => {
    it('are handed out in the order of their time, and stay until they are confirmed', async () => {
      await append('third', 30);
      await append('first', 10);
      await append('second', 20);
      await append('second, too', 20);
      await append('for another', 1, { user: 'nurse' });
      await append('elsewhere', 1, { domain: 'other.example' });
      const claimed = await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 10);
      expect(texts(claimed)).toEqual(['first', 'second', 'second, too', 'third']);
      expect(texts(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 2))).toEqual([
        'first',
        'second',
      ]);
      expect(await ask('offline_count', 'localhost', 'juliet')).toBe(4);
      const ids = given(claimed).messages.map(({ id }) => id);
      expect(await ask('offline_confirm', 'localhost', 'juliet', ALICE, ids.slice(0, 3))).toBe(1);
      expect(texts(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 10))).toEqual(['third']);
      expect(await ask('offline_confirm', 'localhost', 'juliet', ALICE, ids)).toBe(0);
      expect(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 10)).toEqual({
        messages: [],
        areAll: true,
      });
      expect(await ask('offline_count', 'localhost', 'nurse')).toBe(1);
    });

    it('come back as they were', async () => {
      const keys: OfflineMessage['keys'] = [
        ['stable_stanza_id/value', '123'],
        ['nested', { a: [1, null, 'ü'] }],
      ];
      const packet = Buffer.from([0x3c, 0, 255, 0xf0, 0x9f, 0x8c, 0xb9]);
      const timestamp = 1_800_000_000_123_456;
      const sent = { timestamp, from: 'ü@localhost/🌹', to: "o'neil@localhost", packet, keys };
      await ask('offline_append', 'localhost', 'juliet', sent, null, null, null);
      const [got] = given(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 1)).messages;
      expect(got).toMatchObject({ timestamp, from: sent.from, to: sent.to, keys });
      expect(Buffer.from(got!.packet).equals(packet)).toBe(true);
      expect(await ask('offline_page', 'localhost', 'juliet', null, 10, 10_000)).toEqual([got]);
    });

    it('are handed out up to a number of bytes, but at least one', async () => {
      for (let i = 0; i < 5; i++) await append('x'.repeat(100), i);
      const size = message('x'.repeat(100), 0).packet.length;
      const claim = async (bytesMax: number) =>
        texts(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 10, bytesMax)).length;
      expect(await claim(2 * size)).toBe(2);
      expect(await claim(2 * size - 1)).toBe(1);
      expect(await claim(1)).toBe(1);
      expect(await claim(100 * size)).toBe(5);
    });

    it('come with word of whether they are all', async () => {
      for (let i = 0; i < 3; i++) await append('x'.repeat(100), i);
      const areAll = async (limit: number, bytesMax = 1_000_000) =>
        given(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, limit, bytesMax)).areAll;
      expect(await areAll(2)).toBe(false);
      expect(await areAll(3)).toBe(true);
      expect(await areAll(4)).toBe(true);
      expect(await areAll(3, 1)).toBe(false);
    });

    it('that were sent before their account was removed are not kept for whoever has its name next', async () => {
      const before = Date.now() * 1000;
      await append('old', before);
      await ask('offline_remove_user', 'localhost', 'juliet');
      expect(await append('on its way', before)).toBe('gone');
      expect(await append('to somebody else', before, { user: 'nurse' })).toBe('stored');
      expect(await append('new', before + 60_000_000)).toBe('stored');
      await ask('offline_remove_domain', 'localhost');
      expect(await append('on its way, too', before, { user: 'nurse' })).toBe('gone');
      expect(await ask('offline_count', 'localhost', 'juliet')).toBe(0);
      expect(await ask('offline_count', 'localhost', 'nurse')).toBe(0);
    });

    it('belong to one session at a time', async () => {
      await append('one', 1);
      expect(texts(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 10))).toEqual(['one']);
      expect(await ask('offline_claim', 'localhost', 'juliet', OTHER, 0, 10)).toEqual({ heldBy: ALICE });
      expect(await ask('offline_release', 'localhost', 'juliet', OTHER)).toBe(false);
      expect(await ask('offline_claim', 'localhost', 'juliet', OTHER, 0, 10)).toEqual({ heldBy: ALICE });
      expect(await ask('offline_release', 'localhost', 'juliet', ALICE)).toBe(true);
      expect(await ask('offline_release', 'localhost', 'juliet', ALICE)).toBe(false);
      expect(texts(await ask('offline_claim', 'localhost', 'juliet', OTHER, 0, 10))).toEqual(['one']);
    });

    it('go with a session that goes on as another', async () => {
      await append('one', 1);
      expect(await ask('offline_pass', 'localhost', 'juliet', ALICE, OTHER)).toBe(false);
      await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 10);
      expect(await ask('offline_pass', 'localhost', 'juliet', ALICE, OTHER)).toBe(true);
      expect(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 10)).toEqual({ heldBy: OTHER });
      expect(texts(await ask('offline_claim', 'localhost', 'juliet', OTHER, 0, 10))).toEqual(['one']);
    });

    it('are free again when all are confirmed, or none was found', async () => {
      expect(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 10)).toEqual({
        messages: [],
        areAll: true,
      });
      await append('one', 1);
      const [one] = given(await ask('offline_claim', 'localhost', 'juliet', OTHER, 0, 10)).messages;
      expect(await ask('offline_confirm', 'localhost', 'juliet', OTHER, [one!.id])).toBe(0);
      await append('two', 2);
      expect(texts(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 10))).toEqual(['two']);
    });

    it('of sessions that died with their shard are free again, and no others', async () => {
      await append('one', 1);
      await append('two', 1, { user: 'nurse' });
      await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 10);
      await ask('offline_claim', 'localhost', 'nurse', ON_SHARD_1, 0, 10);
      expect(await ask('release_shard', 1, 100)).toBe(1);
      expect(await ask('offline_claim', 'localhost', 'juliet', OTHER, 0, 10)).toEqual({ heldBy: ALICE });
      expect(texts(await ask('offline_claim', 'localhost', 'nurse', OTHER, 0, 10))).toEqual(['two']);
      expect(await ask('release_shard', 7, 100)).toBe(0);
      // One that a session of the next shard of that number has claimed already.
      await ask('offline_release', 'localhost', 'nurse', OTHER);
      await ask('offline_claim', 'localhost', 'nurse', [1, 1, 300], 0, 10);
      expect(await ask('release_shard', 1, 200)).toBe(0);
      expect(await ask('offline_claim', 'localhost', 'nurse', OTHER, 0, 10)).toEqual({ heldBy: [1, 1, 300] });
    });

    it('are deleted by a confirmation that comes late, without touching those of others', async () => {
      await append('mine', 1);
      await append('hers', 1, { user: 'nurse' });
      const [mine] = given(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 10)).messages;
      const [hers] = await ask('offline_page', 'localhost', 'nurse', null, 1, 10_000);
      await ask('release_shard', 0, 200);
      expect(await ask('offline_confirm', 'localhost', 'juliet', ALICE, [mine!.id, hers!.id, 999])).toBe(0);
      expect(await ask('offline_count', 'localhost', 'nurse')).toBe(1);
    });

    it('are refused over a number, and over a number of bytes', async () => {
      expect(await append('one', 1, { max: 2 })).toBe('stored');
      expect(await append('two', 2, { max: 2 })).toBe('stored');
      expect(await append('three', 3, { max: 2 })).toBe('full');
      expect(await append('three', 3, { max: 3 })).toBe('stored');
      const bytes = ['one', 'two', 'three'].reduce((sum, text) => sum + message(text, 0).packet.length, 0);
      const four = message('four', 0).packet.length;
      expect(await append('four', 4, { bytesMax: bytes + four - 1 })).toBe('full');
      expect(await append('four', 4, { bytesMax: bytes + four })).toBe('stored');
      expect(await append('five', 5, { max: 0 })).toBe('full');
    });

    it('are counted rightly for the limit, whatever was deleted meanwhile', async () => {
      // After all removals: what was sent before is not kept.
      const later = (Date.now() + 60_000) * 1000;
      for (const [what, remove] of [
        [
          'confirmed',
          async () => {
            const [found] = given(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 1)).messages;
            await ask('offline_confirm', 'localhost', 'juliet', ALICE, [found!.id, found!.id]);
            await ask('offline_release', 'localhost', 'juliet', ALICE);
          },
        ],
        ['expired', () => ask('offline_remove_expired', 'localhost', 100, 1)],
      ] as const) {
        await ask('offline_remove_user', 'localhost', 'juliet');
        await append('one', later + 1, { max: 2, expires: 50 });
        await append('two', later + 2, { max: 2, expires: 60 });
        expect(await append('three', later + 3, { max: 2 }), what).toBe('full');
        await remove();
        expect(await ask('offline_count', 'localhost', 'juliet'), what).toBe(1);
        expect(await append('three', later + 3, { max: 2 }), what).toBe('stored');
        expect(await append('four', later + 4, { max: 2 }), what).toBe('full');
      }
      await ask('offline_remove_domain', 'localhost');
      expect(await append('one', later + 1, { max: 1 })).toBe('stored');
    });

    it('that have expired are not handed out, and are deleted a few at a time', async () => {
      await append('lasting', 1);
      for (let i = 0; i < 5; i++) await append(`until ${i}`, 2 + i, { expires: 100 + i });
      await append('of another domain', 1, { domain: 'other.example', expires: 1 });
      expect(texts(await ask('offline_claim', 'localhost', 'juliet', ALICE, 102, 10))).toEqual([
        'lasting',
        'until 3',
        'until 4',
      ]);
      expect(await ask('offline_remove_expired', 'localhost', 102, 2)).toBe(2);
      expect(await ask('offline_remove_expired', 'localhost', 102, 2)).toBe(1);
      expect(await ask('offline_remove_expired', 'localhost', 102, 2)).toBe(0);
      expect(await ask('offline_count', 'localhost', 'juliet')).toBe(3);
      expect(await ask('offline_count', 'other.example', 'juliet')).toBe(1);
    });

    it('that are old are deleted, of a few users at a time', async () => {
      for (const user of ['ann', 'bea', 'cat'])
        for (const time of [1, 5, 9]) await append(`${user} ${time}`, time, { user });
      await append('elsewhere', 1, { domain: 'other.example' });
      expect(await ask('offline_remove_old', 'localhost', '', 9, 2)).toEqual({ removed: 4, next: 'bea' });
      expect(await ask('offline_remove_old', 'localhost', 'bea', 9, 2)).toEqual({ removed: 2, next: null });
      expect(await ask('offline_remove_old', 'localhost', '', 9, 10)).toEqual({ removed: 0, next: null });
      expect(await ask('offline_count', 'localhost', 'ann')).toBe(1);
      expect(await ask('offline_count', 'other.example', 'juliet')).toBe(1);
    });

    it('go by user and by domain', async () => {
      for (let i = 0; i < 4; i++) await append(`${i}`, i);
      await append('hers', 0, { user: 'nurse' });
      await append('elsewhere', 0, { domain: 'other.example' });
      expect(await ask('offline_remove_user', 'localhost', 'juliet')).toBe(4);
      expect(await ask('offline_remove_domain', 'other.example')).toBe(1);
      expect(await ask('offline_remove_domain', 'localhost')).toBe(1);
      expect(await ask('offline_remove_domain', 'localhost')).toBe(0);
    });
  });

  describe('values of modules', () => {
    it('are set, read, replaced and deleted by module, scope and key', async () => {
      const value = { a: [1, 'ü', null, true, 1.5], bytes: Buffer.from([0, 255]) };
      expect(await ask('value_get', 'mod_x', 'juliet@localhost', 'k')).toBe(null);
      expect(await ask('value_set', 'mod_x', 'juliet@localhost', 'k', value)).toBe(null);
      const got = (await ask('value_get', 'mod_x', 'juliet@localhost', 'k')) as typeof value;
      expect(got.a).toEqual(value.a);
      expect(Buffer.from(got.bytes).equals(value.bytes)).toBe(true);
      expect(await ask('value_get', 'mod_y', 'juliet@localhost', 'k')).toBe(null);
      await ask('value_set', 'mod_x', 'juliet@localhost', 'k', 'new');
      expect(await ask('value_get', 'mod_x', 'juliet@localhost', 'k')).toBe('new');
      expect(await ask('value_delete', 'mod_x', 'juliet@localhost', 'k')).toBe(true);
      expect(await ask('value_delete', 'mod_x', 'juliet@localhost', 'k')).toBe(false);
    });

    it('are listed in the order of their keys, by pages', async () => {
      for (const key of ['b', 'ü', 'a', 'c']) await ask('value_set', 'mod_x', 's', key, key);
      await ask('value_set', 'mod_x', 't', 'd', 'd');
      expect(await ask('value_list', 'mod_x', 's', '', 10)).toEqual([
        ['a', 'a'],
        ['b', 'b'],
        ['c', 'c'],
        ['ü', 'ü'],
      ]);
      expect(await ask('value_list', 'mod_x', 's', 'a', 2)).toEqual([
        ['b', 'b'],
        ['c', 'c'],
      ]);
    });

    it('of a domain and its users go together, and no others', async () => {
      const others = [
        'other.example',
        'romeo@other.example',
        'romeo@sub.s.example',
        'romeo@xs.example',
        'xs.example',
      ];
      const scopes = ['s.example', 'romeo@s.example', 'juliet@s.example', ...others];
      for (const scope of scopes) await ask('value_set', 'mod_x', scope, 'k', scope);
      await ask('value_set', 'mod_y', 'romeo@s.example', 'k', 1);
      expect(await ask('value_remove_domain', 's.example')).toBe(4);
      expect(await ask('value_remove_domain', 's.example')).toBe(0);
      for (const scope of others) expect(await ask('value_get', 'mod_x', scope, 'k')).toBe(scope);
    });

    it('of a scope go together, in all modules', async () => {
      for (const [module, scope] of [
        ['mod_x', 's'],
        ['mod_y', 's'],
        ['mod_y', 'ts'],
        ['mod_x', 'other'],
      ]) {
        await ask('value_set', module!, scope!, 'k', 1);
      }
      expect(await ask('value_remove_scope', 's')).toBe(2);
      expect(await ask('value_get', 'mod_y', 'ts', 'k')).toBe(1);
      expect(await ask('value_get', 'mod_x', 's', 'k')).toBe(null);
    });
  });

  it('answers many requests of one turn in the order they were made', async () => {
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 1_000 }, async (_unused, i) => {
        await append(`${i}`, i);
        order.push(i);
      }),
    );
    expect(order).toEqual(Array.from({ length: 1_000 }, (_unused, i) => i));
    expect(texts(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 1_000))).toEqual(
      order.map(String),
    );
  });

  it('hands out an answer larger than a ring', async () => {
    for (let i = 0; i < 20; i++) await append('x'.repeat(10_000), i);
    expect(texts(await ask('offline_claim', 'localhost', 'juliet', ALICE, 0, 100))).toHaveLength(20);
  });

  it('keeps privacy lists, one user’s apart from another’s', async () => {
    const strict = { name: 'strict', items: [['n', '', 'd', 1, 0]] } as const;
    const none = { names: [], default: null };
    expect(await ask('privacy_names', 'localhost', 'juliet')).toEqual(none);
    expect(await ask('privacy_list', 'localhost', 'juliet', null)).toBe(null);
    const nothing = { list: 'strict', blocked: [], unblocked: [] };
    expect(await ask('privacy_set', 'localhost', 'juliet', strict, 2)).toEqual(nothing);
    expect(await ask('privacy_list', 'localhost', 'juliet', 'strict')).toEqual(strict);
    expect(await ask('privacy_list', 'localhost', 'romeo', 'strict')).toBe(null);
    await ask('privacy_set', 'localhost', 'juliet', { ...strict, name: 'a' }, 2);
    expect(await ask('privacy_set', 'localhost', 'juliet', { ...strict, name: 'b' }, 2)).toBe('too_many');
    expect(await ask('privacy_set', 'localhost', 'juliet', strict, 2)).toEqual(nothing);
    expect(await ask('privacy_set_default', 'localhost', 'juliet', 'none')).toBe(null);
    await ask('privacy_set_default', 'localhost', 'juliet', 'a');
    expect(await ask('privacy_names', 'localhost', 'juliet')).toEqual({
      names: ['a', 'strict'],
      default: 'a',
    });
    expect(await ask('privacy_list', 'localhost', 'juliet', null)).toMatchObject({ name: 'a' });
    expect(await ask('privacy_remove', 'localhost', 'juliet', 'none')).toBe(null);
    await ask('privacy_remove', 'localhost', 'juliet', 'a');
    expect(await ask('privacy_names', 'localhost', 'juliet')).toEqual({ names: ['strict'], default: null });
    expect(await ask('privacy_remove_user', 'localhost', 'juliet')).toBe(1);
    expect(await ask('privacy_names', 'localhost', 'juliet')).toEqual(none);
  });

  it('blocks and unblocks, and tells what that has changed', async () => {
    const block = (...jids: string[]) => ask('privacy_block', 'localhost', 'juliet', jids, 4, 2);
    const unblock = (...jids: string[]) =>
      ask('privacy_unblock', 'localhost', 'juliet', jids.length === 0 ? null : jids);
    const orders = async (): Promise<unknown> =>
      (await ask('privacy_list', 'localhost', 'juliet', null))?.items.map(([, value, action, order]) => [
        value,
        action,
        order,
      ]);
    expect(await unblock()).toBe(null);
    expect(await block('a@x', 'b@x', 'a@x')).toEqual({
      list: 'blocking',
      blocked: ['a@x', 'b@x'],
      unblocked: [],
    });
    const first = 2 ** 31;
    expect(await orders()).toEqual([
      ['a@x', 'b', first - 2],
      ['b@x', 'b', first - 1],
    ]);
    expect(await block('c@x', 'a@x')).toEqual({ list: 'blocking', blocked: ['c@x'], unblocked: [] });
    expect(await block('d@x', 'e@x')).toBe('too_many');
    expect(await unblock('a@x', 'z@x')).toEqual({ list: 'blocking', blocked: [], unblocked: ['a@x'] });
    // A list that begins with 0 has no room before it.
    const own = {
      name: 'own',
      items: [
        ['j', 'o@x', 'd', 0, 0],
        ['s', 'none', 'd', 7, 1],
      ],
    } as const;
    await ask('privacy_set', 'localhost', 'juliet', own, 2);
    expect(await ask('privacy_set_default', 'localhost', 'juliet', 'own')).toEqual({
      list: 'own',
      blocked: ['o@x'],
      unblocked: ['c@x', 'b@x'],
    });
    await block('p@x');
    expect(await orders()).toEqual([
      ['p@x', 'b', first - 1],
      ['o@x', 'd', first],
      ['none', 'd', first + 1],
    ]);
    // Whom the command has blocked stays so marked when the list is set anew.
    const again = {
      name: 'own',
      items: [
        ['j', 'p@x', 'd', 5, 0],
        ['j', 'q@x', 'd', 6, 0],
      ],
    } as const;
    await ask('privacy_set', 'localhost', 'juliet', again, 2);
    expect(await orders()).toEqual([
      ['p@x', 'b', 5],
      ['q@x', 'd', 6],
    ]);
    expect(await unblock()).toEqual({ list: 'own', blocked: [], unblocked: ['p@x', 'q@x'] });
    expect(await ask('privacy_list', 'localhost', 'juliet', null)).toEqual({ name: 'own', items: [] });
    await ask('privacy_set_default', 'localhost', 'juliet', 'blocking');
    await unblock();
    expect((await ask('privacy_export', 'localhost', 'juliet')).lists.map(({ name }) => name)).toEqual([
      'own',
    ]);
    expect(await ask('privacy_remove_domain', 'localhost')).toBe(1);
  });

  it('keeps a list of users who are locked out', async () => {
    expect(await ask('blocklist_get', 'localhost', 'juliet')).toBe(null);
    await ask('blocklist_set', 'localhost', 'juliet', 'one');
    await ask('blocklist_set', 'localhost', 'juliet', 'two');
    await ask('blocklist_set', 'localhost', 'iago', '');
    await ask('blocklist_set', 'elsewhere', 'juliet', '');
    expect(await ask('blocklist_get', 'localhost', 'juliet')).toBe('two');
    expect(await ask('blocklist_get', 'localhost', 'iago')).toBe('');
    expect(await ask('blocklist_count', 'localhost')).toBe(2);
    expect(await ask('blocklist_list', 'localhost', 1, 5)).toEqual([{ username: 'juliet', reason: 'two' }]);
    expect(await ask('blocklist_list', 'localhost', 0, 1)).toEqual([{ username: 'iago', reason: '' }]);
    expect(await ask('blocklist_remove', 'localhost', 'juliet')).toBe(true);
    expect(await ask('blocklist_remove', 'localhost', 'juliet')).toBe(false);
    expect(await ask('blocklist_remove_domain', 'localhost')).toBe(1);
    expect(await ask('blocklist_count', 'elsewhere')).toBe(1);
  });
});
