import { decodeValue, encodeValue } from '../../frame/value.ts';
import { KEPT_BATCHES_MAX } from '../../limits.ts';
import type { WriteOperations } from '../operations/writes.ts';
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
  readonly #run: (operation: string, args: readonly unknown[]) => unknown;
  readonly #last;
  readonly #note;
  readonly #probe;
  readonly #atomically;

  /** `run`: runs one operation. */
  constructor(db: Sqlite, run: (operation: string, args: readonly unknown[]) => unknown) {
    this.#run = run;
    this.#last = db.prepare<[number, number], Row>(
      'SELECT since, number, results FROM write_batch WHERE shard = ? AND place = ?',
    );
    this.#note = db.prepare<[number, number, number, number, Uint8Array]>(
      'INSERT OR REPLACE INTO write_batch (shard, place, since, number, results) VALUES (?, ?, ?, ?, ?)',
    );
    this.#probe = db.prepare('UPDATE write_batch SET number = number + 1 WHERE shard = -1');
    // Inside of the transaction that the requests of all shards share: what fails here must leave nothing of the batch in it.
    this.#atomically = db.transaction((work: () => unknown[]) => work());
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

  all(...[[shard, since, number], writes]: StoreArgs<'write_all'>): unknown[] {
    const place = number % KEPT_BATCHES_MAX;
    const last = this.#last.get(shard, place);
    if (last?.since === since && last.number === number) return decodeValue(last.results) as unknown[];
    return this.#atomically(() => {
      const results = writes.map(([operation, args]) => this.#run(operation, args));
      this.#note.run(shard, place, since, number, encodeValue(results));
      return results;
    });
  }
}
