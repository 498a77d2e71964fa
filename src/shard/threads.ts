import { encodeFrame } from '../frame/codec.ts';
import { FrameKind } from '../frame/kinds.ts';
import type { Accumulator } from '../hooks/accumulator.ts';
import { Doorbell } from '../memory/doorbell.ts';
import { Inbox } from '../memory/inbox.ts';
import { Loop, type TurnHost } from '../memory/loop.ts';
import { Outbox } from '../memory/outbox.ts';
import { RingConsumer } from '../memory/ring.ts';
import { Sequence } from '../memory/sequence.ts';
import { Waker } from '../memory/waker.ts';
import type { Logger } from '../observe/log.ts';
import type { Peer, ShardBoot } from './boot.ts';

export interface ThreadsSurroundings extends TurnHost {
  readonly counters: Float64Array;
  readonly log: Pick<Logger, 'error'>;
  /** A frame came; the bytes are a view that is void afterwards. */
  frame(thread: number, bytes: Buffer, start: number, end: number): void;
}

/** The way to the other threads: rings out and in, the bell that wakes, the turn in which they are looked at. */
export class Threads {
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly loop: Loop;
  readonly shard: number;
  readonly #shards: number;
  readonly #storeThread: number;
  readonly #stores: number;
  readonly #waker: Waker;
  readonly #generations = new Map<number, number>();
  #sent: Promise<void> | undefined;

  constructor(boot: ShardBoot, around: ThreadsSurroundings) {
    this.shard = boot.shard;
    this.#shards = boot.shards;
    this.#storeThread = boot.storeThread;
    this.#stores = Math.max(...boot.layouts);
    this.#waker = new Waker(boot.bellDirectory, boot.shard, () => this.loop.touch());
    const bell = new Doorbell(boot.shared.bells, (thread) => this.#waker.wake(thread));
    this.outbox = new Outbox(new Sequence(boot.shared.sequence), bell, around.counters);
    this.inbox = new Inbox(
      bell,
      around.counters,
      (thread, bytes, start, end) => around.frame(thread, bytes, start, end),
      (cause) => around.log.error({ err: cause, what: 'frame_failed' }, 'a frame could not be handled'),
    );
    this.loop = new Loop(boot.shard, bell, this.inbox, this.outbox, around);
  }

  /** Can be woken from now on. */
  start(): Promise<void> {
    return this.#waker.start();
  }

  isStore(thread: number): boolean {
    return thread >= this.#storeThread;
  }

  /** Which of the stores a thread is. */
  partitionOf(thread: number): number {
    return thread - this.#storeThread;
  }

  /** The generation of the rings to a thread; undefined while there are none. */
  generation(thread: number): number | undefined {
    return this.#generations.get(thread);
  }

  connect(peer: Peer): void {
    const { thread, generation } = peer;
    this.#generations.set(thread, generation);
    this.outbox.connect(thread, peer.out, this.isStore(thread));
    this.inbox.connect(thread, new RingConsumer(peer.in));
    this.loop.touch();
  }

  /** Resolves when no frame waits for room in the ring to another shard any more; undefined: none does. */
  whenSent(): Promise<void> | undefined {
    if (!this.outbox.isCongested) return undefined;
    this.#sent ??= this.loop
      .whenDone(() => !this.outbox.isCongested)
      .then(() => {
        this.#sent = undefined;
      });
    return this.#sent;
  }

  /** A thread died. Handles what it still sent; returns the frames that it will never read. */
  disconnect(thread: number): Buffer[] {
    this.#generations.delete(thread);
    this.inbox.finish(thread);
    this.#waker.forget(thread);
    this.loop.touch();
    return this.outbox.reclaim(thread);
  }

  /** Sends a frame to one of the stores. False when there is no room for it. */
  toStore(partition: number, bytes: Buffer): boolean {
    this.loop.touch();
    return this.outbox.send(this.#storeThread + partition, bytes);
  }

  /** Tells the other shards, or only one of them. */
  tell(notice: string, payload: unknown, only?: number): void {
    const bytes = encodeFrame({ kind: FrameKind.NOTICE, notice, payload });
    for (let shard = only ?? 0; shard <= (only ?? this.#shards - 1); shard++) {
      if (shard !== this.shard) this.#tellSurely(shard, bytes);
    }
    this.loop.touch();
  }

  /** Caches rely on notices: while the way is full, it is tried again at the end of each turn, until the other one is gone. */
  #tellSurely(shard: number, bytes: Buffer): void {
    const { outbox, loop } = this;
    const lane = outbox.lane(shard);
    if (lane === undefined || outbox.send(shard, bytes)) return;
    void loop.whenDone(() => outbox.lane(shard) !== lane || outbox.send(shard, bytes));
  }

  /** Sends the answer to an IQ to the shard that asked. */
  answer(shard: number, acc: Accumulator): void {
    const { from, to } = acc;
    const stanza = acc.stanza!.toBuffer(from.wire, to.wire);
    const frame = { kind: FrameKind.IQ_ANSWER, from: from.full, to: to.full, stanza } as const;
    this.outbox.send(shard, encodeFrame(frame));
  }

  /** Frames that wait for room in the ring to each other thread. */
  lanes(): { readonly to: number; readonly waitingFrames: number }[] {
    return [...Array(this.#storeThread + this.#stores).keys()]
      .filter((to) => to !== this.shard)
      .map((to) => ({ to, waitingFrames: this.outbox.overflowLength(to) }));
  }
}
