import { STORE_REST_MS } from '../limits.ts';
import type { StoreServer } from './server.ts';

/** Does the store's work that may wait, a little at a time: requests come in between. */
export class IdleWork {
  readonly #server: StoreServer;
  #isScheduled = false;

  constructor(server: StoreServer) {
    this.#server = server;
  }

  /** There may be something to do. Called often. */
  schedule(): void {
    if (this.#isScheduled || !this.#server.hasWork) return;
    this.#isScheduled = true;
    setTimeout(() => {
      this.#isScheduled = false;
      if (this.#server.rest()) this.schedule();
    }, STORE_REST_MS);
  }
}
