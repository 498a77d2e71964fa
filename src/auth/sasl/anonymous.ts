import { randomText } from '../../util/random.ts';
import type { SaslContext, SaslExchange } from './exchange.ts';
import { failure, type SaslResult } from './result.ts';

/** 128 bits (T29): nobody else's name, and nobody's guess. */
const NAME_BYTES = 16;

/** The server side of SASL ANONYMOUS (RFC 4505, XEP-0175). The server makes up the name. */
export class AnonymousExchange implements SaslExchange {
  readonly mechanism = 'ANONYMOUS';
  readonly #context: SaslContext;
  #isSpent = false;

  constructor(context: SaslContext) {
    this.#context = context;
  }

  /** Trace data is not looked at: XEP-0175 §3 allows no use of it. */
  step(_data: Buffer | undefined): SaslResult {
    if (this.#isSpent) return failure('malformed-request');
    this.#isSpent = true;
    const method = this.#context.host.logins.anonymousMethod();
    if (method === undefined) return failure('not-authorized');
    const username = randomText(NAME_BYTES, 'hex');
    return { kind: 'success', username, authzid: undefined, data: undefined, method };
  }
}
