import { isUtf8 } from 'node:buffer';
import { certificateNames } from '../certificate.ts';
import type { SaslContext, SaslExchange } from './exchange.ts';
import { externalIdentity } from './external-rules.ts';
import { EMPTY_CHALLENGE, failure, type SaslResult } from './result.ts';

const MALFORMED = failure('malformed-request', 'EXTERNAL wants an authorization identity, or none');

/** The server side of SASL EXTERNAL (RFC 4422 appendix A) with a certificate of TLS (XEP-0178). */
export class ExternalExchange implements SaslExchange {
  readonly mechanism = 'EXTERNAL';
  readonly #context: SaslContext;
  #state: 'new' | 'asked' | 'spent' = 'new';

  constructor(context: SaslContext) {
    this.#context = context;
  }

  step(data: Buffer | undefined): SaslResult | Promise<SaslResult> {
    if (data === undefined && this.#state === 'new') {
      this.#state = 'asked';
      return EMPTY_CHALLENGE;
    }
    const isSpent = this.#state === 'spent';
    const isAsked = this.#state === 'asked';
    this.#state = 'spent';
    // An empty `<response/>` says the same as `=` in `<auth/>`: no authorization identity.
    const authzid = data ?? (isAsked ? Buffer.alloc(0) : undefined);
    if (isSpent || authzid === undefined || authzid.includes(0) || !isUtf8(authzid)) return MALFORMED;
    return this.#identify(authzid.length === 0 ? undefined : authzid.utf8Slice(0, authzid.length));
  }

  #identify(authzid: string | undefined): SaslResult | Promise<SaslResult> {
    const certificate = this.#context.tls?.clientCertificate;
    return certificate === undefined ? failure('not-authorized') : this.#find(certificate, authzid);
  }

  async #find(certificate: Uint8Array, authzid: string | undefined): Promise<SaslResult> {
    const { external, externalModules, domain } = this.#context.host;
    const claim = { ...certificateNames(certificate), certificate, authzid, domain };
    try {
      const identity = await externalIdentity(external, claim, externalModules);
      if (identity.kind === 'refused') return failure(identity.condition);
      return await this.#authorize(identity.username, authzid !== undefined, certificate);
    } catch (error) {
      return failure('temporary-auth-failure', undefined, undefined, error);
    }
  }

  async #authorize(username: string, hasAuthzid: boolean, certificate: Uint8Array): Promise<SaslResult> {
    const { domain, logins } = this.#context.host;
    try {
      const method = await logins.acceptsCertificate(domain, username, certificate);
      if (method === undefined) return failure('not-authorized', undefined, username);
      const authzid = hasAuthzid ? `${username}@${domain}` : undefined;
      return { kind: 'success', username, authzid, data: undefined, method };
    } catch (error) {
      return failure('temporary-auth-failure', undefined, username, error);
    }
  }
}
