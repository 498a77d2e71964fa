import type { StoreDriver } from '../operations.ts';
import { ArchiveDriver } from './archive-driver.ts';
import type { Durability } from './database.ts';
import { SqliteDriver } from './driver.ts';

/** What a store thread owns: the database (partition 0), or another partition of the archive. */
export function openDriver(directory: string, durability: Durability, partition: number): StoreDriver {
  return partition === 0
    ? new SqliteDriver(directory, durability)
    : new ArchiveDriver(directory, partition, durability);
}
