import { type RingConsumer, RingCorruptError } from './ring.ts';

interface Lane {
  readonly id: number;
  readonly consumer: RingConsumer;
  /** Records before `safe` may be taken; records before `seen` are known, and order those that may be taken. */
  safe: number;
  seen: number;
  /** Whether the consumer stands on a record that was not taken yet. */
  hasHead: boolean;
}

/**
 * Reads several rings as one stream, in which no record comes before one that caused it.
 *
 * A thread's records become visible in the order of their numbers, whatever rings they are in (`outbox.ts` sees to that). So when
 * thread A acts on something that it saw of thread B, all that B wrote before is visible by then, and has lower numbers than
 * whatever A writes. Hence the two limits: all causes of a record that was visible when `safe` was read are visible when
 * `seen` is read afterwards. Among the known records the lowest number is taken, if it is a safe one; if it is only known, both limits
 * move forward and the choice is made again.
 */
export class RingMerge {
  readonly #lanes: Lane[] = [];
  readonly #onReset: (lane: number) => void;
  /** The lane of the record that {@link next} found. */
  lane = -1;

  /** `onReset` hears of lanes that were damaged and lost what was in them. */
  constructor(onReset: (lane: number) => void) {
    this.#onReset = onReset;
  }

  /** Adds a lane. Its records are found after the next {@link refresh}. */
  add(id: number, consumer: RingConsumer): void {
    const { readIndex } = consumer;
    this.#lanes.push({ id, consumer, safe: readIndex, seen: readIndex, hasHead: false });
  }

  remove(id: number): void {
    const index = this.#lanes.findIndex((lane) => lane.id === id);
    if (index >= 0) this.#lanes.splice(index, 1);
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
    this.#see();
  }

  /**
   * The consumer standing on the next record (read it and `advance()` before asking again), or undefined when nothing is left.
   * Throws {@link RingCorruptError}; then {@link resetCorrupt} helps.
   */
  next(): RingConsumer | undefined {
    const lanes = this.#lanes;
    for (;;) {
      let best: Lane | undefined;
      for (let i = 0; i < lanes.length; i++) {
        const lane = lanes[i]!;
        if (!lane.hasHead) {
          if (!lane.consumer.peek(lane.seen)) continue;
          lane.hasHead = true;
        }
        // Numbers wrap; all that are in rings at a time lie close together.
        if (best === undefined || ((lane.consumer.sequence - best.consumer.sequence) | 0) < 0) best = lane;
      }
      if (best === undefined) return undefined;
      if (((best.safe - best.consumer.readIndex) | 0) > 0) {
        best.hasHead = false;
        this.lane = best.id;
        return best.consumer;
      }
      for (let i = 0; i < lanes.length; i++) lanes[i]!.safe = lanes[i]!.seen;
      this.#see();
    }
  }

  /** After a {@link RingCorruptError}: empties the rings that cannot be read on. */
  resetCorrupt(): void {
    for (const lane of this.#lanes) {
      if (lane.hasHead) continue;
      try {
        lane.hasHead = lane.consumer.peek(lane.seen);
      } catch (error) {
        if (!(error instanceof RingCorruptError)) throw error;
        lane.consumer.reset();
        this.#wasReset(lane);
      }
    }
  }

  /** Gives the space of everything taken back (see {@link RingConsumer.release}); `onRoom` hears of each lane whose producer waits for it. */
  release(isSettled: boolean, onRoom: (lane: number) => void): void {
    const lanes = this.#lanes;
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[i]!;
      if (lane.consumer.release(isSettled)) onRoom(lane.id);
      if (lane.consumer.wasReset) {
        lane.consumer.wasReset = false;
        this.#wasReset(lane);
      }
    }
  }

  /** Whether lane `id` holds nothing unread. An unknown lane does not. */
  isDrained(id: number): boolean {
    const index = this.writeIndex(id);
    return index === undefined || this.hasReached(id, index);
  }

  /** The write index of lane `id`, for {@link hasReached}; undefined for an unknown lane. */
  writeIndex(id: number): number | undefined {
    return this.#lanes.find((lane) => lane.id === id)?.consumer.writeIndex();
  }

  /** Whether lane `id` was read up to `index`. An unknown lane was. */
  hasReached(id: number, index: number): boolean {
    const lane = this.#lanes.find((candidate) => candidate.id === id);
    return lane === undefined || ((lane.consumer.readIndex - index) | 0) >= 0;
  }

  #wasReset(lane: Lane): void {
    lane.hasHead = false;
    lane.safe = lane.seen = lane.consumer.readIndex;
    this.#onReset(lane.id);
  }

  #see(): void {
    const lanes = this.#lanes;
    for (let i = 0; i < lanes.length; i++) lanes[i]!.seen = lanes[i]!.consumer.writeIndex();
  }
}
