import { randomBytes } from 'node:crypto';
import {
  equalSecrets,
  type FastToken,
  type MechanismLogin,
  type ModuleContext,
  makeJid,
  type SaslExchange,
  type SaslResult,
  saslFailure,
  type UserAgent,
} from '../module.ts';
import { parseInitiator, proof, type TokenMechanism } from './mechanisms.ts';
import type { FastRequest } from './request.ts';

/** Stands in for a token that is not there, so that the work is the same (T25). */
const DECOY = randomBytes(25).toString('base64');

const MALFORMED = saslFailure('malformed-request', 'a token login is: name NUL hashed token');

/** One login with a token: a single message of the client, proven and answered. */
export class TokenExchange implements SaslExchange {
  readonly mechanism: string;
  readonly #context: ModuleContext;
  readonly #kind: TokenMechanism;
  readonly #login: MechanismLogin;
  #isSpent = false;

  constructor(context: ModuleContext, kind: TokenMechanism, login: MechanismLogin) {
    this.mechanism = kind.name;
    this.#context = context;
    this.#kind = kind;
    this.#login = login;
  }

  step(data: Buffer | undefined): SaslResult | Promise<SaslResult> {
    const message = data === undefined || this.#isSpent ? undefined : parseInitiator(data);
    this.#isSpent = true;
    if (message === undefined) return MALFORMED;
    const username = this.#login.accountName(message.authcid);
    return username === undefined ? saslFailure('not-authorized') : this.#check(username, message.hashed);
  }

  async #check(username: string, hashed: Buffer): Promise<SaslResult> {
    try {
      return await this.#verify(username, hashed);
    } catch (error) {
      return saslFailure('temporary-auth-failure', undefined, username, error);
    }
  }

  async #verify(username: string, hashed: Buffer): Promise<SaslResult> {
    const { domain, acc } = this.#login;
    const refused = saslFailure('not-authorized', undefined, username);
    const agent = acc!.get<UserAgent>('sasl2', 'user_agent')!.id!;
    const { binding: type } = this.#kind;
    const binding = type === undefined ? Buffer.alloc(0) : this.#login.channelBinding(type);
    if (binding === undefined) return refused;
    const { store, accounts } = this.#context;
    const { fresh, current } = await store.request('fast_token_get', domain, username, agent);
    // Both places are looked at whatever is in them.
    const isFresh = this.#isProof(fresh, hashed, binding);
    const isCurrent = this.#isProof(current, hashed, binding);
    if (!isFresh && !isCurrent) return refused;
    const token = isFresh ? fresh! : current!;
    if (!this.#login.allowsMethod(token.method)) return refused;
    if (token.expires <= this.#context.timestamp()) {
      // Only who has the token learns that it is too old (XEP-0484 §4.2).
      return saslFailure('credentials-expired', undefined, username);
    }
    if (!(await accounts.exists(makeJid(username, domain)!))) return refused;
    const { count, isLast } = acc!.get<FastRequest>('fast', 'request')!;
    // Another login with the token in use changes nothing that is stored.
    if (isFresh || isLast || count !== undefined) {
      const used = [domain, username, agent, token.token, count ?? null, isLast] as const;
      if (!(await store.request('fast_token_use', ...used))) return refused;
    }
    acc!.set('fast', 'used', token);
    // XEP-0484 §4.2: whoever has a token has done all that was asked for when it was given out.
    acc!.set('sasl2', 'complete', true);
    const data = proof(this.#kind, token.token, 'Responder', binding);
    return { kind: 'success', username, authzid: undefined, data, method: token.method };
  }

  /** XEP-0484 §3.4: a token is good for the mechanism that it was asked for, and for no other. */
  #isProof(token: FastToken | null, hashed: Buffer, binding: Buffer): boolean {
    const isUsable = token?.mechanism === this.mechanism;
    const expected = proof(this.#kind, isUsable ? token.token : DECOY, 'Initiator', binding);
    return equalSecrets(hashed, expected) && isUsable;
  }
}
