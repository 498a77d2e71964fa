import { decodeFrame } from '../../src/frame/codec.ts';
import { FrameKind } from '../../src/frame/kinds.ts';
import { COUNTER_NAMES } from '../../src/memory/counters.ts';
import { createDoorbells, Doorbell } from '../../src/memory/doorbell.ts';
import { Inbox } from '../../src/memory/inbox.ts';
import { Outbox } from '../../src/memory/outbox.ts';
import { createRing, RingConsumer } from '../../src/memory/ring.ts';
import { createSequence, Sequence } from '../../src/memory/sequence.ts';
import type { StoreDriver } from '../../src/store/operations.ts';
import { RemoteStore } from '../../src/store/remote.ts';
import { StoreServer } from '../../src/store/server.ts';

const STORE = 1;
const SHARD = 0;

/** A shard and the store thread with the rings between them, all in this thread: whole turns, when the test says so. */
export class LoopbackStore {
  readonly remote: RemoteStore;
  readonly server: StoreServer;
  readonly counters = new Float64Array(COUNTER_NAMES.length);
  /** What the store reported as failed: operation and message. */
  readonly failures: string[] = [];
  nowMs = 1_000_000;
  /** Whether the store takes turns by itself, as soon as something is asked. */
  isRunning = true;
  readonly #shardOut: Outbox;
  readonly #shardIn: Inbox;
  readonly #storeOut: Outbox;
  readonly #storeIn: Inbox;

  constructor(driver: StoreDriver, ringBytes = 65_536, overflowBytesMax = 1 << 20) {
    const bell = new Doorbell(createDoorbells(2), () => {});
    const sequence = new Sequence(createSequence());
    const row = new Float64Array(COUNTER_NAMES.length);
    this.#shardOut = new Outbox(sequence, bell, row, overflowBytesMax);
    this.#storeOut = new Outbox(sequence, bell, this.counters, overflowBytesMax);
    this.remote = new RemoteStore(
      (bytes) => {
        const isSent = this.#shardOut.send(STORE, bytes);
        if (this.isRunning) setImmediate(() => this.turn());
        return isSent;
      },
      () => this.nowMs,
    );
    this.server = new StoreServer(driver, {
      counters: this.counters,
      nowMs: () => this.nowMs,
      reply: (thread, bytes) => this.#storeOut.send(thread, bytes),
      failed: (operation, cause) => this.failures.push(`${operation}: ${(cause as Error).message}`),
    });
    this.#storeIn = new Inbox(
      bell,
      this.counters,
      (thread, bytes, start, end) => this.server.handle(thread, bytes, start, end),
      (cause) => this.failures.push(String(cause)),
    );
    this.#shardIn = new Inbox(
      bell,
      row,
      (_thread, bytes, start, end) => {
        const frame = decodeFrame(bytes, start, end);
        if (frame.kind === FrameKind.STORE_REPLY) this.remote.answered(frame);
      },
      (cause) => this.failures.push(String(cause)),
    );
    const [there, back] = [createRing(ringBytes), createRing(ringBytes)];
    this.#shardOut.connect(STORE, there, true);
    this.#storeIn.connect(SHARD, new RingConsumer(there));
    this.#storeOut.connect(SHARD, back);
    this.#shardIn.connect(STORE, new RingConsumer(back));
  }

  /** One turn of the shard, of the store, and of the shard again, as long as something moves. */
  turn(): void {
    do {
      this.#shardOut.publish();
      this.storeTurn();
    } while (this.shardTurn() > 0);
  }

  storeTurn(): void {
    this.#storeIn.drain(256);
    this.server.commit();
    this.#storeOut.publish();
    this.#storeIn.release(true);
  }

  shardTurn(): number {
    const frames = this.#shardIn.drain(256);
    this.#shardOut.publish();
    this.#shardIn.release(true);
    return frames;
  }
}
