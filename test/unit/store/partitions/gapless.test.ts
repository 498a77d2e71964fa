import { describe, expect, it } from 'vitest';
import type { KeptWrites } from '../../../../src/store/kept-writes.ts';
import type { ArchiveRecord, StoreDriver } from '../../../../src/store/operations.ts';
import { partitionOf } from '../../../../src/store/partitions/pair.ts';
import { PartitionedStore } from '../../../../src/store/partitions/partitioned-store.ts';
import type { Part } from '../../../../src/store/partitions/parts.ts';
import { Dice } from '../../../fuzz/dice.ts';
import { MemoryDriver } from '../../../helpers/memory-driver.ts';
import { record, unusedKept } from './support.ts';

/**
 * A client that reads an archive page by page while messages are written to it, to partitions of which now the one is slower, now the other. Whatever it has seen, it never asks for
 * what came before that again: so nothing may come there later.
 */

let numbers = 0;

/**
 * A partition that does what it is asked when it is told to, and first what has the lowest number of all that it can see (as `memory/ring-merge.ts` has it): what another shard has
 * numbered and not published yet, it cannot.
 */
class SlowPart implements Part {
  readonly isBusy = false;
  readonly kept = unusedKept();
  readonly keptFor = (): KeptWrites => this.kept;
  readonly #driver: StoreDriver = new MemoryDriver();
  readonly #queue: { readonly number: number; run(): void }[] = [];

  get waiting(): number {
    return this.#queue.length;
  }

  step(): void {
    this.#queue.shift()?.run();
  }

  request: Part['request'] = (operation, ...args) => {
    const { promise, resolve } = Promise.withResolvers<never>();
    this.publish(++numbers, () => resolve(this.#driver.run(operation, args) as never));
    return promise;
  };

  append(number: number, one: ArchiveRecord): void {
    this.publish(number, () => this.#driver.run('archive_append', [[one]]));
  }

  publish(number: number, run: () => void): void {
    this.#queue.push({ number, run });
    this.#queue.sort((a, b) => a.number - b.number);
  }

  write: Part['write'] = (operation, args) => this.request(operation, ...args);
}

const OWNER = 'juliet@localhost';

async function readWhileWriting(seed: number, isBackwards: boolean): Promise<void> {
  const dice = new Dice(seed);
  const count = 2 + dice.below(3);
  const parts = Array.from({ length: count }, () => new SlowPart());
  const store = new PartitionedStore(parts, [count]);
  const start = Date.now() * 1_000;
  const written: bigint[] = [];
  const seen: bigint[] = [];
  /** What the writing shard has written and not published yet. */
  let turn: (() => void)[] = [];
  let isOver = false;
  let isRead = false;

  const write = (): void => {
    const micros = start + written.length;
    const sender = `user${dice.below(12)}@localhost`;
    written.push(BigInt(micros) * 256n);
    const part = parts[partitionOf(sender, OWNER, count)]!;
    const number = ++numbers;
    turn.push(() => part.append(number, record(micros, sender, OWNER)));
  };
  const read = async (): Promise<void> => {
    for (let wasOver = false; ; wasOver = isOver) {
      const { messages } = await store.request('archive_page', {
        owner: OWNER,
        ...(isBackwards ? { fromId: (seen.at(-1) ?? 0n) + 1n } : { pageAfter: seen.at(-1) }),
        includeGroupchat: true,
        isBackward: isBackwards,
        isCounted: dice.once(2),
        // Whoever reads from the end reads all that is new.
        limit: isBackwards ? 10_000 : 1 + dice.below(9),
      });
      seen.push(...messages.map(({ id }) => id));
      if (wasOver && messages.length === 0) break;
    }
    isRead = true;
  };

  const reading = read();
  while (!isRead) {
    if (written.length < 200 && dice.once(3)) write();
    if (dice.once(4) || written.length === 200) {
      for (const publish of turn) publish();
      turn = [];
    }
    // One of them is ahead for a while.
    const ahead = dice.pick(parts);
    for (let i = dice.below(6); i > 0; i--) (dice.once(4) ? dice.pick(parts) : ahead).step();
    for (let i = 0; i < 12; i++) await Promise.resolve();
    isOver = written.length === 200 && turn.length === 0;
  }
  await reading;
  expect(seen).toEqual(written);
}

describe('pages of an archive in several partitions, read while messages are written', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('leave nothing out, going on from the last one (%i)', (seed) =>
    readWhileWriting(seed, false),
  );

  it.each([1, 2, 3])('leave nothing out, asking for what is new (%i)', (seed) =>
    readWhileWriting(seed, true),
  );
});
