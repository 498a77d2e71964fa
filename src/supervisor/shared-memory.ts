import { randomInt } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { RING_BYTES } from '../limits.ts';
import { createCounters } from '../memory/counters.ts';
import { createDirectory } from '../memory/directory.ts';
import { createDoorbells } from '../memory/doorbell.ts';
import { createRing, ringDepthBytes } from '../memory/ring.ts';
import { createSequence } from '../memory/sequence.ts';
import type { Peer, SharedHandles } from '../shard/boot.ts';
import type { HashSeed } from '../sm/jid-hash.ts';

/** All memory that threads share, and the rings between them. Threads are numbered: shards from 0, then the stores, which have nothing to say to one another. */
export class SharedMemory {
  readonly handles: SharedHandles;
  readonly seed: HashSeed = { low: randomInt(2 ** 32), high: randomInt(2 ** 32) };
  readonly #shards: number;
  readonly #threads: number;
  /** `rings[from][to]` */
  readonly #rings: SharedArrayBuffer[][];
  /** How often each thread's were made anew. */
  readonly #renewals: number[];

  constructor(config: Config, stores = 1) {
    const { shards, maxSessions } = config.general;
    this.#shards = shards;
    this.#threads = shards + stores;
    this.handles = {
      directory: createDirectory(maxSessions),
      counters: createCounters(this.#threads),
      bells: createDoorbells(this.#threads),
      sequence: createSequence(),
    };
    this.#renewals = Array.from({ length: this.#threads }, () => 0);
    this.#rings = Array.from({ length: this.#threads }, () => []);
    for (let from = 0; from < this.#threads; from++) {
      for (let to = 0; to < this.#threads; to++)
        if (this.#areConnected(from, to)) this.#rings[from]![to] = createRing(RING_BYTES);
    }
  }

  /** The rings of one thread. */
  peersOf(thread: number): Peer[] {
    const peers: Peer[] = [];
    for (let other = 0; other < this.#threads; other++)
      if (this.#areConnected(thread, other)) peers.push(this.peer(thread, other));
    return peers;
  }

  /** The two rings between `thread` and `other`, as `thread` sees them. */
  peer(thread: number, other: number): Peer {
    return {
      thread: other,
      generation: this.#renewals[thread]! + this.#renewals[other]!,
      out: this.#rings[thread]![other]!,
      in: this.#rings[other]![thread]!,
    };
  }

  /** How full each ring is, for whoever looks on. */
  depths(): { readonly from: number; readonly to: number; readonly bytes: number }[] {
    return this.#rings.flatMap((row, from) =>
      row.flatMap((ring, to) => (ring === undefined ? [] : { from, to, bytes: ringDepthBytes(ring) })),
    );
  }

  #areConnected(a: number, b: number): boolean {
    return a !== b && (a < this.#shards || b < this.#shards);
  }

  /** Fresh rings for a thread that is started anew: nothing of the old ones is carried over. */
  renew(thread: number): void {
    this.#renewals[thread]!++;
    for (let other = 0; other < this.#threads; other++) {
      if (!this.#areConnected(thread, other)) continue;
      this.#rings[thread]![other] = createRing(RING_BYTES);
      this.#rings[other]![thread] = createRing(RING_BYTES);
    }
  }
}
