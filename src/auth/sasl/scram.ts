import { createHmac, hash as digestOf } from 'node:crypto';
import { randomText } from '../../util/random.ts';
import { equalSecrets } from '../constant-time.ts';
import { type DerivedKeys, HASH_FACTS, type ScramHash } from '../scram.ts';
import { channelBindingData } from './channel-binding.ts';
import { decoyKeys, decoySalt } from './decoy.ts';
import type { AccountKeys, SaslContext, SaslExchange, ScramLogin } from './exchange.ts';
import { accountName, isOwnAuthzid } from './identity.ts';
import { bindingRefused, EMPTY_CHALLENGE, failure, type SaslFailure, type SaslResult } from './result.ts';
import {
  type ClientFinal,
  type ClientFirst,
  type MessageProblem,
  parseClientFinal,
  parseClientFirst,
} from './scram-message.ts';

/** 144 bits, which make 24 characters of base64 without padding. */
const NONCE_BYTES = 18;

function makeNonce(): string {
  return randomText(NONCE_BYTES, 'base64');
}

/** What is kept between the client's two messages. */
interface Pending {
  readonly username: string;
  readonly authzid: string | undefined;
  /** What `c=` must decode to. */
  readonly binding: Buffer;
  /** The whole nonce, client's part and ours. */
  readonly nonce: string;
  /** AuthMessage up to and with the comma before client-final-message-without-proof. */
  readonly transcript: string;
  readonly keys: DerivedKeys;
  /** The method that knows the account. Undefined for nobody, whose proof fails whatever it is. */
  readonly method: string | undefined;
}

/**
 * The server side of SCRAM (RFC 5802, 7677), with and without channel binding:
 *
 * ```
 * new ──client-first──▶ asking the backend ──server-first──▶ challenged ──client-final──▶ spent
 * ```
 *
 * Everything that depends on an account is the same for one that does not exist (T25): the message with its salt, the
 * work done for it, the moment and the wording of the failure.
 */
export class ScramExchange implements SaslExchange {
  readonly mechanism: string;
  readonly #hash: ScramHash;
  readonly #isPlus: boolean;
  readonly #context: SaslContext;
  #state: 'new' | 'asked' | 'looking-up' | 'challenged' | 'spent' = 'new';
  #pending: Pending | undefined = undefined;

  constructor(mechanism: string, hash: ScramHash, isPlus: boolean, context: SaslContext) {
    this.mechanism = mechanism;
    this.#hash = hash;
    this.#isPlus = isPlus;
    this.#context = context;
  }

  step(data: Buffer | undefined): SaslResult | Promise<SaslResult> {
    if (data === undefined && this.#state === 'new') {
      this.#state = 'asked';
      return EMPTY_CHALLENGE;
    }
    const state = this.#state;
    this.#state = 'spent';
    if (data === undefined) return malformed(this.#pending?.username);
    if (state === 'new' || state === 'asked') return this.#first(data);
    return state === 'challenged' ? this.#final(data, this.#pending!) : malformed();
  }

  #first(data: Buffer): SaslResult | Promise<SaslResult> {
    const message = parseClientFirst(data);
    if (typeof message === 'string') return problemOf(message);
    const { domain } = this.#context.host;
    const username = accountName(message.username, domain);
    if (username === undefined) return failure('not-authorized');
    if (message.authzid.length > 0 && !isOwnAuthzid(message.authzid, username, domain)) {
      return failure('invalid-authzid', undefined, username);
    }
    try {
      const binding = this.#expectedBinding(message);
      if (binding === undefined) return bindingRefused(username);
      this.#state = 'looking-up';
      return this.#challenge(message, username, binding);
    } catch (error) {
      // The exporter of a TLS connection that has just been closed throws.
      return failure('temporary-auth-failure', undefined, username, error);
    }
  }

  /**
   * What `c=` has to carry (RFC 5802 §6): the header, and the channel's data with `-PLUS`. Undefined when the client's flag does not
   * go with the mechanism: `p` belongs to `-PLUS` and to an advertised type; `y` says that the client saw no `-PLUS`, so if some was
   * offered, somebody took it away.
   */
  #expectedBinding(message: ClientFirst): Buffer | undefined {
    if (!this.#isPlus) {
      const isDeceived = message.flag === 'y' && this.#context.offer.hasPlus;
      return message.flag === 'p' || isDeceived ? undefined : Buffer.from(message.gs2Header);
    }
    if (message.flag !== 'p' || !this.#context.offer.channelBindings.includes(message.bindingType)) {
      return undefined;
    }
    const data = channelBindingData(this.#context.tls, message.bindingType);
    return data === undefined ? undefined : Buffer.concat([Buffer.from(message.gs2Header), data]);
  }

  async #challenge(message: ClientFirst, username: string, binding: Buffer): Promise<SaslResult> {
    const { host, offer } = this.#context;
    const { iterations } = host;
    const hash = this.#hash;
    let decoy: AccountKeys;
    let login: ScramLogin | undefined;
    try {
      // Made for everybody, so that it takes no longer for those who need it.
      const salt = decoySalt(host.decoySecret, host.domain, username, hash);
      decoy = decoyKeys(salt, hash, iterations);
      login = await host.logins.scramKeys(host.domain, username, { hash, salt, iterations });
    } catch (error) {
      this.#state = 'spent';
      return failure('temporary-auth-failure', undefined, username, error);
    }
    if (this.#state !== 'looking-up') return malformed(username);
    const keys = login?.keys ?? decoy;
    const nonce = message.nonce + (this.#context.makeNonce ?? makeNonce)();
    let serverFirst = `r=${nonce},s=${keys.salt.toString('base64')},i=${keys.iterations}`;
    if (host.hasDowngradeProtection) serverFirst += `,h=${offer.downgradeHash(hash)}`;
    this.#pending = {
      username,
      authzid: message.authzid.length > 0 ? `${username}@${host.domain}` : undefined,
      binding,
      nonce,
      transcript: `${message.bare},${serverFirst},`,
      keys,
      method: login?.method,
    };
    this.#state = 'challenged';
    return { kind: 'challenge', data: Buffer.from(serverFirst) };
  }

  #final(data: Buffer, pending: Pending): SaslResult {
    this.#pending = undefined;
    const { username, authzid, method } = pending;
    const message = parseClientFinal(data);
    if (typeof message === 'string') return problemOf(message, username);
    const serverSignature = verify(this.#hash, pending, message);
    if (serverSignature === undefined || method === undefined) {
      return failure('not-authorized', undefined, username);
    }
    return {
      kind: 'success',
      username,
      authzid,
      data: Buffer.from(`v=${serverSignature.toString('base64')}`),
      method,
    };
  }
}

/** Checks a client-final-message (RFC 5802 §3): the ServerSignature if the client has proven the password, else undefined. */
function verify(hash: ScramHash, pending: Pending, message: ClientFinal): Buffer | undefined {
  const { digest, bytes } = HASH_FACTS[hash];
  if (message.nonce !== pending.nonce || !equalSecrets(message.binding, pending.binding)) return undefined;
  if (message.proof.length !== bytes) return undefined;
  const authMessage = pending.transcript + message.withoutProof;
  // ClientProof is ClientKey XOR ClientSignature: the XOR with the signature that we compute gives the client's key.
  const clientKey = createHmac(digest, pending.keys.storedKey).update(authMessage).digest();
  for (let i = 0; i < bytes; i++) clientKey[i]! ^= message.proof[i]!;
  if (!equalSecrets(digestOf(digest, clientKey, 'buffer'), pending.keys.storedKey)) return undefined;
  return createHmac(digest, pending.keys.serverKey).update(authMessage).digest();
}

function problemOf(problem: MessageProblem, username?: string): SaslFailure {
  return problem === 'malformed-request' ? malformed(username) : failure(problem, undefined, username);
}

function malformed(username?: string): SaslFailure {
  return failure('malformed-request', 'not a SCRAM message that is expected here', username);
}
