import { isUtf8 } from 'node:buffer';
import type { SaslContext, SaslExchange } from './exchange.ts';
import { accountName, isOwnAuthzid } from './identity.ts';
import { EMPTY_CHALLENGE, failure, type SaslResult } from './result.ts';

/** `[authzid] NUL authcid NUL passwd` (RFC 4616 §2), decoded and not yet prepared. */
export interface PlainMessage {
  /** Empty when absent. */
  readonly authzid: string;
  readonly authcid: string;
  /** May be empty, which is a wrong password and no wrong message. */
  readonly password: string;
}

/** Reads a PLAIN message. Undefined when it is none: not UTF-8, not exactly two NULs, or nobody named. */
export function parsePlain(data: Buffer): PlainMessage | undefined {
  const first = data.indexOf(0);
  const second = data.indexOf(0, first + 1);
  if (first < 0 || second <= first + 1) return undefined;
  if (data.includes(0, second + 1) || !isUtf8(data)) return undefined;
  return {
    authzid: data.utf8Slice(0, first),
    authcid: data.utf8Slice(first + 1, second),
    password: data.utf8Slice(second + 1, data.length),
  };
}

const MALFORMED = failure('malformed-request', 'PLAIN wants: authzid NUL authcid NUL password');

/** The server side of SASL PLAIN (RFC 4616). */
export class PlainExchange implements SaslExchange {
  readonly mechanism = 'PLAIN';
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
    if (data === undefined || this.#state === 'spent') {
      this.#state = 'spent';
      return MALFORMED;
    }
    this.#state = 'spent';
    const message = parsePlain(data);
    return message === undefined ? MALFORMED : this.#check(message);
  }

  /** The authzid is looked at first: whatever the password, it must be the user's own, and a refusal costs no derivation. */
  #check(message: PlainMessage): SaslResult | Promise<SaslResult> {
    const { domain } = this.#context.host;
    const username = accountName(message.authcid, domain);
    if (username === undefined) return failure('not-authorized');
    if (message.authzid.length > 0 && !isOwnAuthzid(message.authzid, username, domain)) {
      return failure('invalid-authzid', undefined, username);
    }
    if (message.password.length === 0) return failure('not-authorized', undefined, username);
    return this.#verify(message, username);
  }

  async #verify(message: PlainMessage, username: string): Promise<SaslResult> {
    const { domain, logins } = this.#context.host;
    try {
      const method = await logins.checkPassword(domain, username, message.password);
      if (method === undefined) return failure('not-authorized', undefined, username);
      const authzid = message.authzid.length > 0 ? `${username}@${domain}` : undefined;
      return { kind: 'success', username, authzid, data: undefined, method };
    } catch (error) {
      return failure('temporary-auth-failure', undefined, username, error);
    }
  }
}
