import type { HostType } from '../hooks/host-type.ts';
import { foldHook } from '../hooks/run.ts';
import { EXISTENCE_CACHE_MAX } from '../limits.ts';
import { GenerationCache } from '../util/generation-cache.ts';
import type { Jid } from '../xmpp/jid.ts';

/**
 * Whether accounts exist: the hook `does_user_exist`, whose answers are remembered. Accounts that come and go are announced to all
 * shards, which forget them here; so both answers may be remembered.
 */
export class Existence {
  /** Accounts whose last question nobody could answer. */
  readonly #uncertain = new Set<string>();
  readonly #stored = new GenerationCache<string, boolean>(EXISTENCE_CACHE_MAX);

  /** `stored`: registered accounts; `with_anonymous`: also anonymous users that are connected. */
  has(
    hostType: HostType | undefined,
    jid: Jid,
    requestType: 'stored' | 'with_anonymous',
  ): boolean | Promise<boolean> {
    if (jid.local === '') return false;
    if (requestType === 'stored') {
      const known = this.#stored.get(jid.bare);
      if (known !== undefined) return known;
    }
    const answer = foldHook(hostType, 'does_user_exist', false, { jid, requestType });
    if (answer instanceof Promise) return answer.then((exists) => this.#remember(jid, requestType, exists));
    return this.#remember(jid, requestType, answer);
  }

  /** What is remembered of a registered account; undefined if nothing is. */
  known(jid: Jid): boolean | undefined {
    return this.#stored.get(jid.bare);
  }

  /** An account was registered or removed. */
  forget(bare: string): void {
    this.#stored.delete(bare);
  }

  /** Accounts of a whole domain were removed. */
  clear(): void {
    this.#stored.clear();
  }

  /** The question that is being answered has no certain answer: the store is away. Called by the handler that asks it. */
  uncertain(bare: string): void {
    this.#uncertain.add(bare);
  }

  #remember(jid: Jid, requestType: string, exists: boolean): boolean {
    // In doubt for the account: whoever needs the store next will say that it is away.
    if (this.#uncertain.delete(jid.bare)) return true;
    if (requestType === 'stored') this.#stored.set(jid.bare, exists);
    return exists;
  }
}
