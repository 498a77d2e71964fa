import {
  type Accumulator,
  type C2sParams,
  type Credentials,
  type Element,
  type LoginDemands,
  type LoginExchange,
  type ModuleContext,
  makeJid,
  NS_SASL2,
  type SaslFailure,
  type SaslResult,
  type SaslSuccess,
  STOP,
  type StreamLogin,
  saslFailure,
  type Verdict,
} from '../module.ts';
import { continueXml, failureXml, successXml, taskDataXml } from './sasl2-xml.ts';
import { Tasks } from './tasks.ts';
import { userAgentOf } from './user-agent.ts';

/** What a stream remembers from `<authenticate/>` to the end of the exchange. */
interface Attempt {
  /** Lives as long as the exchange; other modules keep their part of the request in it. */
  readonly acc: Accumulator;
  readonly login: StreamLogin;
  readonly exchange: LoginExchange;
  /** Once the mechanism has succeeded and the client is asked for more. */
  tasks: Tasks | undefined;
}

/** Stands in the place of an attempt when there may not be another one (XEP-0388 §4.8). */
const SPENT = 'spent';

const ABORTED = saslFailure('aborted');
const NOT_TEXT = saslFailure('malformed-request', 'SASL data is text');
const NO_DEMANDS: LoginDemands = { tasks: [], text: undefined, failure: undefined };

/** The server's side of XEP-0388. While an exchange goes on this owns the stream (state `external`). */
export class Sasl2 {
  readonly #context: ModuleContext;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  /** An element that the stream itself does not know (`user_send_xmlel`): ours by its namespace, and all of them during an exchange. */
  element(acc: Accumulator, session: C2sParams): Verdict {
    const { element } = acc.stanza!;
    const state = session.moduleState(this.#context.slot) as Attempt | typeof SPENT | undefined;
    const attempt = state === SPENT ? undefined : state;
    if (attempt === undefined && element.ns !== NS_SASL2) return undefined;
    const login = attempt?.login ?? this.#context.login(session);
    if (!session.isEncrypted || session.isAuthenticated) login.fail('policy-violation', 'SASL2 violation');
    else if (element.ns !== NS_SASL2) outOfPlace(login, element);
    else if (session.state === 'wait_for_sasl_response')
      login.fail('policy-violation', 'one login at a time');
    else if (attempt === undefined && state !== SPENT && element.name === 'authenticate')
      this.#begin(acc, session, login);
    else if (element.name === 'abort') this.#fail(login, session, ABORTED);
    else if (attempt !== undefined && isExpected(attempt, element)) this.#go(attempt, session, element);
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
    const attempt: Attempt = { acc, login, exchange, tasks: undefined };
    session.setModuleState(this.#context.slot, attempt);
    await this.#step(attempt, session, element.child('initial-response', NS_SASL2));
  }

  #go(attempt: Attempt, session: C2sParams, element: Element): void {
    const { login, tasks } = attempt;
    login.suspend(
      tasks === undefined
        ? this.#step(attempt, session, element)
        : this.#taskStep(attempt, tasks, session, element),
    );
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
        await this.#proven(attempt, session, result);
    }
  }

  /** The mechanism has succeeded. */
  async #proven(attempt: Attempt, session: C2sParams, success: SaslSuccess): Promise<void> {
    const { acc, login } = attempt;
    const { username, authzid } = success;
    if (authzid !== undefined && login.isForeign(username)) {
      // XEP-0388 §4.4: whom the stream was opened for, and whom the client wants to be, are one.
      this.#fail(login, session, saslFailure('invalid-authzid', undefined, username));
      return;
    }
    const isComplete = acc.get<boolean>('sasl2', 'complete') === true;
    const demands = isComplete ? NO_DEMANDS : await this.#demands(attempt, session, success, []);
    if (!login.isOpen) return;
    if (demands.failure !== undefined) this.#fail(login, session, demands.failure);
    else if (demands.tasks.length === 0) await this.#succeed(attempt, session, success, success.data);
    else await this.#ask(attempt, session, success, demands);
  }

  #demands(
    { acc, exchange }: Attempt,
    session: C2sParams,
    success: SaslSuccess,
    done: readonly string[],
  ): LoginDemands | Promise<LoginDemands> {
    const creds = credentials(success, exchange);
    return this.#context.foldHook('sasl2_tasks', NO_DEMANDS, { acc, session, creds, done });
  }

  async #ask(
    attempt: Attempt,
    session: C2sParams,
    success: SaslSuccess,
    demands: LoginDemands,
  ): Promise<void> {
    const { login } = attempt;
    const hadAccount = await this.#hasAccount(session, success);
    if (!login.isOpen) return;
    attempt.tasks = new Tasks(success, hadAccount);
    login.tasksBegan();
    this.#offer(attempt, attempt.tasks, demands, success.data);
  }

  #offer({ login }: Attempt, tasks: Tasks, demands: LoginDemands, data: Buffer | undefined): void {
    tasks.offer(demands.tasks);
    login.write(continueXml(demands, data));
  }

  async #taskStep(attempt: Attempt, tasks: Tasks, session: C2sParams, element: Element): Promise<void> {
    const { login } = attempt;
    const { success, done, hadAccount } = tasks;
    const result = await tasks.step(element);
    if (!login.isOpen) return;
    if (result.kind === 'failure') {
      this.#fail(login, session, result);
      return;
    }
    if (result.kind === 'data') {
      login.write(taskDataXml(result.children));
      return;
    }
    const demands = await this.#demands(attempt, session, success, done);
    // People take their time: meanwhile the account may have gone.
    const isGone = hadAccount && !(await this.#hasAccount(session, success));
    if (!login.isOpen) return;
    if (demands.failure !== undefined) this.#fail(login, session, demands.failure);
    else if (isGone) this.#fail(login, session, saslFailure('not-authorized', undefined, success.username));
    else if (demands.tasks.length > 0) this.#offer(attempt, tasks, demands, undefined);
    else await this.#succeed(attempt, session, success, undefined);
  }

  async #hasAccount({ lserver }: C2sParams, { username }: SaslSuccess): Promise<boolean> {
    return this.#context.accounts.exists(makeJid(username, lserver)!);
  }

  /** Nothing is missing any more. `data` is what the client has not been told of the mechanism's end. */
  async #succeed(
    { acc, login, exchange, tasks }: Attempt,
    session: C2sParams,
    success: SaslSuccess,
    data: Buffer | undefined,
  ): Promise<void> {
    session.setModuleState(this.#context.slot, undefined);
    if (!login.authenticated(success)) return;
    const answered = Promise.withResolvers<void>();
    acc.set('sasl2', 'answered', answered.promise);
    let client = login;
    try {
      const creds = credentials(success, exchange);
      const verdict = await this.#context.runHook('sasl2_success', acc, { session, creds });
      // A session that was resumed may have taken the connection from the stream.
      const answering = acc.get<C2sParams>('sasl2', 'session') ?? session;
      if (answering !== session) client = this.#context.login(answering);
      if (!client.isOpen) return;
      client.write(successXml(acc, answering, data, tasks?.told ?? []));
      // It has negotiated all of its features long ago.
      const isResumed = verdict === STOP && answering.state === 'session_established';
      if (!isResumed) await client.writeFeatures();
    } finally {
      answered.resolve();
    }
    if (client.isOpen) client.apply(acc);
  }

  /** XEP-0388 §4.8: once it was told to continue, a client does not authenticate again on this stream. */
  #fail(login: StreamLogin, session: C2sParams, failed: SaslFailure): void {
    const state = session.moduleState(this.#context.slot) as Attempt | typeof SPENT | undefined;
    const isSpent = state === SPENT || state?.tasks !== undefined;
    session.setModuleState(this.#context.slot, isSpent ? SPENT : undefined);
    login.failed(failed, failureXml(failed));
  }
}

function isExpected({ tasks }: Attempt, element: Element): boolean {
  return tasks === undefined ? element.name === 'response' : tasks.expects(element);
}

function credentials({ username, authzid, method }: SaslSuccess, exchange: LoginExchange): Credentials {
  return { username, authMethod: method, mechanism: exchange.mechanism, authzid };
}

/** XEP-0388 §2.4: during an exchange nothing else is sent. */
function outOfPlace(login: StreamLogin, { name }: Element): void {
  if (name === 'response' || name === 'abort') login.fail('invalid-namespace');
  else login.fail('policy-violation', 'only SASL2 elements may be sent now');
}
