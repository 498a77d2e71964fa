import { StoreUnavailableError } from '../failure.ts';
import type { KeptState } from '../kept-state.ts';
import type { KeptWrites } from '../kept-writes.ts';
import type { StoreArgs, StoreOperation, StoreResult } from '../operations.ts';
import type { Store } from '../store.ts';
import { partitionOf } from './pair.ts';

/** A partition as a shard asks it. */
export interface Part extends Store {
  readonly kept: KeptState & Pick<KeptWrites, 'hasRoom' | 'add'>;
}

/** The partitions of the archive. The first one has everything else, too. */
export class Parts {
  readonly all: readonly Part[];
  /** Numbers of partitions among which conversations were distributed, at present (the last one) and earlier. */
  readonly #layouts: readonly number[];

  constructor(all: readonly Part[], layouts: readonly number[]) {
    this.all = all;
    this.#layouts = layouts;
  }

  get first(): Part {
    return this.all[0]!;
  }

  /** Where a conversation of two bare JIDs is written now. */
  placeOf(a: string, b: string): number {
    return partitionOf(a, b, this.#layouts.at(-1)!);
  }

  /** Where its messages may be. Nearly always one. */
  homeOf(a: string, b: string): readonly Part[] {
    if (this.#layouts.length === 1) return [this.all[this.placeOf(a, b)]!];
    return [...new Set(this.#layouts.map((count) => this.all[partitionOf(a, b, count)]!))];
  }

  /** Asks all of them the same. */
  ask<O extends StoreOperation>(operation: O, ...args: StoreArgs<O>): Promise<StoreResult<O>[]> {
    return askAll(this.all, operation, ...args);
  }
}

/** Asks several partitions the same. Rejects if one of them does not do it. */
export function askAll<O extends StoreOperation>(
  parts: readonly Part[],
  operation: O,
  ...args: StoreArgs<O>
): Promise<StoreResult<O>[]> {
  return Promise.all(parts.map((part) => part.request(operation, ...args)));
}

/**
 * Waits for what several partitions were asked to write. Rejects when all have answered and one has not done it: with `undone` and `fault` only if none of them has done
 * anything.
 */
export async function allWritten<T>(writes: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(writes);
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  const cause: unknown = failed[0]?.reason;
  if (failed.length === 0) return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<T>).value);
  if (!(cause instanceof StoreUnavailableError)) throw cause;
  const isSame =
    failed.length === writes.length &&
    failed.every(({ reason }) => (reason as StoreUnavailableError).failure === cause.failure);
  throw isSame ? cause : new StoreUnavailableError(cause.message, 'unsure');
}
