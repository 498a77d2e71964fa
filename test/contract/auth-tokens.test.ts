import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoreArgs, StoreDriver, StoreOperation, StoreResult } from '../../src/store/operations.ts';
import { SqliteDriver } from '../../src/store/sqlite/driver.ts';
import { LoopbackStore } from '../helpers/loopback-store.ts';
import { MemoryDriver } from '../helpers/memory-driver.ts';

/** What every store keeps of the tokens of X-OAUTH. */

const DRIVERS: [string, (directory: string) => StoreDriver][] = [
  ['SQLite', (directory) => new SqliteDriver(directory, 'normal')],
  ['memory', () => new MemoryDriver()],
];

const ROMEO = ['localhost', 'romeo'] as const;

describe.each(DRIVERS)('the state of tokens in a store (%s)', (_name, open) => {
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

  it('begins with the first request, and stays', async () => {
    expect(await ask('auth_token_get', ...ROMEO)).toBeNull();
    expect(await ask('auth_token_ensure', ...ROMEO, 100)).toEqual({ sequence: 100, since: 100 });
    expect(await ask('auth_token_ensure', ...ROMEO, 200)).toEqual({ sequence: 100, since: 100 });
    expect(await ask('auth_token_get', ...ROMEO)).toEqual({ sequence: 100, since: 100 });
  });

  it('a revocation ends all so far, those of its own second too', async () => {
    expect(await ask('auth_token_revoke', ...ROMEO, 100)).toBe(false);
    await ask('auth_token_ensure', ...ROMEO, 100);
    expect(await ask('auth_token_revoke', ...ROMEO, 150)).toBe(true);
    expect(await ask('auth_token_get', ...ROMEO)).toEqual({ sequence: 101, since: 151 });
  });

  it('goes with the account and with the domain', async () => {
    await ask('auth_token_ensure', ...ROMEO, 100);
    await ask('auth_token_ensure', 'montague.example', 'romeo', 100);
    expect(await ask('auth_token_remove', ...ROMEO)).toBe(true);
    expect(await ask('auth_token_remove', ...ROMEO)).toBe(false);
    await ask('auth_token_ensure', ...ROMEO, 200);
    expect(await ask('auth_token_remove_domain', 'localhost')).toBe(1);
    expect(await ask('auth_token_get', ...ROMEO)).toBeNull();
    expect(await ask('auth_token_get', 'montague.example', 'romeo')).not.toBeNull();
  });
});
