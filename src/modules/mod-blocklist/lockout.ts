import type { Jid, ModuleContext } from '../module.ts';

/** What a client is told when its user is locked out while it is connected. */
const TEXT = 'User blocked';
/** Longer than any login takes: until then a session may come that was allowed before its user was locked out. */
const REMEMBERED_MS = 60_000;

/** Locks users out and lets them in again, with all their sessions on all shards. */
export class Lockout {
  readonly #context: ModuleContext;
  /** Users who were locked out a moment ago. Administrators do that: there are few. */
  readonly #recent = new Map<string, () => void>();

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  /**
   * Locks a user out, or changes the reason. When it resolves his sessions have been told to end; one that is being opened ends as soon as it is open. Rejects when
   * the store cannot.
   */
  async add(jid: Jid, reason: string): Promise<number> {
    await this.#context.store.request('blocklist_set', jid.domain, jid.local, reason);
    this.#context.announce({ blocked: jid.bare });
    await this.#context.whenHandled();
    return this.#context.closeSessions(jid.bareJid, TEXT);
  }

  /** False when the user was not locked out. */
  async remove(jid: Jid): Promise<boolean> {
    this.#context.announce({ freed: jid.bare });
    return await this.#context.store.request('blocklist_remove', jid.domain, jid.local);
  }

  /** The account is gone. */
  async forget(jid: Jid): Promise<undefined> {
    await this.#context.store.request('blocklist_remove', jid.domain, jid.local);
  }

  heard(content: unknown): void {
    const { blocked, freed } = content as { readonly blocked?: string; readonly freed?: string };
    const bare = blocked ?? freed ?? '';
    this.#recent.get(bare)?.();
    this.#recent.delete(bare);
    if (blocked === undefined) return;
    const cancel = this.#context.after(REMEMBERED_MS, () => this.#recent.delete(bare));
    this.#recent.set(bare, cancel);
  }

  /** A session was opened (`sm_register_connection`). */
  opened(jid: Jid): undefined {
    if (this.#recent.size === 0 || !this.#recent.has(jid.bare)) return;
    // Not while it is being opened.
    queueMicrotask(() => this.#context.closeSessions(jid.bareJid, TEXT));
  }
}
