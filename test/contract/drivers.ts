import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { StoreArgs, StoreDriver, StoreOperation, StoreResult } from '../../src/store/operations.ts';
import { SqliteDriver } from '../../src/store/sqlite/driver.ts';
import { LoopbackStore } from '../helpers/loopback-store.ts';
import { MemoryDriver } from '../helpers/memory-driver.ts';

/** The stores that contracts are held against. */
export const DRIVERS: [string, (directory: string) => StoreDriver][] = [
  ['SQLite', (directory) => new SqliteDriver(directory, 'normal')],
  ['memory', () => new MemoryDriver()],
];

export type Ask = <O extends StoreOperation>(operation: O, ...args: StoreArgs<O>) => Promise<StoreResult<O>>;

/** A fresh store for each test, asked as a shard asks: through frames. */
export function useStore(open: (directory: string) => StoreDriver): Ask {
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

  return (operation, ...args) => store.remote.request(operation, ...args);
}
