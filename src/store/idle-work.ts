import { STORE_BUSY_REQUESTS, STORE_WORK_DELAY_MS, STORE_WORK_PAUSE_MS } from '../limits.ts';
import type { StoreServer } from './server.ts';

/** Does the store's work that may wait, a little at a time, while few requests come. */
export class IdleWork {
  readonly #server: StoreServer;
  #isScheduled = false;
  /** Requests that had come when the present wait began. */
  #requests = 0;

  constructor(server: StoreServer) {
    this.#server = server;
  }

  /** There may be something to do. Called often. */
  schedule(): void {
    if (!this.#isScheduled && this.#server.hasWork) this.#after(STORE_WORK_DELAY_MS);
  }

  #after(ms: number): void {
    this.#isScheduled = true;
    this.#requests = this.#server.requests;
    setTimeout(() => {
      this.#isScheduled = false;
      const isBusy = (this.#server.requests - this.#requests) * 1_000 > STORE_BUSY_REQUESTS * ms;
      if (isBusy) this.schedule();
      else if (this.#server.rest()) this.#after(STORE_WORK_PAUSE_MS);
    }, ms);
  }
}
