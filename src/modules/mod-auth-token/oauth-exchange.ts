import { type MechanismLogin, type SaslExchange, type SaslResult, saslFailure } from '../module.ts';
import type { AuthTokens } from './auth-tokens.ts';

/** The server's side of X-OAUTH: one message, which is the token. */
export class OauthExchange implements SaslExchange {
  readonly mechanism = 'X-OAUTH';
  readonly #tokens: AuthTokens;
  readonly #login: MechanismLogin;
  #state: 'new' | 'asked' | 'spent' = 'new';

  constructor(tokens: AuthTokens, login: MechanismLogin) {
    this.#tokens = tokens;
    this.#login = login;
  }

  step(data: Buffer | undefined): SaslResult | Promise<SaslResult> {
    if (data === undefined && this.#state === 'new') {
      this.#state = 'asked';
      return { kind: 'challenge', data: Buffer.alloc(0) };
    }
    const isSpent = this.#state === 'spent';
    this.#state = 'spent';
    return data === undefined || isSpent ? saslFailure('malformed-request') : this.#verify(data);
  }

  async #verify(data: Buffer): Promise<SaslResult> {
    try {
      const login = await this.#tokens.login(data, this.#login.domain);
      if (login === undefined) return saslFailure('not-authorized');
      const username = login.owner.local;
      return { kind: 'success', username, authzid: undefined, data: login.data, method: 'auth_token' };
    } catch (error) {
      return saslFailure('temporary-auth-failure', undefined, undefined, error);
    }
  }
}
