import {
  type Accumulator,
  type C2sParams,
  Element,
  type IqAnswer,
  type ModuleContext,
  NS_CLIENT,
  NS_REGISTER,
  parseDomain,
  STOP,
  StanzaError,
  StanzaKind,
  serialize,
  type Verdict,
} from '../module.ts';
import type { RegisterOptions } from './mod-register.ts';
import { formOf, instructions, type Registration } from './registration.ts';

/** Registration before login: requests that come while a stream has no user, and answers that go straight back onto it. */
export class StreamRegistration {
  readonly #context: ModuleContext<RegisterOptions>;
  readonly #registration: Registration;

  constructor(context: ModuleContext<RegisterOptions>, registration: Registration) {
    this.#context = context;
    this.#registration = registration;
  }

  /** An element before login (`user_send_xmlel`): ours if it is a registration request. */
  element(acc: Accumulator, session: C2sParams): Verdict | Promise<Verdict> {
    // While a module logs the client in nothing else may come.
    if (session.isAuthenticated || session.state === 'external') return undefined;
    if (acc.stanza!.kind !== StanzaKind.IQ) return undefined;
    const iq = acc.stanza!.element;
    const type = iq.attribute('type');
    const query = iq.childOf(NS_REGISTER);
    if (query === undefined || (type !== 'get' && type !== 'set')) return undefined;
    const answer = this.#answer(iq, query, session);
    if (!(answer instanceof Promise)) return reply(acc, session, iq, answer);
    return answer
      .catch((cause: unknown) => {
        this.#context.log.error({ err: cause, what: 'registration_failed' }, 'a registration failed');
        return new StanzaError('internal-server-error');
      })
      .then((settled) => reply(acc, session, iq, settled));
  }

  #answer(iq: Element, query: Element, session: C2sParams): IqAnswer | Promise<IqAnswer> {
    if (session.awaitsTls) return new StanzaError('policy-violation', 'Use of STARTTLS required');
    const to = iq.attribute('to');
    if (to !== undefined && parseDomain(to) !== session.lserver) return new StanzaError('not-allowed');
    if (query.name !== 'query' || iq.elements().length !== 1) return new StanzaError('bad-request');
    if (iq.attribute('type') === 'get') return instructions('', false);
    if (query.child('remove') !== undefined) {
      // Nobody has shown whose account that would be (XEP-0077 §3.2).
      return new StanzaError(query.elements().length === 1 ? 'not-allowed' : 'bad-request');
    }
    const form = formOf(query);
    if (form === undefined) return new StanzaError('bad-request');
    const applicant = { address: session.info.address, jid: undefined };
    return this.#registration.register(session.lserver, form, applicant);
  }
}

function reply(acc: Accumulator, { lserver }: C2sParams, request: Element, answer: IqAnswer): Verdict {
  const id = request.attribute('id');
  const isError = answer instanceof StanzaError;
  const iq = Element.of('iq', NS_CLIENT, { type: isError ? 'error' : 'result', id, from: lserver });
  if (isError) iq.children.push(answer.toElement(), ...request.children);
  else if (answer instanceof Element) iq.children.push(answer);
  acc.addAction({ kind: 'socket_send', xml: serialize(iq, NS_CLIENT) });
  return STOP;
}
