import { decodeValue, encodeValue } from '../../frame/value.ts';
import { KEPT_BATCHES_REMEMBERED } from '../../limits.ts';
import { OutOfOrderError } from '../failure.ts';
import type { BatchedWrite, WriteBatchId, WriteOperations } from '../operations/writes.ts';
import type { StoreArgs } from '../operations.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

interface Row {
  since: number;
  number: number;
  results: Buffer;
}

/** Batches of writes that shards keep until they are written (`store/kept-writes.ts`). */
export class WriteBatches {
  readonly #db: Sqlite;
  readonly #run: (operation: string, args: readonly unknown[]) => unknown;
  /** The last batch of each shard. Of a shard that is not in here, nothing is known. */
  readonly #last = new Map<number, readonly [since: number, number: number]>();
  readonly #find;
  readonly #note;
  readonly #probe;
  readonly #apart;

  /** `run`: runs one operation. */
  constructor(db: Sqlite, run: (operation: string, args: readonly unknown[]) => unknown) {
    this.#db = db;
    this.#run = run;
    this.#find = db.prepare<[number, number], Row>(
      'SELECT since, number, results FROM write_batch WHERE shard = ? AND place = ?',
    );
    this.#note = db.prepare<[number, number, number, number, Uint8Array]>(
      'INSERT OR REPLACE INTO write_batch (shard, place, since, number, results) VALUES (?, ?, ?, ?, ?)',
    );
    this.#probe = db.prepare('UPDATE write_batch SET number = number + 1 WHERE shard = -1');
    // Inside of the transaction that the requests of all shards share.
    this.#apart = db.transaction((work: () => unknown[]) => work());
  }

  /** What the store offers of this. */
  operations(): OperationTable<WriteOperations> {
    return {
      write_all: (...args) => this.all(...args),
      write_probe: () => {
        this.#probe.run();
        return null;
      },
    };
  }

  all(...[id, writes, isSuspect]: StoreArgs<'write_all'>): unknown[] {
    const [shard, since, number] = id;
    const last = this.#last.get(shard);
    if (last?.[0] !== since || last[1] !== number - 1) {
      const done = this.#batch(shard, since, number);
      if (done !== undefined) return decodeValue(done.results) as unknown[];
      if (number > 1 && this.#batch(shard, since, number - 1) === undefined) {
        throw new OutOfOrderError(`batch ${number} of shard ${shard} came before ${number - 1}`);
      }
    }
    const results = isSuspect
      ? this.#apart(() => this.#all(id, writes))
      : this.#orRollBack(() => this.#all(id, writes));
    this.#last.set(shard, [since, number]);
    return results;
  }

  /** A transaction was undone, or may have been. */
  forget(): void {
    this.#last.clear();
  }

  /** A batch, if it was done. */
  #batch(shard: number, since: number, number: number): Row | undefined {
    const row = this.#find.get(shard, number % KEPT_BATCHES_REMEMBERED);
    return row?.since === since && row.number === number ? row : undefined;
  }

  #all([shard, since, number]: WriteBatchId, writes: readonly BatchedWrite[]): unknown[] {
    const results = writes.map(([operation, args]) => this.#run(operation, args));
    this.#note.run(shard, number % KEPT_BATCHES_REMEMBERED, since, number, encodeValue(results));
    return results;
  }

  /** What fails leaves nothing of the batch. A savepoint would copy each page before it is changed, in case. */
  #orRollBack(work: () => unknown[]): unknown[] {
    try {
      return work();
    } catch (cause) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw cause;
    }
  }
}
