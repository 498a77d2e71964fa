import { StoreUnavailableError } from '../../src/store/failure.ts';
import type { KeptWrite } from '../../src/store/kept-write.ts';
import { KeptWrites } from '../../src/store/kept-writes.ts';
import type { BatchedWrite } from '../../src/store/operations/writes.ts';
import type { StoreArgs, StoreOperation, StoreResult } from '../../src/store/operations.ts';
import type { Store } from '../../src/store/store.ts';

/** A shard's way to a store, with writes kept as in a server, and a store behind it that a test lets succeed or fail. */
export class KeptStore implements Store {
  /** Lists that were asked to be written, by operation, done or not. */
  readonly asked: { readonly operation: string; readonly list: readonly unknown[] }[] = [];
  /** What is in the lists that were written, in order. */
  readonly stored: unknown[] = [];
  readonly isBusy = false;
  isDown = false;
  /** Answers nothing. */
  isSilent = false;
  /** Whether something can never be written. */
  isImpossible: (entry: unknown) => boolean = () => false;
  readonly kept = new KeptWrites(
    (_id, writes) => this.#all(writes),
    () => 0,
    [0, 1],
  );

  request(): Promise<never> {
    return Promise.reject(new StoreUnavailableError('only writes'));
  }

  write<O extends StoreOperation>(
    operation: O,
    args: StoreArgs<O>,
    more: KeptWrite,
  ): Promise<StoreResult<O> | undefined> | undefined {
    return this.kept.add([operation, args], more) as Promise<StoreResult<O> | undefined> | undefined;
  }

  keptFor(): KeptWrites {
    return this.kept;
  }

  async #all(writes: readonly BatchedWrite[]): Promise<readonly unknown[]> {
    const lists = writes.map(([, args]) => args[0] as readonly unknown[]);
    for (const [i, list] of lists.entries()) this.asked.push({ operation: writes[i]![0], list });
    if (this.isSilent) await new Promise(() => {});
    if (this.isDown) throw new StoreUnavailableError('no', 'undone');
    const all = lists.flat();
    if (all.some((entry) => this.isImpossible(entry))) throw new StoreUnavailableError('never', 'fault');
    this.stored.push(...all);
    return lists;
  }
}
