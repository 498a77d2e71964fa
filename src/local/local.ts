import type { Accumulator } from '../hooks/accumulator.ts';
import { Element } from '../xml/element.ts';
import { NS_CLIENT } from '../xmpp/namespaces.ts';
import { Stanza, StanzaKind } from '../xmpp/stanza.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import { EMPTY_RESULT, type IqAnswer, type IqRequest, NO_REPLY } from './iq.ts';
import type { IqComponent, IqTable } from './iq-table.ts';

type Handled = undefined | Promise<unknown>;

/** What local handling needs from the rest of the shard. */
export interface LocalHost {
  /** Routes a reply. */
  route(acc: Accumulator): Handled;
  refuse(acc: Accumulator, error: StanzaError): undefined;
  drop(acc: Accumulator): undefined;
  /** The session manager: stanzas for users. */
  toUser(acc: Accumulator): Handled;
  /** An IQ result or error for the server; true when somebody waited for it. */
  answer(acc: Accumulator): boolean;
  handlerFailed(acc: Accumulator, namespace: string, cause: unknown): void;
  doesUserExist(acc: Accumulator): boolean | Promise<boolean>;
}

/** Handles what is addressed to a hosted domain, and requests that the server answers for an account. */
export class Local {
  readonly #iqs: IqTable;
  readonly #host: LocalHost;

  constructor(iqs: IqTable, host: LocalHost) {
    this.#iqs = iqs;
    this.#host = host;
  }

  /** A stanza for a hosted domain, by the form of its address. */
  handle(acc: Accumulator): Handled {
    const { to } = acc;
    if (to.local !== '') return this.#host.toUser(acc);
    const { kind, type } = acc.stanza!;
    if (to.resource !== '') return this.#host.refuse(acc, new StanzaError('item-not-found'));
    // Messages and presence to the mere domain: nobody is there (RFC 6120 §10.5.1 allows to ignore them).
    if (kind !== StanzaKind.IQ) return this.#host.drop(acc);
    if (type === 'result' || type === 'error') {
      if (this.#host.answer(acc)) return undefined;
      return this.#host.drop(acc);
    }
    return this.#request(acc, 'local');
  }

  /** An IQ to a bare JID (RFC 6121 §8.5.2.1.3): the server answers, whether or not the user is online. */
  handleBare(acc: Accumulator): Handled {
    const { type } = acc.stanza!;
    if (type === 'result' || type === 'error') return this.#host.drop(acc);
    if (acc.from.bare === acc.to.bare) return this.#request(acc, 'sm');
    const exists = this.#host.doesUserExist(acc);
    if (exists instanceof Promise) return exists.then((known) => this.#request(acc, 'sm', known));
    return this.#request(acc, 'sm', exists);
  }

  /** A request that the server answers. One to an account that does not exist is treated alike as far as it can be told (threat T68). */
  #request(acc: Accumulator, component: IqComponent, exists = true): Handled {
    const element = acc.stanza!.element;
    const children = element.elements();
    const { type } = acc.stanza!;
    const payload = children[0];
    const id = element.attribute('id');
    // RFC 6120 §8.2.3: get or set, an id, exactly one child, and that with a namespace.
    if (
      (type !== 'get' && type !== 'set') ||
      children.length !== 1 ||
      payload === undefined ||
      payload.ns === '' ||
      id === undefined
    ) {
      return this.#host.refuse(acc, new StanzaError('bad-request'));
    }
    const runner =
      acc.hostType === undefined ? undefined : this.#iqs.get(acc.hostType.name, component, payload.ns);
    if (runner === undefined || (!exists && !runner.answersForUnknown)) {
      // RFC 6120 §8.4: an unknown namespace is service-unavailable. RFC 6121 §8.5.1: an unknown account, too.
      return this.#host.refuse(acc, new StanzaError('service-unavailable'));
    }
    if (acc.trace !== undefined) {
      const { trace } = acc;
      const outcome = `${component} ${payload.ns}`;
      trace.note(
        trace.isDryRun
          ? { step: 'iq handler', outcome, decision: 'answered' }
          : { step: 'iq handler', outcome },
      );
      if (trace.isDryRun) return undefined;
    }
    const request: IqRequest = {
      acc,
      type,
      from: acc.from,
      to: acc.to,
      id,
      lang: element.attribute('xml:lang') ?? 'en',
      payload,
    };
    const answer = runner.run(request, (cause) => this.#host.handlerFailed(acc, payload.ns, cause));
    if (!(answer instanceof Promise)) return this.#reply(acc, id, answer);
    acc.stanza!.retain();
    return answer.then((value) => this.#reply(acc, id, value));
  }

  #reply(acc: Accumulator, id: string, answer: IqAnswer): Handled {
    if (answer === NO_REPLY) return undefined;
    if (answer instanceof StanzaError) return this.#host.refuse(acc, answer);
    const result = Element.of('iq', NS_CLIENT, { type: 'result', id });
    if (answer !== EMPTY_RESULT) result.children.push(answer);
    return this.#host.route(acc.derive(Stanza.of(result), acc.to, acc.from));
  }
}
