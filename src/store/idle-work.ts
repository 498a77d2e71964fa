import { STORE_REST_MS } from '../limits.ts';
import type { StoreServer } from './server.ts';

/** While writes fail it is tried this often whether they still do, also if nobody writes. */
const PROBE_MS = 2_000;

/** Does the store's work that may wait, a little at a time: requests come in between. And looks whether writes that failed succeed again. */
export class IdleWork {
  readonly #server: StoreServer;
  #isScheduled = false;

  constructor(server: StoreServer) {
    this.#server = server;
    setInterval(() => server.probe(), PROBE_MS).unref();
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
