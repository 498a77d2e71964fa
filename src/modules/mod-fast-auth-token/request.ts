import {
  type Accumulator,
  type Element,
  NS_FAST,
  type SaslFailure,
  saslFailure,
  type UserAgent,
} from '../module.ts';
import { TOKEN_MECHANISMS } from './mechanisms.ts';

/** What a client wants of tokens in one login, kept in its accumulator under `fast/request`. */
export interface FastRequest {
  /** The mechanism of a token that it asks for. */
  readonly mechanism: string | undefined;
  readonly count: number | undefined;
  /** The token with which it logs in is to end. */
  readonly isLast: boolean;
  /** When the login began, in microseconds. */
  readonly startedAt: number;
}

const NO_AGENT = saslFailure('malformed-request', 'User agent required');
const BAD_COUNT = saslFailure('malformed-request', 'count is a number');

/** `xs:int`, and not below zero. */
const COUNT = /^[0-9]{1,10}$/;
const COUNT_MAX = 2_147_483_647;

/** Reads a login's request (`sasl2_start`); a failure when it makes no sense. Undefined when tokens play no part in it. */
export function fastRequest(
  acc: Accumulator,
  authenticate: Element,
  startedAt: number,
): FastRequest | SaslFailure | undefined {
  const wanted = authenticate.child('request-token', NS_FAST);
  const fast = authenticate.child('fast', NS_FAST);
  const isTokenLogin = TOKEN_MECHANISMS.has(authenticate.attribute('mechanism') ?? '');
  if (wanted === undefined && fast === undefined && !isTokenLogin) return undefined;
  if (wanted !== undefined || isTokenLogin) {
    if (acc.get<UserAgent>('sasl2', 'user_agent')?.id === undefined) return NO_AGENT;
  }
  const text = fast?.attribute('count');
  if (text !== undefined && (!COUNT.test(text) || Number(text) > COUNT_MAX)) return BAD_COUNT;
  const invalidate = fast?.attribute('invalidate');
  return {
    mechanism: wanted?.attribute('mechanism'),
    count: text === undefined ? undefined : Number(text),
    isLast: invalidate === 'true' || invalidate === '1',
    startedAt,
  };
}
