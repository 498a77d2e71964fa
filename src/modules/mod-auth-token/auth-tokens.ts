import {
  Element,
  type IqAnswer,
  type IqRequest,
  type Jid,
  type ModuleContext,
  NS_TOKEN_AUTH,
  type Outcome,
  parseElementText,
  StanzaError,
} from '../module.ts';
import type { AuthTokenOptions } from './mod-auth-token.ts';
import { isSigned, makeToken, parseToken, type Token } from './token.ts';

/** The names of keys: for tokens of our own, and for those of who makes accounts for us. */
const OWN_KEY = 'token_secret';
const PROVISION_KEY = 'provision_pre_shared';

/** Whose token it was, and what the client gets along with its login. */
export interface TokenLogin {
  readonly owner: Jid;
  /** A new access token. */
  readonly data: Buffer | undefined;
}

/** Makes tokens, and tells good ones from others. */
export class AuthTokens {
  readonly #context: ModuleContext<AuthTokenOptions>;

  constructor(context: ModuleContext<AuthTokenOptions>) {
    this.#context = context;
  }

  /** A user asks for tokens of its own. */
  async request({ from, to }: IqRequest): Promise<IqAnswer> {
    const owner = from.bareJid;
    // Of other accounts not even their existence is told (threat T68).
    if (owner.bare !== to.bare) return new StanzaError('service-unavailable');
    if (!(await this.#context.accounts.exists(owner))) return new StanzaError('not-allowed');
    try {
      const key = await this.#key(OWN_KEY);
      const { sequence, since } = await this.#context.store.request(
        'auth_token_ensure',
        owner.domain,
        owner.local,
        this.#now(),
      );
      this.#context.count('issued');
      const issued = Math.max(this.#now(), since);
      const { refreshS } = this.#context.options.validity_period;
      const refresh = makeToken('refresh', owner, issued + refreshS, key, sequence);
      return Element.of(
        'items',
        NS_TOKEN_AUTH,
        {},
        Element.of('access_token', NS_TOKEN_AUTH, {}, this.#access(owner, issued, key).toString('base64')),
        Element.of('refresh_token', NS_TOKEN_AUTH, {}, refresh.toString('base64')),
      );
    } catch (cause) {
      this.#context.log.error(
        { err: cause, what: 'auth_token_failed', jid: owner.bare },
        'no token was made',
      );
      return new StanzaError('internal-server-error');
    }
  }

  /** Checks a token on a domain. Undefined when it is not good; rejects when nobody can tell. */
  async login(data: Buffer, domain: string): Promise<TokenLogin | undefined> {
    const token = parseToken(data);
    if (token === undefined || token.owner.domain !== domain) return undefined;
    const key = await this.#key(token.type === 'provision' ? PROVISION_KEY : OWN_KEY);
    if (!isSigned(token, key) || token.expires <= this.#now()) return undefined;
    const { owner } = token;
    if (token.type === 'provision') {
      await this.#provision(token);
      return { owner, data: undefined };
    }
    const since = await this.#validSince(token);
    if (since === undefined || !(await this.#context.accounts.exists(owner))) return undefined;
    if (token.type === 'access') return { owner, data: undefined };
    return { owner, data: this.#access(owner, Math.max(this.#now(), since), key) };
  }

  /** All tokens of an account end. */
  async revoke({ domain, local }: Jid): Promise<undefined> {
    const isKnown = await this.#context.store.request('auth_token_revoke', domain, local, this.#now());
    if (isKnown) this.#context.count('revoked');
  }

  async removed({ domain, local }: Jid): Promise<undefined> {
    await this.#context.store.request('auth_token_remove', domain, local);
  }

  /** An account is new: tokens of an earlier one of its name belong to somebody else. */
  async registered(jid: Jid): Promise<undefined> {
    if (await this.#context.accounts.exists(jid)) await this.removed(jid);
  }

  /**
   * Since when tokens of the owner count, in seconds, if this one is among them. An account without tokens has revoked none, but it has got none
   * either: this one is of an earlier account with the same name.
   */
  async #validSince({ type, owner, expires, sequence }: Token): Promise<number | undefined> {
    const state = await this.#context.store.request('auth_token_get', owner.domain, owner.local);
    if (state === null) return undefined;
    const { accessS, refreshS } = this.#context.options.validity_period;
    const issued = expires - (type === 'access' ? accessS : refreshS);
    if (issued < state.since || (type === 'refresh' && sequence < state.sequence)) return undefined;
    return state.since;
  }

  #access(owner: Jid, issued: number, key: Uint8Array): Buffer {
    return makeToken('access', owner, issued + this.#context.options.validity_period.accessS, key);
  }

  async #provision({ owner, vcard }: Token): Promise<void> {
    const outcome = await this.#setVcard(owner, vcard);
    if (outcome === 'ok') return;
    const fields = { what: 'provision_vcard_failed', jid: owner.bare, error: outcome.error };
    this.#context.log.warn(fields, 'the vCard of a provision token was not stored');
  }

  async #setVcard(user: Jid, text: string): Promise<Outcome> {
    let vcard: Element;
    try {
      vcard = parseElementText(text);
    } catch {
      return { error: 'not_xml' };
    }
    return this.#context.foldHook('set_vcard', { error: 'no_handler_defined' }, { user, vcard });
  }

  async #key(name: string): Promise<Uint8Array> {
    const keyId = { name, hostType: this.#context.hostType };
    const keys = await this.#context.foldHook('get_key', [], { keyId });
    if (keys.length !== 1) throw new Error(`there are ${keys.length} keys of the name ${name}, not one`);
    return keys[0]!.secret;
  }

  /** Seconds since the epoch. */
  #now(): number {
    return Math.floor(this.#context.timestamp() / 1e6);
  }
}
