import {
  type Accumulator,
  type C2sParams,
  Element,
  type LoginExchange,
  type ModuleContext,
  NS_CLIENT,
  NS_SASL,
  NS_SASL2,
  type SaslFailure,
  type SaslResult,
  type SaslSuccess,
  STOP,
  type StreamLogin,
  saslFailure,
  serialize,
  type Verdict,
} from '../module.ts';
import { userAgentOf } from './user-agent.ts';

/** What a stream remembers from `<authenticate/>` to the end of the exchange. */
interface Attempt {
  /** Lives as long as the exchange; other modules keep their part of the request in it. */
  readonly acc: Accumulator;
  readonly login: StreamLogin;
  readonly exchange: LoginExchange;
}

const ABORTED = saslFailure('aborted');
const NOT_TEXT = saslFailure('malformed-request', 'SASL data is text');

/** The server's side of XEP-0388. While an exchange goes on this owns the stream (state `external`). */
export class Sasl2 {
  readonly #context: ModuleContext;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  /** An element that the stream itself does not know (`user_send_xmlel`): ours by its namespace, and all of them during an exchange. */
  element(acc: Accumulator, session: C2sParams): Verdict {
    const { element } = acc.stanza!;
    const attempt = session.moduleState(this.#context.slot) as Attempt | undefined;
    if (attempt === undefined && element.ns !== NS_SASL2) return undefined;
    const login = attempt?.login ?? this.#context.login(session);
    if (!session.isEncrypted || session.isAuthenticated) login.fail('policy-violation', 'SASL2 violation');
    else if (element.ns !== NS_SASL2) outOfPlace(login, element);
    else if (session.state === 'wait_for_sasl_response')
      login.fail('policy-violation', 'one login at a time');
    else if (element.name === 'authenticate' && attempt === undefined) this.#begin(acc, session, login);
    else if (element.name === 'response' && attempt !== undefined) this.#respond(attempt, session, element);
    else if (element.name === 'abort') this.#fail(login, session, ABORTED);
    else login.fail('policy-violation', 'unexpected SASL2 element');
    return STOP;
  }

  #begin(request: Accumulator, session: C2sParams, login: StreamLogin): void {
    const { element } = request.stanza!;
    const agent = userAgentOf(element);
    if (agent === undefined) {
      login.fail('policy-violation', 'the id of a user agent is a UUID of version 4');
      return;
    }
    const acc = request.derive(request.stanza!, request.from, request.to);
    acc.set('sasl2', 'user_agent', agent);
    login.takeOver();
    login.suspend(this.#start(acc, session, login, element));
  }

  async #start(acc: Accumulator, session: C2sParams, login: StreamLogin, element: Element): Promise<void> {
    await this.#context.runHook('sasl2_start', acc, { stanza: element });
    const veto = acc.get<SaslFailure>('sasl2', 'failure');
    const exchange = veto ?? login.start(element.attribute('mechanism') ?? '', acc);
    if ('kind' in exchange) {
      this.#fail(login, session, exchange);
      return;
    }
    const attempt: Attempt = { acc, login, exchange };
    session.setModuleState(this.#context.slot, attempt);
    await this.#step(attempt, session, element.child('initial-response', NS_SASL2));
  }

  #respond(attempt: Attempt, session: C2sParams, element: Element): void {
    attempt.login.suspend(this.#step(attempt, session, element));
  }

  async #step(attempt: Attempt, session: C2sParams, data: Element | undefined): Promise<void> {
    const { login, exchange } = attempt;
    const isText = data === undefined || data.elements().length === 0;
    const result: SaslResult = isText ? await exchange.step(data?.text()) : NOT_TEXT;
    if (!login.isOpen) return;
    switch (result.kind) {
      case 'challenge':
        login.stepped();
        login.write(`<challenge xmlns='${NS_SASL2}'>${result.data.toString('base64')}</challenge>`);
        return;
      case 'failure':
        this.#fail(login, session, result);
        return;
      case 'success':
        await this.#succeed(attempt, session, result);
    }
  }

  async #succeed({ acc, login, exchange }: Attempt, session: C2sParams, success: SaslSuccess): Promise<void> {
    const { username, authzid, method } = success;
    if (authzid !== undefined && login.isForeign(username)) {
      // XEP-0388 §6.4: whom the stream was opened for, and whom the client wants to be, are one.
      this.#fail(login, session, saslFailure('invalid-authzid', undefined, username));
      return;
    }
    session.setModuleState(this.#context.slot, undefined);
    if (!login.authenticated(success)) return;
    const answered = Promise.withResolvers<void>();
    acc.set('sasl2', 'answered', answered.promise);
    let client = login;
    try {
      const creds = { username, authMethod: method, mechanism: exchange.mechanism, authzid };
      const verdict = await this.#context.runHook('sasl2_success', acc, { session, creds });
      // A session that was resumed may have taken the connection from the stream.
      const answering = acc.get<C2sParams>('sasl2', 'session') ?? session;
      if (answering !== session) client = this.#context.login(answering);
      if (!client.isOpen) return;
      client.write(successXml(acc, answering, success.data));
      // It has negotiated all of its features long ago.
      const isResumed = verdict === STOP && answering.state === 'session_established';
      if (!isResumed) await client.writeFeatures();
    } finally {
      answered.resolve();
    }
    if (client.isOpen) client.apply(acc);
  }

  #fail(login: StreamLogin, session: C2sParams, failed: SaslFailure): void {
    session.setModuleState(this.#context.slot, undefined);
    login.failed(failed, failureXml(failed));
  }
}

/** XEP-0388 §2.4: during an exchange nothing else is sent. */
function outOfPlace(login: StreamLogin, { name }: Element): void {
  if (name === 'response' || name === 'abort') login.fail('invalid-namespace');
  else login.fail('policy-violation', 'only SASL2 elements may be sent now');
}

/** XEP-0388 §2.6.1. */
function successXml(acc: Accumulator, { jid, state }: C2sParams, data: Buffer | undefined): string {
  // Until it is in the session table, no address is anybody's.
  const who = state === 'session_established' ? jid!.full : jid!.bare;
  const success = Element.of('success', NS_SASL2);
  if (data !== undefined) {
    success.children.push(Element.of('additional-data', NS_SASL2, {}, data.toString('base64')));
  }
  success.children.push(
    Element.of('authorization-identifier', NS_SASL2, {}, who),
    ...(acc.get<readonly Element[]>('sasl2', 'answers') ?? []),
  );
  return serialize(success, NS_CLIENT);
}

/** XEP-0388 §2.6.2. */
function failureXml({ condition, text }: SaslFailure): string {
  const children: Element[] = [new Element(condition, NS_SASL)];
  if (text !== undefined) children.push(Element.of('text', NS_SASL2, { 'xml:lang': 'en' }, text));
  return serialize(Element.of('failure', NS_SASL2, {}, ...children), NS_CLIENT);
}
