import type { Jid, LastActivity, ModuleContext } from '../module.ts';

/** More of a status is not kept, in UTF-16 units. */
export const STATUS_LENGTH_MAX = 1_024;
/** Accounts whose time waits to be written. Beyond that the oldest is forgotten. */
const WAITING_MAX = 20_000;
/** Accounts in one request to the store, and requests under way. What more comes meanwhile goes together. */
const BATCH = 1_000;
const REQUESTS_MAX = 16;
/** When the store did not answer: pause before the next try. */
const RETRY_MS = 5_000;
/** Accounts that were removed a moment ago and may still have sessions. */
const REMOVED_MAX = 1_000;

interface Departure extends LastActivity {
  readonly user: Jid;
}

/** What instances tell one another: before the data of an account are deleted, and before an operator sets its time. */
type News =
  | {
      readonly removed: string;
      /** Sessions opened until then are those of the removed account. */
      readonly time: number;
    }
  | { readonly replaced: string };

/**
 * Notes when users leave. One by one a departure is written at once; when thousands leave together, what comes while requests are under way goes in
 * few large ones.
 */
export class Departures {
  readonly #context: ModuleContext;
  readonly #waiting = new Map<string, Departure>();
  readonly #removed = new Map<string, number>();
  #requests = 0;
  #isFlushing = false;

  constructor(context: ModuleContext) {
    this.#context = context;
    context.onAnnouncement((content) => this.#heard(content as News));
    context.onStop(() => this.#flush(Number.POSITIVE_INFINITY));
  }

  /** A session of `user` became unavailable. `openedAt` is when it was opened, if that is known. */
  left(user: Jid, status: string, openedAt: number | undefined): void {
    const removedAt = this.#removed.get(user.bare);
    if (removedAt !== undefined && openedAt !== undefined && openedAt <= removedAt) return;
    // The latest comes last.
    this.#waiting.delete(user.bare);
    this.#waiting.set(user.bare, { user, timestamp: this.#context.timestamp(), status });
    this.#bound();
    this.#flushSoon();
  }

  /** When `user` was there last; null when nobody knows. Rejects when the store cannot answer. */
  async of(user: Jid): Promise<LastActivity | null> {
    const waiting = this.#waiting.get(user.bare);
    return waiting ?? (await this.#context.store.request('last_get', user.domain, user.local));
  }

  /** Notes what an operator says, in place of what is known. */
  async replace(user: Jid, timestamp: number, status: string): Promise<void> {
    this.#context.announce({ replaced: user.bare } satisfies News);
    await this.#context.whenHandled();
    await this.#context.store.request('last_replace', user.domain, user.local, timestamp, status);
  }

  /** Forgets an account whose session has ended on this shard. */
  async purge(user: Jid): Promise<undefined> {
    this.#waiting.delete(user.bare);
    await this.#context.store.request('last_remove_user', user.domain, user.local);
  }

  /** Forgets an account. Its sessions end after this: what they leave is not to be noted any more, on any shard. */
  async remove(user: Jid): Promise<undefined> {
    this.#context.announce({ removed: user.bare, time: this.#context.timestamp() } satisfies News);
    await this.#context.whenHandled();
    await this.purge(user);
  }

  /** Forgets a domain, whose sessions have been told to end. */
  async removeDomain(domain: string): Promise<void> {
    await this.#context.whenHandled();
    await this.#context.store.request('last_remove_domain', domain);
  }

  #heard(news: News): void {
    if ('replaced' in news) {
      this.#waiting.delete(news.replaced);
      return;
    }
    const { removed, time } = news;
    this.#waiting.delete(removed);
    this.#removed.delete(removed);
    this.#removed.set(removed, time);
    if (this.#removed.size <= REMOVED_MAX) return;
    const [oldest] = this.#removed.keys();
    this.#removed.delete(oldest!);
  }

  #bound(): void {
    if (this.#waiting.size <= WAITING_MAX) return;
    const [oldest] = this.#waiting.keys();
    this.#waiting.delete(oldest!);
    this.#context.count('dropped');
  }

  /** After this turn: then those who leave together are together. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.#flush(REQUESTS_MAX);
    });
  }

  #flush(requestsMax: number): void {
    while (this.#waiting.size > 0 && this.#requests < requestsMax) {
      const batch = [...this.#waiting.values().take(BATCH)];
      for (const { user } of batch) this.#waiting.delete(user.bare);
      void this.#write(batch);
    }
  }

  /** Never rejects: what could not be written waits for another try, unless something newer does. */
  async #write(batch: readonly Departure[]): Promise<void> {
    this.#requests++;
    const entries = batch.map(
      ({ user, timestamp, status }) => [user.domain, user.local, timestamp, status] as const,
    );
    try {
      await this.#context.store.request('last_set', entries);
      this.#requests--;
      this.#flush(REQUESTS_MAX);
    } catch (cause) {
      this.#requests--;
      this.#context.log.warn({ err: cause, what: 'last_store_failed', users: batch.length }, 'not noted yet');
      for (const one of batch) {
        if (this.#waiting.has(one.user.bare) || this.#waiting.size >= WAITING_MAX) continue;
        this.#waiting.set(one.user.bare, one);
      }
      this.#context.after(RETRY_MS, () => this.#flush(REQUESTS_MAX));
    }
  }
}
