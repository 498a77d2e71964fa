import { KeptWrites } from '../../../../src/store/kept-writes.ts';
import type {
  ArchiveRecord,
  StoreArgs,
  StoreDriver,
  StoreOperation,
  StoreResult,
} from '../../../../src/store/operations.ts';
import { PartitionedStore } from '../../../../src/store/partitions/partitioned-store.ts';
import type { Part } from '../../../../src/store/partitions/parts.ts';
import { MemoryDriver } from '../../../helpers/memory-driver.ts';

/** Nothing is kept in it. */
export function unusedKept(): KeptWrites {
  return new KeptWrites(
    () => Promise.reject(new Error('nothing is kept')),
    () => 0,
    [0, 1],
  );
}

/** Asks a driver as a shard does, as soon as this turn is over. */
export function partOf(driver: StoreDriver): Part {
  return {
    isBusy: false,
    kept: unusedKept(),
    keptFor: unusedKept,
    request: async (operation, ...args) => driver.run(operation, args),
    write: async (operation, args) => driver.run(operation, args),
  };
}

export interface Partitions {
  readonly drivers: readonly StoreDriver[];
  readonly store: PartitionedStore;
  ask<O extends StoreOperation>(operation: O, ...args: StoreArgs<O>): Promise<StoreResult<O>>;
}

/** Partitions of which each forgets everything with the process; `layouts` as in {@link PartitionedStore}. */
export function partitions(
  layouts: readonly number[],
  drivers: readonly StoreDriver[] = Array.from({ length: Math.max(...layouts) }, () => new MemoryDriver()),
): Partitions {
  const store = new PartitionedStore(drivers.map(partOf), layouts);
  return { drivers, store, ask: (operation, ...args) => store.request(operation, ...args) };
}

export function record(micros: number, from: string, to: string, fields: Partial<ArchiveRecord> = {}) {
  return {
    micros,
    shard: 0,
    sides: 3,
    from,
    to,
    packet: Buffer.from(`<message><body>number ${micros}</body></message>`),
    originId: null,
    isGroupchat: false,
    ...fields,
  };
}
