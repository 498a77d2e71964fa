import type { C2s } from '../c2s/c2s.ts';
import type { Delivery } from '../sm/delivery.ts';
import { ALL_SHARDS } from '../sm/outbox.ts';
import type { SessionManager } from '../sm/session-manager.ts';
import type { Connections } from './connections.ts';
import type { Stores } from './stores.ts';
import type { Threads } from './threads.ts';

export interface DrainingSurroundings {
  readonly connections: Connections;
  readonly delivery: Delivery;
  readonly stores: Stores;
  readonly threads: Threads;
  readonly sm: SessionManager;
  streams(): C2s[];
  /** Nothing is left to do. */
  drained(): void;
}

/** The end of a shard, when the server stops. */
export class Draining {
  readonly #around: DrainingSurroundings;
  #isActive = false;

  constructor(around: DrainingSurroundings) {
    this.#around = around;
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  /** Tells every client, then waits for the connections to end. */
  begin(): void {
    const { connections, streams, threads } = this.#around;
    this.#isActive = true;
    connections.drain();
    for (const c2s of streams()) c2s.fail('system-shutdown');
    threads.loop.touch();
    this.#goOn();
  }

  connectionClosed(): void {
    if (this.#isActive) this.#goOn();
  }

  /**
   * Connections have ended; and what sessions had not delivered is on its way into storage: routed again here and by other shards, which do the same. Only
   * then may the store end.
   */
  #goOn(): void {
    const { connections, delivery, stores, threads, sm, drained } = this.#around;
    if (connections.size > 0) return;
    const isDone = (): boolean =>
      delivery.reroutes.isIdle &&
      stores.pendingCount === 0 &&
      stores.kept.count === 0 &&
      !threads.outbox.isCongested;
    void (sm.remote.fence(ALL_SHARDS) ?? Promise.resolve())
      .then(() => threads.loop.whenDone(isDone))
      .then(drained);
  }
}
