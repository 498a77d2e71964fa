import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { StoreArgs, StoreDriver, StoreOperation, StoreResult } from '../../src/store/operations.ts';
import { PartitionedStore } from '../../src/store/partitions/partitioned-store.ts';
import { SqliteDriver } from '../../src/store/sqlite/driver.ts';
import type { Store } from '../../src/store/store.ts';
import { LoopbackStore } from '../helpers/loopback-store.ts';
import { MemoryDriver } from '../helpers/memory-driver.ts';

/** The stores that contracts are held against. */
export const DRIVERS: [string, (directory: string) => StoreDriver][] = [
  ['SQLite', (directory) => new SqliteDriver(directory, 'normal')],
  ['memory', () => new MemoryDriver()],
];

export type Ask = <O extends StoreOperation>(operation: O, ...args: StoreArgs<O>) => Promise<StoreResult<O>>;

/** Stores of which each has a part of the archive. */
export const PARTITIONED: [string, (directory: string) => StoreDriver, number][] = [
  ['SQLite, 3 partitions', (directory) => new SqliteDriver(directory, 'normal'), 3],
  ['memory, 2 partitions', () => new MemoryDriver(), 2],
];

/** A fresh store for each test, asked as a shard asks: through frames. */
export function useStore(open: (directory: string) => StoreDriver, partitions = 1): Ask {
  let directory: string;
  let drivers: StoreDriver[];
  let store: Store;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mk-'));
    drivers = Array.from({ length: partitions }, (_unused, i) => open(join(directory, String(i))));
    const remotes = drivers.map((driver) => new LoopbackStore(driver).remote);
    store = partitions === 1 ? remotes[0]! : new PartitionedStore(remotes, [partitions]);
  });

  afterEach(() => {
    for (const driver of drivers) driver.close();
    rmSync(directory, { recursive: true, force: true });
  });

  return (operation, ...args) => store.request(operation, ...args);
}
