import type { HostType } from '../hooks/host-type.ts';
import type { HookParams } from '../hooks/points.ts';
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
  /** Questions that nobody has answered for certain. */
  readonly #open = new WeakSet<HookParams<'does_user_exist'>>();
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
    const question = { jid, requestType };
    const answer = foldHook(hostType, 'does_user_exist', false, question);
    if (answer instanceof Promise) return answer.then((exists) => this.#remember(hostType, question, exists));
    return this.#remember(hostType, question, answer);
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

  /**
   * Called by the handler that asks those who know: the question has no certain answer until {@link decided}. Others may be asked about the same account at the same
   * time; and the handler may be given up, because the store takes too long.
   */
  undecided(question: HookParams<'does_user_exist'>): void {
    this.#open.add(question);
  }

  decided(question: HookParams<'does_user_exist'>): void {
    this.#open.delete(question);
  }

  #remember(
    hostType: HostType | undefined,
    question: HookParams<'does_user_exist'>,
    exists: boolean,
  ): boolean {
    const { jid, requestType } = question;
    // In doubt for the account: whoever needs the store next will say that it is away.
    if (!exists && this.#open.has(question)) return true;
    if (requestType !== 'stored') return exists;
    const isOwn = hostType === undefined || this.#isOwn(hostType);
    (isOwn ? this.#stored : this.#foreign).set(jid.bare, exists);
    return exists;
  }
}
