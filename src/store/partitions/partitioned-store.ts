import { StoreUnavailableError } from '../failure.ts';
import type { KeptState } from '../kept-state.ts';
import type { KeptWrite } from '../kept-write.ts';
import type { ArchiveRecord } from '../operations/archive.ts';
import type { StoreArgs, StoreOperation, StoreResult } from '../operations.ts';
import type { Store } from '../store.ts';
import { keepAppending } from './appends.ts';
import { KeptAll } from './kept-all.ts';
import { allWritten, type Part, Parts } from './parts.ts';
import { archiveRules } from './rules.ts';

type Rule = (...args: readonly unknown[]) => Promise<unknown>;

/** Operations that change something in all partitions, each by itself. */
const IN_ALL: ReadonlySet<StoreOperation> = new Set<StoreOperation>([
  'archive_replace',
  'archive_remove_user',
]);
/** Others that may be asked for with {@link PartitionedStore.write}: those in the first partition alone. */
const IN_FIRST: ReadonlySet<StoreOperation> = new Set<StoreOperation>(['archive_set_prefs']);

/**
 * A store whose archive is in several partitions, each with a thread and a file of its own. What is asked of archives goes where it is to be found (`rules.ts`); everything else
 * goes to the first partition.
 */
export class PartitionedStore implements Store {
  readonly #parts: Parts;
  readonly #rules: ReadonlyMap<string, Rule>;
  readonly #kept: KeptAll;

  /** `layouts`: numbers of partitions among which conversations were distributed; the last one counts for what is written. */
  constructor(all: readonly Part[], layouts: readonly number[]) {
    this.#parts = new Parts(all, layouts);
    this.#kept = new KeptAll(all.map(({ kept }) => kept));
    this.#rules = new Map<string, Rule>(Object.entries(archiveRules(this.#parts)) as [string, Rule][]);
  }

  get isBusy(): boolean {
    return this.#parts.all.some((part) => part.isBusy);
  }

  request<O extends StoreOperation>(operation: O, ...args: StoreArgs<O>): Promise<StoreResult<O>> {
    const rule = this.#rules.get(operation);
    if (rule !== undefined) return rule(...args) as Promise<StoreResult<O>>;
    if (operation === 'ping') return this.#parts.ask('ping').then(() => null) as Promise<StoreResult<O>>;
    return this.#parts.first.request(operation, ...args);
  }

  /** Archived messages may be kept for any partition. */
  keptFor(operation: StoreOperation): KeptState {
    const isOfFirst = !this.#rules.has(operation) || IN_FIRST.has(operation);
    return isOfFirst ? this.#parts.first.kept : this.#kept;
  }

  write<O extends StoreOperation>(
    operation: O,
    args: StoreArgs<O>,
    kept: KeptWrite,
  ): Promise<StoreResult<O> | undefined> | undefined {
    if (operation === 'archive_append') {
      const [records] = args as readonly [readonly ArchiveRecord[]];
      return keepAppending(this.#parts, records, kept) as Promise<StoreResult<O> | undefined> | undefined;
    }
    if (!this.#rules.has(operation) || IN_FIRST.has(operation))
      return this.#parts.first.write(operation, args, kept);
    if (!IN_ALL.has(operation))
      return Promise.reject(new StoreUnavailableError(`${operation} cannot be kept`, 'fault'));
    const isFull = this.#parts.all.some((part) => !part.kept.hasRoom(kept.bytes));
    if (isFull && kept.isLetIn !== true) return undefined;
    const done = this.#parts.all.map((part) => part.write(operation, args, kept)!);
    return allWritten(done).then((results) => (results.find((one) => one === true) ?? results[0]) as never);
  }
}
