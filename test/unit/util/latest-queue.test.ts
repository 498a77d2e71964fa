import { describe, expect, it } from 'vitest';
import { LatestQueue } from '../../../src/util/latest-queue.ts';

/** Work that waits: so much beside each other, so much in line, and the oldest goes. */

class Rig {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, { resolve(): void; reject(cause: Error): void }>();
  dropped = 0;
  readonly queue: LatestQueue<string>;

  constructor(activeMax: number, waitingMax: number, bytesMax = 1_000_000) {
    this.queue = new LatestQueue<string>({
      activeMax,
      waitingMax,
      bytesMax,
      work: (item) => {
        this.begun.push(item);
        return new Promise<void>((resolve, reject) => this.#ends.set(item, { resolve, reject }));
      },
      dropped: (count) => {
        this.dropped += count;
      },
    });
  }

  async end(item: string, how: 'well' | 'badly' = 'well'): Promise<void> {
    const { resolve, reject } = this.#ends.get(item)!;
    if (how === 'well') resolve();
    else reject(new Error('no'));
    await new Promise(setImmediate);
  }
}

describe('work', () => {
  it('is begun at once while there is room, and in order as there is', async () => {
    const rig = new Rig(2, 10);
    for (const item of ['a', 'b', 'c', 'd']) rig.queue.push(item, 1);
    expect(rig.begun).toEqual(['a', 'b']);
    expect([rig.queue.active, rig.queue.waiting]).toEqual([2, 2]);
    await rig.end('b');
    expect(rig.begun).toEqual(['a', 'b', 'c']);
    await rig.end('a', 'badly');
    await rig.end('c');
    await rig.end('d');
    expect([rig.queue.active, rig.queue.waiting, rig.dropped]).toEqual([0, 0, 0]);
  });

  it('beyond the limit of pieces: the oldest that waits goes', async () => {
    const rig = new Rig(1, 2);
    for (const item of ['a', 'b', 'c', 'd', 'e']) rig.queue.push(item, 1);
    expect(rig.dropped).toBe(2);
    await rig.end('a');
    await rig.end('d');
    expect(rig.begun).toEqual(['a', 'd', 'e']);
  });

  it('beyond the limit of bytes: so many of the oldest go, the new one, too, if it alone is too much', async () => {
    const rig = new Rig(1, 100, 10);
    for (const item of ['a', 'b', 'c', 'd']) rig.queue.push(item, 4);
    expect([rig.queue.waiting, rig.dropped]).toEqual([2, 1]);
    rig.queue.push('huge', 11);
    expect([rig.queue.waiting, rig.dropped]).toEqual([0, 4]);
    await rig.end('a');
    expect(rig.begun).toEqual(['a']);
    rig.queue.push('e', 4);
    expect(rig.begun).toEqual(['a', 'e']);
  });

  it('may wait nowhere where the limit is none', () => {
    const rig = new Rig(1, 0);
    rig.queue.push('a', 1);
    rig.queue.push('b', 1);
    expect([rig.begun, rig.dropped]).toEqual([['a'], 1]);
  });

  it('comes through in order and number, however much there was', async () => {
    const rig = new Rig(1, 5_000);
    const items = Array.from({ length: 2_000 }, (_, i) => String(i));
    for (const item of items) rig.queue.push(item, 1);
    for (const item of items) await rig.end(item);
    expect(rig.begun).toEqual(items);
  });

  it('that waits when it is closed is dropped, and so is what comes later', async () => {
    const rig = new Rig(1, 10);
    for (const item of ['a', 'b', 'c']) rig.queue.push(item, 1);
    rig.queue.close();
    rig.queue.push('d', 1);
    await rig.end('a');
    expect([rig.begun, rig.dropped, rig.queue.waiting]).toEqual([['a'], 3, 0]);
  });
});
