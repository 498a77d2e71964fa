import { AnonymousExchange } from './anonymous.ts';
import { MECHANISM_BY_NAME } from './catalogue.ts';
import type { SaslContext, SaslExchange } from './exchange.ts';
import { ExternalExchange } from './external.ts';
import { PlainExchange } from './plain.ts';
import { failure, type SaslFailure } from './result.ts';
import { ScramExchange } from './scram.ts';

const INVALID_MECHANISM = failure('invalid-mechanism');
const ENCRYPTION_REQUIRED = failure('encryption-required', 'Use of STARTTLS required');

/**
 * Starts the exchange that the `mechanism` attribute of `<auth/>` names. A mechanism that was not offered on this very stream fails: with
 * `encryption-required` if it only lacks TLS, else with `invalid-mechanism`, known or not.
 */
export function createMechanism(name: string, context: SaslContext): SaslExchange | SaslFailure {
  if (!context.offer.mechanisms.includes(name)) {
    return context.offer.needTls.includes(name) ? ENCRYPTION_REQUIRED : INVALID_MECHANISM;
  }
  const mechanism = MECHANISM_BY_NAME.get(name);
  switch (mechanism?.kind) {
    case 'plain':
      return new PlainExchange(context);
    case 'scram':
      return new ScramExchange(name, mechanism.hash!, mechanism.isPlus, context);
    case 'external':
      return new ExternalExchange(context);
    case 'anonymous':
      return new AnonymousExchange(context);
    default:
      return INVALID_MECHANISM;
  }
}
