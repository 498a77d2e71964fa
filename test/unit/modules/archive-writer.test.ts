import { describe, expect, it } from 'vitest';
import {
  PENDING_BYTES_MAX,
  PENDING_RECORDS_BUSY,
  PENDING_RECORDS_MAX,
} from '../../../src/modules/mod-mam/limits.ts';
import { ArchiveWriter, type OpenRecord } from '../../../src/modules/mod-mam/writer.ts';
import { type ArchiveRecord, ArchiveSide } from '../../../src/store/operations.ts';

/** A store that a test lets succeed or fail, and a clock that it turns. */
class Bench {
  readonly stored: number[] = [];
  /** Batches as they were asked for, done or not. */
  readonly asked: number[][] = [];
  readonly behind: boolean[] = [];
  readonly lost: (number | undefined)[] = [];
  readonly waits: number[] = [];
  isDown = false;
  /** Messages that the store does not take, whatever happens. */
  readonly poison = new Set<number>();
  /** Held-back answers, while `isSlow`. */
  readonly held: (() => void)[] = [];
  isSlow = false;
  #turn: (() => void)[] = [];
  #timers: (() => void)[] = [];

  readonly writer = new ArchiveWriter({
    append: (records) => this.append(records),
    atTurnEnd: (callback) => this.#turn.push(callback),
    after: (ms, callback) => {
      this.waits.push(ms);
      this.#timers.push(callback);
    },
    behindChanged: (isBehind) => this.behind.push(isBehind),
    lost: (record) => this.lost.push(record?.micros),
  });

  async append(records: readonly ArchiveRecord[]): Promise<void> {
    const all = records.map(({ micros }) => micros);
    this.asked.push(all);
    if (this.isSlow) await new Promise<void>((resolve) => this.held.push(resolve));
    if (this.isDown || all.some((micros) => this.poison.has(micros))) throw new Error('no');
    this.stored.push(...all);
  }

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
    for (const one of micros) this.writer.add(this.record(one));
  }

  endTurn(): void {
    for (const callback of this.#turn.splice(0)) callback();
  }

  /** Lets pauses pass, and all that follows happen. */
  async pass(times = 1): Promise<void> {
    for (let i = 0; i < times; i++) {
      await settle();
      for (const callback of this.#timers.splice(0)) callback();
      await settle();
    }
  }
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('the writer of an archive', () => {
  it('sends what a turn brought as one request, at its end', async () => {
    const bench = new Bench();
    bench.add(1, 2);
    bench.add(3);
    expect(bench.asked).toEqual([]);
    bench.endTurn();
    bench.add(4);
    bench.endTurn();
    await settle();
    expect(bench.asked).toEqual([[1, 2, 3], [4]]);
    expect(bench.writer.pending).toEqual({ count: 0, bytes: 0 });
  });

  it('adds the recipient to a message only while it has not left', async () => {
    const bench = new Bench();
    bench.add(1);
    const { last } = bench.writer;
    const job = bench.writer.addRecipient(last!);
    expect(last!.sides).toBe(ArchiveSide.SENDER | ArchiveSide.RECIPIENT);
    bench.endTurn();
    expect(bench.writer.last).toBeUndefined();
    await job.done;
    expect(bench.stored).toEqual([1]);
  });

  it('splits what is too much for one request', async () => {
    const bench = new Bench();
    bench.add(...Array.from({ length: 600 }, (_, n) => n));
    for (let n = 0; n < 5; n++) bench.writer.add(bench.record(1_000 + n, 200_000));
    bench.endTurn();
    await settle();
    expect(bench.asked.map((batch) => batch.length)).toEqual([512, 90, 2, 1]);
    expect(bench.stored).toHaveLength(605);
  });

  it('tells when each part is stored, and when everything is', async () => {
    const bench = new Bench();
    bench.isSlow = true;
    const first = bench.writer.add(bench.record(1));
    bench.endTurn();
    const second = bench.writer.add(bench.record(2));
    const told: string[] = [];
    void first.done.then(() => told.push('first'));
    void second.done.then(() => told.push('second'));
    void bench.writer.settled().then(() => told.push('all'));
    await settle();
    expect(told).toEqual([]);
    bench.held.shift()!();
    await settle();
    expect(told).toEqual(['first']);
    bench.held.shift()!();
    await settle();
    expect(told).toEqual(['first', 'second', 'all']);
    await bench.writer.settled();
  });

  it('keeps what could not be stored, and what comes after it, in order', async () => {
    const bench = new Bench();
    bench.isDown = true;
    bench.add(1);
    bench.endTurn();
    bench.add(2);
    bench.endTurn();
    await settle();
    expect(bench.writer.isBehind).toBe(true);
    bench.add(3, 4);
    bench.endTurn();
    bench.add(5);
    bench.endTurn();
    await bench.pass(3);
    expect(bench.stored).toEqual([]);
    bench.isDown = false;
    await bench.pass();
    expect(bench.stored).toEqual([1, 2, 3, 4, 5]);
    // What came meanwhile is one request.
    expect(bench.asked.at(-1)).toEqual([3, 4, 5]);
    expect(bench.behind).toEqual([true, false]);
    expect(bench.writer.pending).toEqual({ count: 0, bytes: 0 });
    expect(bench.writer.isBehind).toBe(false);
  });

  it('waits longer each time, five seconds at most, and begins anew afterwards', async () => {
    const bench = new Bench();
    bench.isDown = true;
    bench.add(1);
    bench.endTurn();
    await bench.pass(8);
    expect(bench.waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    bench.isDown = false;
    await bench.pass();
    bench.isDown = true;
    bench.add(2);
    bench.endTurn();
    await settle();
    expect(bench.waits.at(-1)).toBe(100);
  });

  it('puts requests that fail late where they belong', async () => {
    const bench = new Bench();
    bench.isSlow = true;
    bench.isDown = true;
    for (const n of [1, 2, 3]) {
      bench.add(n);
      bench.endTurn();
    }
    bench.held[1]!();
    await settle();
    bench.held[0]!();
    bench.held[2]!();
    await settle();
    bench.isSlow = false;
    bench.isDown = false;
    await bench.pass();
    expect(bench.stored).toEqual([1, 2, 3]);
  });

  it('finds the one message that the store does not take, gives it up, and keeps all others', async () => {
    const bench = new Bench();
    bench.poison.add(3);
    bench.add(1, 2, 3, 4, 5);
    const job = bench.writer.add(bench.record(6));
    bench.endTurn();
    let isDone = false;
    void job.done.then(() => {
      isDone = true;
    });
    for (let n = 0; n < 12; n++) {
      bench.add(10 + n);
      bench.endTurn();
      await bench.pass();
    }
    expect(bench.lost).toEqual([3]);
    expect([...bench.stored].sort((a, b) => a - b)).toEqual([
      1,
      2,
      4,
      5,
      6,
      ...Array.from({ length: 12 }, (_, n) => 10 + n),
    ]);
    expect(isDone).toBe(true);
    expect(bench.writer.isBehind).toBe(false);
    expect(bench.writer.pending.count).toBe(0);
  });

  it('gives nothing up while the store takes nothing at all', async () => {
    const bench = new Bench();
    bench.isDown = true;
    bench.add(1, 2);
    bench.endTurn();
    bench.add(3);
    await bench.pass(20);
    expect(bench.lost).toEqual([]);
    bench.isDown = false;
    await bench.pass();
    expect(bench.stored).toEqual([1, 2, 3]);
  });

  it('does other work behind what came before, and tries it again, too', async () => {
    const bench = new Bench();
    bench.isDown = true;
    const done: string[] = [];
    bench.add(1);
    const job = bench.writer.run(async () => {
      if (bench.isDown) throw new Error('no');
      done.push(`after ${bench.stored.join()}`);
    });
    bench.add(2);
    bench.endTurn();
    await bench.pass(2);
    expect(done).toEqual([]);
    bench.isDown = false;
    await bench.pass();
    await job.done;
    expect(done).toEqual(['after 1']);
    expect(bench.stored).toEqual([1, 2]);
    expect(bench.writer.pending).toEqual({ count: 0, bytes: 0 });
  });

  it.each([
    ['messages', PENDING_RECORDS_MAX - 1, 0],
    ['bytes', 63, 1_048_576],
  ])('is full at its limit of %s, and not before', async (_name, count, bytes) => {
    const bench = new Bench();
    bench.isDown = true;
    for (let n = 0; n < count; n++) bench.writer.add(bench.record(n, bytes));
    expect(bench.writer.isFull).toBe(false);
    bench.writer.add(bench.record(-1, bytes));
    expect(bench.writer.isFull).toBe(true);
    expect(bench.writer.pending.bytes).toBeLessThan(2 * PENDING_BYTES_MAX);
    bench.isDown = false;
    bench.endTurn();
    await bench.pass(2);
    expect(bench.writer.isFull).toBe(false);
    expect(bench.stored).toHaveLength(count + 1);
  });

  it('is busy from its mark on, and calm again when half of that is left', async () => {
    const bench = new Bench();
    bench.isSlow = true;
    bench.add(...Array.from({ length: PENDING_RECORDS_BUSY }, (_, n) => n));
    expect(bench.writer.isBusy).toBe(true);
    bench.endTurn();
    let isCalm = false;
    void bench.writer.calm.then(() => {
      isCalm = true;
    });
    while (bench.writer.pending.count > PENDING_RECORDS_BUSY / 2) {
      expect(isCalm).toBe(false);
      bench.held.shift()!();
      await settle();
    }
    expect(isCalm).toBe(true);
    expect(bench.writer.isBusy).toBe(false);
  });
});
