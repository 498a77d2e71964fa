import { type RingConsumer, RingCorruptError } from './ring.ts';

interface Lane {
  readonly id: number;
  readonly consumer: RingConsumer;
  /** Records before `safe` may be taken; records before `seen` are known, and order those that may be taken. */
  safe: number;
  seen: number;
}

/**
 * Reads several rings as one stream, in the order of the records' sequence numbers.
 *
 * Why the two limits: a record visible when `safe` was read has all its causes visible when `seen` is read afterwards
 * (a cause was published earlier). So among the known records the lowest number is taken, if it is a safe one; if the
 * lowest is only known, both limits move forward and the choice is made again.
 */
export class RingMerge {
  #lanes: Lane[] = [];
  /** The lane of the record that {@link next} found. */
  lane = -1;

  add(id: number, consumer: RingConsumer): void {
    const at = consumer.writeIndex();
    this.#lanes.push({ id, consumer, safe: at, seen: at });
  }

  /** Removes lane `id`. Its consumer is returned, so that what it still holds can be looked after. */
  remove(id: number): RingConsumer | undefined {
    const index = this.#lanes.findIndex((lane) => lane.id === id);
    return index < 0 ? undefined : this.#lanes.splice(index, 1)[0]!.consumer;
  }

  /** Whether any ring holds something unread. */
  hasWork(): boolean {
    for (const lane of this.#lanes) {
      if (lane.consumer.writeIndex() !== lane.consumer.readIndex) return true;
    }
    return false;
  }

  /** Looks at all rings. Call it once before a run of {@link next}. */
  refresh(): void {
    const lanes = this.#lanes;
    for (let i = 0; i < lanes.length; i++) lanes[i]!.safe = lanes[i]!.consumer.writeIndex();
    for (let i = 0; i < lanes.length; i++) lanes[i]!.seen = lanes[i]!.consumer.writeIndex();
  }

  /** The consumer standing on the next record (read it, then `advance()`), or undefined when nothing is left. */
  next(): RingConsumer | undefined {
    const lanes = this.#lanes;
    for (;;) {
      let best: Lane | undefined;
      for (let i = 0; i < lanes.length; i++) {
        const lane = lanes[i]!;
        if (!lane.consumer.peek(lane.seen)) continue;
        if (best === undefined || ((lane.consumer.sequence - best.consumer.sequence) | 0) < 0) best = lane;
      }
      if (best === undefined) return undefined;
      if (((best.safe - best.consumer.readIndex) | 0) > 0) {
        this.lane = best.id;
        return best.consumer;
      }
      for (let i = 0; i < lanes.length; i++) lanes[i]!.safe = lanes[i]!.seen;
      for (let i = 0; i < lanes.length; i++) lanes[i]!.seen = lanes[i]!.consumer.writeIndex();
    }
  }

  /** After a {@link RingCorruptError}: empties the rings that cannot be read on. Returns the bytes lost. */
  resetCorrupt(): number {
    let lost = 0;
    for (const { consumer } of this.#lanes) {
      try {
        consumer.peek(consumer.writeIndex());
      } catch (error) {
        if (!(error instanceof RingCorruptError)) throw error;
        lost += consumer.reset();
      }
    }
    return lost;
  }

  /** Gives the space of everything taken back; `onRoom` hears of each lane whose producer waits for it. */
  release(onRoom: (lane: number) => void): void {
    for (const lane of this.#lanes) if (lane.consumer.release()) onRoom(lane.id);
  }

  /** Whether lane `id` holds nothing unread. */
  isDrained(id: number): boolean {
    const index = this.writeIndex(id);
    return index === undefined || this.hasReached(id, index);
  }

  /** The next write index of lane `id`, for {@link hasReached}; undefined for an unknown lane. */
  writeIndex(id: number): number | undefined {
    return this.#lanes.find((lane) => lane.id === id)?.consumer.writeIndex();
  }

  /** Whether lane `id` was read up to `index`. An unknown lane was. */
  hasReached(id: number, index: number): boolean {
    const lane = this.#lanes.find((candidate) => candidate.id === id);
    return lane === undefined || ((lane.consumer.readIndex - index) | 0) >= 0;
  }
}
