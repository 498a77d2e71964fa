import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  FastToken,
  StoreArgs,
  StoreDriver,
  StoreOperation,
  StoreResult,
} from '../../src/store/operations.ts';
import { SqliteDriver } from '../../src/store/sqlite/driver.ts';
import { LoopbackStore } from '../helpers/loopback-store.ts';
import { MemoryDriver } from '../helpers/memory-driver.ts';

/** What every store does with the tokens of clients. */

const DRIVERS: [string, (directory: string) => StoreDriver][] = [
  ['SQLite', (directory) => new SqliteDriver(directory, 'normal')],
  ['memory', () => new MemoryDriver()],
];

const ROMEO = ['localhost', 'romeo'] as const;
const PHONE = [...ROMEO, 'phone'] as const;

function token(text: string, expires = 1_000): FastToken {
  return { token: text, mechanism: 'HT-SHA-256-NONE', method: 'internal', expires };
}

describe.each(DRIVERS)('tokens in a store (%s)', (_name, open) => {
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

  function issue(
    agent: string,
    text: string,
    expires = 1_000,
    startedAt = 1,
    agentsMax = 10,
  ): Promise<boolean> {
    return ask('fast_token_issue', ...ROMEO, agent, token(text, expires), startedAt, 10, agentsMax);
  }

  function use(text: string, count: number | null = null, isLast = false): Promise<boolean> {
    return ask('fast_token_use', ...PHONE, text, count, isLast);
  }

  async function places(agent = 'phone'): Promise<[string | undefined, string | undefined]> {
    const { current, fresh } = await ask('fast_token_get', ...ROMEO, agent);
    return [current?.token, fresh?.token];
  }

  it('a client has none at first', async () => {
    expect(await ask('fast_token_get', ...PHONE)).toEqual({ current: null, fresh: null });
    expect(await use('none')).toBe(false);
  });

  it('a new one waits in its place until it is used, and then takes the place of the one in use', async () => {
    expect(await issue('phone', 'a')).toBe(true);
    expect(await ask('fast_token_get', ...PHONE)).toEqual({ current: null, fresh: token('a') });
    expect(await use('a')).toBe(true);
    expect(await places()).toEqual(['a', undefined]);
    await issue('phone', 'b');
    expect(await places()).toEqual(['a', 'b']);
    expect(await use('a')).toBe(true);
    expect(await places()).toEqual(['a', 'b']);
    await issue('phone', 'c');
    expect(await places()).toEqual(['a', 'c']);
    expect(await use('b')).toBe(false);
    expect(await use('c')).toBe(true);
    expect(await places()).toEqual(['c', undefined]);
    expect(await use('a')).toBe(false);
  });

  it('counts must rise, in either place; logins without leave them alone', async () => {
    await issue('phone', 'a');
    expect(await use('a', 0)).toBe(true);
    expect(await use('a', 0)).toBe(false);
    expect(await use('a', 5)).toBe(true);
    expect(await use('a', 4)).toBe(false);
    expect(await use('a')).toBe(true);
    expect(await use('a', 5)).toBe(false);
    expect(await use('a', 6)).toBe(true);
    await issue('phone', 'b');
    expect(await use('b', 1)).toBe(true);
    expect(await use('b', 1)).toBe(false);
  });

  it('of two logins with the same count at the same time one succeeds', async () => {
    await issue('phone', 'a');
    const results = await Promise.all([use('a', 3), use('a', 3), use('a', 3)]);
    expect(results.filter(Boolean)).toHaveLength(1);
  });

  it('the last use empties both places', async () => {
    await issue('phone', 'a');
    await use('a');
    await issue('phone', 'b');
    expect(await use('a', null, true)).toBe(true);
    expect(await places()).toEqual([undefined, undefined]);
  });

  it('revoking ends those of a client or of all, and keeps earlier logins from getting new ones', async () => {
    await issue('phone', 'a');
    await issue('tablet', 'b');
    expect(await ask('fast_token_revoke', ...PHONE, 50)).toBe(1);
    expect(await places()).toEqual([undefined, undefined]);
    expect(await places('tablet')).toEqual([undefined, 'b']);
    expect(await issue('phone', 'c', 1_000, 50)).toBe(false);
    expect(await issue('phone', 'c', 1_000, 51)).toBe(true);
    expect(await ask('fast_token_revoke', ...ROMEO, null, 60)).toBe(2);
    expect(await places('tablet')).toEqual([undefined, undefined]);
  });

  it('an account has tokens for so many clients; those that end first go, the newest never', async () => {
    for (const [i, agent] of ['one', 'two', 'three'].entries()) await issue(agent, agent, 1_000 - i);
    expect(await issue('phone', 'a', 500, 1, 3)).toBe(true);
    const agents = (await ask('fast_token_list', ...ROMEO)).map(({ agent }) => agent);
    expect(agents.toSorted()).toEqual(['one', 'phone', 'three', 'two']);
    expect(await issue('laptop', 'b', 2_000, 1, 3)).toBe(true);
    const left = (await ask('fast_token_list', ...ROMEO)).map(({ agent }) => agent);
    expect(left.toSorted()).toEqual(['laptop', 'one', 'two']);
  });

  it('expired ones go when another is issued, and by and by', async () => {
    await issue('tablet', 'old', 10);
    await issue('phone', 'a', 100);
    expect(await places('tablet')).toEqual([undefined, undefined]);
    await issue('tablet', 'b', 200);
    expect(await ask('fast_token_remove_expired', 'localhost', 150, 0, 10)).toBe(1);
    expect(await ask('fast_token_list', ...ROMEO)).toEqual([
      { agent: 'tablet', mechanism: 'HT-SHA-256-NONE', expires: 200 },
    ]);
    expect(await ask('fast_token_remove_expired', 'localhost', 150, 0, 10)).toBe(0);
  });

  it('a revocation is forgotten when no login can be older', async () => {
    await ask('fast_token_revoke', ...ROMEO, null, 50);
    await ask('fast_token_remove_expired', 'localhost', 0, 50, 10);
    expect(await issue('phone', 'a', 1_000, 40)).toBe(false);
    await ask('fast_token_remove_expired', 'localhost', 0, 51, 10);
    expect(await issue('phone', 'a', 1_000, 40)).toBe(true);
  });

  it('a domain takes its tokens along, and no others', async () => {
    await issue('phone', 'a');
    const elsewhere = ['montague.example', 'romeo', 'phone', token('m'), 1, 1, 10] as const;
    await ask('fast_token_issue', ...elsewhere);
    expect(await ask('fast_token_remove_domain', 'localhost')).toBe(1);
    expect(await places()).toEqual([undefined, undefined]);
    expect((await ask('fast_token_get', 'montague.example', 'romeo', 'phone')).fresh).toEqual(token('m'));
  });
});
