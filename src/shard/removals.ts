import { LOGIN_MS_MAX, TASKS_MS_MAX } from '../limits.ts';
import type { Jid } from '../xmpp/jid.ts';

/** No login takes longer; what was removed before then need not be remembered. */
const REMEMBERED_MS = 2 * LOGIN_MS_MAX + TASKS_MS_MAX;
/** Removals that are remembered; beyond it the earlier ones are forgotten. */
const REMOVALS_MAX = 65_536;

/**
 * Accounts, and domains with all of theirs, that were removed while somebody may be logging in: what a login has read of an account before says nothing about
 * whoever has the name next.
 */
export class Removals {
  /** When, by bare JID or domain, the earliest first. */
  readonly #at = new Map<string, number>();

  add(bareOrDomain: string, nowMs: number): void {
    this.#at.delete(bareOrDomain);
    this.#at.set(bareOrDomain, nowMs);
    for (const [name, at] of this.#at) {
      if (this.#at.size <= REMOVALS_MAX && nowMs - at < REMEMBERED_MS) break;
      this.#at.delete(name);
    }
  }

  /** Whether the account was removed at that time or later. */
  since({ bare, domain }: Jid, ms: number): boolean {
    if (this.#at.size === 0) return false;
    return (this.#at.get(bare) ?? -1) >= ms || (this.#at.get(domain) ?? -1) >= ms;
  }
}
