import type { SaslFailure } from '../../auth/sasl/result.ts';
import type { Element } from '../../xml/element.ts';
import type { Accumulator } from '../accumulator.ts';
import type { LoginDemands } from '../login.ts';
import { point } from '../point.ts';
import type { C2sParams } from '../session.ts';
import type { Credentials, Features } from '../values.ts';
import { C2S_PARAMS, SESSION_PARAM } from './common.ts';

/** What else a login needs cannot be said: it fails, and may be tried again. */
const UNKNOWN: SaslFailure = {
  kind: 'failure',
  condition: 'temporary-auth-failure',
  text: undefined,
  username: undefined,
  cause: undefined,
  isRefusal: false,
};

/** Hooks of the extensible SASL profile (XEP-0388) and of the binding inside it (XEP-0386). */
export const sasl2Points = {
  sasl2_stream_features: point<Features, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'SASL2, when it offers itself among the stream features.',
    acc: 'An empty list.',
    params: C2S_PARAMS,
    result: 'The children of `<inline/>`: what a client may ask for together with the authentication.',
  }),
  sasl2_start: point<Accumulator, { stanza: Element }>({
    scope: 'host_type',
    part: 'core',
    when: 'SASL2, when a client asked to authenticate and before the mechanism starts.',
    acc: 'The accumulator of the exchange, which lives until it ends. The key `sasl2/user_agent` has what the client says about itself.',
    params: { stanza: 'The `<authenticate/>`.' },
    result:
      'Handlers keep their part of the request in the accumulator, for sasl2_success. One that refuses puts a failure under the key `sasl2/failure` (`saslFailure` makes one). STOP only skips the handlers that come later.',
  }),
  sasl2_tasks: point<
    LoginDemands,
    { acc: Accumulator; session: C2sParams; creds: Credentials; done: readonly string[] }
  >({
    scope: 'host_type',
    part: 'core',
    when: 'SASL2, when the mechanism succeeded, and again after each task. Not for a login that must not be asked for more: its mechanism sets the key `sasl2/complete` (tokens of XEP-0484).',
    acc: 'No tasks, no text, no failure.',
    params: {
      acc: 'The accumulator of the exchange, as sasl2_start and sasl2_success have it.',
      session: SESSION_PARAM,
      creds: 'Who the client proved to be, and how.',
      done: 'The names of the tasks that the client has done.',
    },
    result:
      'With a `failure` the login fails. With `tasks` the client is told `<continue/>`, chooses one and does it. Without either it is in.',
    failure: 'closed',
    refusal: { tasks: [], text: undefined, failure: UNKNOWN },
  }),
  sasl2_success: point<Accumulator, { session: C2sParams; creds: Credentials }>({
    scope: 'host_type',
    part: 'core',
    when: 'SASL2, when the authentication succeeded, all tasks are done, and before the client is told so. Resumption comes first, at priority 20, then binding.',
    acc: 'The accumulator of the exchange. The key `sasl2/answered` has a promise that settles when the answer is written: whoever opens a session holds back until then what is delivered to it.',
    params: { session: SESSION_PARAM, creds: 'Who the client proved to be, and how.' },
    result:
      'Elements that handlers append under the key `sasl2/answers` become children of `<success/>`. STOP skips the handlers that come later: resuming a session stops, so that nothing is bound, and no features follow then. A session that is not the stream’s own object is put under the key `sasl2/session`; it is told the rest.',
  }),
  bind2_stream_features: point<Features, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'Binding, when it offers itself inside SASL2.',
    acc: 'An empty list.',
    params: C2S_PARAMS,
    result: 'The `<feature/>` elements of what can be switched on while binding.',
  }),
  bind2_enable_features: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'Binding, when the user was let in and before the session is in the session table; its address and identity are decided.',
    acc: 'The accumulator of the exchange; the key `bind2/request` has the `<bind/>`.',
    params: C2S_PARAMS,
    result:
      'Elements that handlers append under the key `bind2/answers` become children of `<bound/>`. STOP only skips the handlers that come later.',
  }),
} as const;
