import type { HostType } from '../hooks/host-type.ts';
import { foldHook } from '../hooks/run.ts';
import { EXISTENCE_CACHE_MAX } from '../limits.ts';
import { GenerationCache } from '../util/generation-cache.ts';
import type { Jid } from '../xmpp/jid.ts';

/**
 * Whether accounts exist: the hook `does_user_exist`, whose answers are remembered. Accounts that come and go are announced to all
 * shards, which forget them here; so both answers may be remembered. Where accounts are somebody else's nobody announces them: what was said of
 * one holds until {@link expire}, which is soon, so that a flood of stanzas to one account is one question.
 */
export class Existence {
  /** Accounts whose last question nobody could answer. */
  readonly #uncertain = new Set<string>();
  readonly #stored = new GenerationCache<string, boolean>(EXISTENCE_CACHE_MAX);
  readonly #foreign = new GenerationCache<string, boolean>(EXISTENCE_CACHE_MAX);
  readonly #isOwn: (hostType: HostType) => boolean;

  /** `isOwn`: whether all accounts of a host type come and go through this server. */
  constructor(isOwn: (hostType: HostType) => boolean) {
    this.#isOwn = isOwn;
  }

  /** `stored`: registered accounts; `with_anonymous`: also anonymous users that are connected. */
  has(
    hostType: HostType | undefined,
    jid: Jid,
    requestType: 'stored' | 'with_anonymous',
  ): boolean | Promise<boolean> {
    if (jid.local === '') return false;
    if (requestType === 'stored') {
      const known = this.known(jid);
      if (known !== undefined) return known;
    }
    const answer = foldHook(hostType, 'does_user_exist', false, { jid, requestType });
    if (answer instanceof Promise)
      return answer.then((exists) => this.#remember(hostType, jid, requestType, exists));
    return this.#remember(hostType, jid, requestType, answer);
  }

  /** What is remembered of a registered account; undefined if nothing is. */
  known(jid: Jid): boolean | undefined {
    return this.#stored.get(jid.bare) ?? this.#foreign.get(jid.bare);
  }

  /** An account was registered or removed. */
  forget(bare: string): void {
    this.#stored.delete(bare);
    this.#foreign.delete(bare);
  }

  /** Accounts of a whole domain were removed. */
  clear(): void {
    this.#stored.clear();
    this.#foreign.clear();
  }

  /** To be called every second or so. */
  expire(): void {
    if (this.#foreign.size > 0) this.#foreign.clear();
  }

  /** The question that is being answered has no certain answer: the store is away. Called by the handler that asks it. */
  uncertain(bare: string): void {
    this.#uncertain.add(bare);
  }

  #remember(hostType: HostType | undefined, jid: Jid, requestType: string, exists: boolean): boolean {
    // In doubt for the account: whoever needs the store next will say that it is away.
    if (this.#uncertain.delete(jid.bare)) return true;
    if (requestType !== 'stored') return exists;
    const isOwn = hostType === undefined || this.#isOwn(hostType);
    (isOwn ? this.#stored : this.#foreign).set(jid.bare, exists);
    return exists;
  }
}
