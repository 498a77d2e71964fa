import { decodeSasl2Data } from '../auth/sasl/data.ts';
import type { SaslFailure, SaslResult, SaslSuccess } from '../auth/sasl/result.ts';
import { applyActions } from '../c2s/actions.ts';
import { authenticated, loginFailed } from '../c2s/authenticated.ts';
import type { C2s } from '../c2s/c2s.ts';
import { features, writeFeatures } from '../c2s/features.ts';
import { isForeignFrom, widenLimits } from '../c2s/header.ts';
import type { SaslExchange } from '../c2s/login-service.ts';
import { dropName, enterSession, mayOpenSession, nameSession } from '../c2s/open-session.ts';
import { holdReceiving } from '../c2s/receive.ts';
import { suspendUntil } from '../c2s/suspend.ts';
import type { Accumulator } from '../hooks/accumulator.ts';
import type { LoginExchange, Opening, StreamLogin } from '../hooks/login.ts';
import { Jid } from '../xmpp/jid.ts';
import type { StreamErrorCondition } from '../xmpp/stream-error.ts';

/** A stream without a session, in the hands of a module. */
export class C2sLogin implements StreamLogin {
  readonly #c2s: C2s;

  constructor(c2s: C2s) {
    this.#c2s = c2s;
  }

  get isOpen(): boolean {
    return this.#c2s.state !== 'closed';
  }

  get channelBindings(): readonly string[] {
    return this.#c2s.host.login.channelBindings(this.#c2s);
  }

  start(mechanism: string, acc: Accumulator): LoginExchange | SaslFailure {
    const exchange = this.#c2s.host.login.start(this.#c2s, mechanism, acc);
    return 'kind' in exchange ? exchange : new Sasl2Exchange(exchange);
  }

  takeOver(): void {
    if (this.isOpen) this.#c2s.state = 'external';
  }

  suspend(work: Promise<unknown>): void {
    suspendUntil(this.#c2s, work, () => {});
  }

  stepped(): void {
    this.#c2s.negotiation?.stepped(this.#c2s.host.monotonicMs());
  }

  tasksBegan(): void {
    this.#c2s.negotiation?.tasksBegan(this.#c2s.host.monotonicMs());
  }

  isForeign(username: string): boolean {
    return isForeignFrom(this.#c2s, new Jid(username, this.#c2s.lserver, ''));
  }

  /** There is no new stream: this one goes on, with the limits of somebody known. */
  authenticated(success: SaslSuccess): boolean {
    if (!this.isOpen || !authenticated(this.#c2s, success)) return false;
    this.#c2s.state = 'wait_for_feature_after_auth';
    widenLimits(this.#c2s);
    return true;
  }

  failed(failure: SaslFailure, xml: string): void {
    if (this.isOpen) loginFailed(this.#c2s, failure, xml);
  }

  async openSession(
    acc: Accumulator,
    resource: string,
    until: Promise<unknown>,
    enable: () => undefined | Promise<unknown>,
  ): Promise<Opening> {
    const c2s = this.#c2s;
    const jid = new Jid(c2s.jid.local, c2s.jid.domain, resource, c2s.jid);
    acc.updateStanza(acc.stanza!, jid, jid.bareJid);
    // A hook that takes too long is not waited for: then the client has its answer, in which there is no session.
    let isAnswered = false;
    void until.finally(() => {
      isAnswered = true;
    });
    if (!(await mayOpenSession(c2s, acc, jid)) || isAnswered || !this.isOpen) return 'refused';
    const sid = nameSession(c2s, jid);
    await enable();
    if (isAnswered || !this.isOpen) {
      dropName(c2s, sid);
      return 'refused';
    }
    // From the session table on it is delivered to; the client must hear of its session first.
    holdReceiving(c2s, until);
    return enterSession(c2s) ? 'opened' : 'full';
  }

  write(xml: string): void {
    this.#c2s.write(xml);
  }

  async writeFeatures(): Promise<void> {
    const offered = await features(this.#c2s);
    if (this.isOpen) writeFeatures(this.#c2s, offered);
  }

  apply(acc: Accumulator): void {
    applyActions(this.#c2s, acc.actions);
  }

  fail(condition: StreamErrorCondition, text?: string): void {
    this.#c2s.fail(condition, text);
  }
}

/** An exchange whose data come as the elements of XEP-0388 carry them. */
class Sasl2Exchange implements LoginExchange {
  readonly #exchange: SaslExchange;

  constructor(exchange: SaslExchange) {
    this.#exchange = exchange;
  }

  get mechanism(): string {
    return this.#exchange.mechanism;
  }

  step(text: string | undefined): SaslResult | Promise<SaslResult> {
    const decoded = decodeSasl2Data(text);
    return decoded.kind === 'failure' ? decoded : this.#exchange.step(decoded.data);
  }
}
