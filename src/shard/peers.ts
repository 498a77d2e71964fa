import type { Logger } from '../observe/log.ts';
import type { Peer } from './boot.ts';
import type { Components } from './components.ts';
import type { Fences } from './fences.ts';
import type { FrameReceiver } from './frames.ts';
import type { Stores } from './stores.ts';
import type { TakeOvers } from './take-overs.ts';
import type { Threads } from './threads.ts';

export interface PeersSurroundings {
  readonly threads: Threads;
  readonly stores: Stores;
  readonly components: Components;
  readonly fences: Fences;
  readonly frames: FrameReceiver;
  readonly takeOvers: TakeOvers;
  readonly log: Logger;
}

/** The other threads as they come and go: who has to know, and what becomes of that which was under way. */
export class Peers {
  readonly #around: PeersSurroundings;

  constructor(around: PeersSurroundings) {
    this.#around = around;
  }

  /** A thread is there. It may be that it has rings already: from the start of this one, when both were started at a time. */
  connect(peer: Peer): void {
    const { threads, stores, components } = this.#around;
    const known = threads.generation(peer.thread);
    if (known !== undefined && known !== peer.generation) this.disconnect(peer.thread);
    if (known !== peer.generation) threads.connect(peer);
    if (threads.isStore(peer.thread)) stores.up(threads.partitionOf(peer.thread));
    else components.shardUp(peer.thread);
  }

  /** A thread died. What it had not read any more is looked after: stanzas are routed again. */
  disconnect(thread: number): void {
    const { threads, stores, components, fences, takeOvers } = this.#around;
    const lost = threads.disconnect(thread);
    if (threads.isStore(thread)) stores.down(threads.partitionOf(thread));
    else {
      takeOvers.shardLost(thread);
      components.shardLost(thread);
      for (const bytes of lost) this.#rerouteFrame(bytes);
      fences.lost(thread);
    }
  }

  #rerouteFrame(bytes: Buffer): void {
    const { frames, log } = this.#around;
    try {
      frames.returned(bytes);
    } catch (cause) {
      log.error({ err: cause, what: 'reroute_failed' }, 'a frame for a dead shard could not be routed again');
    }
  }
}
