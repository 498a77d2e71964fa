import { describe, expect, it } from 'vitest';
import { ArchiveWriter, type OpenRecord, type WriterContext } from '../../../src/modules/mod-mam/writer.ts';
import { type ArchiveRecord, ArchiveSide } from '../../../src/store/operations.ts';
import { KeptStore } from '../../helpers/kept-store.ts';

/** The way of messages into the archive; what keeps them until they are stored has tests of its own (`test/unit/store/kept-writes.test.ts`). */

class Bench {
  readonly store = new KeptStore();
  readonly counts = new Map<string, number>();
  readonly errors: object[] = [];
  #turn: (() => void)[] = [];
  #stop: (() => void)[] = [];

  readonly writer = new ArchiveWriter({
    store: this.store,
    atTurnEnd: (callback: () => void) => this.#turn.push(callback),
    onStop: (callback: () => void) => this.#stop.push(callback),
    count: (name: string, by = 1) => this.counts.set(name, (this.counts.get(name) ?? 0) + by),
    log: { error: (fields: object) => this.errors.push(fields) },
  } as unknown as WriterContext);

  record(micros: number, bytes = 10): OpenRecord {
    return {
      micros,
      shard: 0,
      sides: ArchiveSide.SENDER,
      from: 'a@x/r',
      to: 'b@x/r',
      packet: Buffer.alloc(bytes),
      originId: null,
      isGroupchat: false,
    };
  }

  add(...micros: number[]): void {
    for (const one of micros) void this.writer.add(this.record(one));
  }

  endTurn(): void {
    for (const callback of this.#turn.splice(0)) callback();
    this.store.kept.flush();
  }

  stop(): void {
    for (const callback of this.#stop) callback();
  }

  get asked(): number[][] {
    return this.store.asked.map(({ list }) => list.map((one) => (one as ArchiveRecord).micros));
  }
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('the writer of an archive', () => {
  it('sends what a turn brought as one write, at its end, and counts what is stored', async () => {
    const bench = new Bench();
    bench.add(1, 2);
    bench.add(3);
    expect(bench.asked).toEqual([]);
    bench.endTurn();
    bench.add(4);
    bench.endTurn();
    await settle();
    expect(bench.asked).toEqual([[1, 2, 3], [4]]);
    expect(bench.counts).toEqual(new Map([['archived', 4]]));
    expect(bench.store.asked.map(({ operation }) => operation)).toEqual(['archive_append', 'archive_append']);
  });

  it('adds the recipient to a message only while it has not left', async () => {
    const bench = new Bench();
    const first = bench.writer.add(bench.record(1));
    const { last } = bench.writer;
    expect(bench.writer.addRecipient(last!)).toBe(first);
    expect(last!.sides).toBe(ArchiveSide.SENDER | ArchiveSide.RECIPIENT);
    bench.endTurn();
    expect(bench.writer.last).toBeUndefined();
    await first;
    expect(bench.store.stored).toEqual([last]);
  });

  it('sends it earlier if something must come behind it, and when the module ends', async () => {
    const bench = new Bench();
    bench.add(1);
    bench.writer.flush();
    expect(bench.asked).toEqual([[1]]);
    bench.add(2);
    bench.stop();
    expect(bench.asked).toEqual([[1], [2]]);
    await bench.writer.settled();
    expect(bench.store.stored).toHaveLength(2);
    await bench.writer.settled();
  });

  it('gives up the one message that the store does not take, and no other', async () => {
    const bench = new Bench();
    bench.store.isImpossible = (one) => (one as ArchiveRecord).micros === 3;
    const told = [1, 2, 3, 4, 5].map((micros) => bench.writer.add(bench.record(micros)));
    bench.endTurn();
    await Promise.all(told);
    expect(bench.store.stored.map((one) => (one as ArchiveRecord).micros)).toEqual([1, 2, 4, 5]);
    expect(bench.counts).toEqual(
      new Map([
        ['lost', 1],
        ['archived', 4],
      ]),
    );
    expect(bench.errors).toMatchObject([{ what: 'mam_message_lost', from: 'a@x/r', to: 'b@x/r', micros: 3 }]);
  });
});
