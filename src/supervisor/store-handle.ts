import type { Peer, StoreBoot } from '../shard/boot.ts';
import { Thread } from './thread.ts';

/** What the owner of the store thread hears. */
export interface StoreEvents {
  ready(): void;
  ended(cause: Error | undefined): void;
}

/** A store thread as the main thread sees it. */
export class StoreHandle {
  isReady = false;
  readonly #thread: Thread;
  #hasEnded = false;
  #stopped: (() => void) | undefined;

  constructor(entry: URL, boot: StoreBoot, events: StoreEvents) {
    const name = boot.partition === 0 ? 'store' : `store ${boot.partition}`;
    this.#thread = new Thread(entry, boot, name, {
      message: (message) => {
        const { kind } = message as { kind: string };
        if (kind === 'ready') {
          this.isReady = true;
          events.ready();
        }
      },
      ended: (cause) => {
        this.isReady = false;
        this.#hasEnded = true;
        if (this.#stopped !== undefined) this.#stopped();
        else events.ended(cause);
      },
    });
  }

  tell(
    message:
      | { readonly kind: 'peer_ready'; readonly peer: Peer }
      | { readonly kind: 'peer_lost'; readonly thread: number }
      | { readonly kind: 'loglevel'; readonly loglevel: string },
  ): void {
    if (!this.#hasEnded) this.#thread.post(message);
  }

  /** Commits what was asked for, closes the database, ends. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#hasEnded) {
        resolve();
        return;
      }
      this.#stopped = resolve;
      this.#thread.post({ kind: 'stop' });
    });
  }

  kill(): Promise<number> {
    return this.#thread.kill();
  }
}
