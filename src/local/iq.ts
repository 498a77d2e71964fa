import type { Accumulator } from '../hooks/accumulator.ts';
import type { Element } from '../xml/element.ts';
import type { Jid } from '../xmpp/jid.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';

/** A request that the server answers, on its own or on an account's behalf. */
export interface IqRequest {
  readonly acc: Accumulator;
  readonly type: 'get' | 'set';
  readonly from: Jid;
  /** The domain, or the bare JID that the request is about. */
  readonly to: Jid;
  readonly id: string;
  readonly lang: string;
  /** The one child of the `<iq/>`. */
  readonly payload: Element;
}

/** The empty result. */
export const EMPTY_RESULT = Symbol('empty result');
/** No answer at all. */
export const NO_REPLY = Symbol('no reply');

/** What a handler of requests answers: the result's child, an error, or one of the two constants. */
export type IqAnswer = Element | StanzaError | typeof EMPTY_RESULT | typeof NO_REPLY;

/** Handles requests of one namespace. A failure is answered with internal-server-error. */
export type IqHandler = (request: IqRequest) => IqAnswer | Promise<IqAnswer>;

/**
 * How requests of one namespace are run. All start in the order of arrival.
 * `no_queue` and `parallel`: at once, beside each other while they wait. `one_queue`: each after the one before has been answered.
 * `queues`: as many beside each other as `workers` says.
 */
export interface IqDiscipline {
  readonly type: 'no_queue' | 'one_queue' | 'queues' | 'parallel';
  readonly workers?: number;
  /**
   * The handler is asked about accounts that do not exist, too: for answers that are no error, and must not tell a stranger which accounts
   * there are (threat T68).
   */
  readonly answersForUnknown?: boolean;
}

/** Requests that may wait in one namespace's queue. */
const QUEUE_MAX = 1_000;

/** A handler with its discipline. */
export class IqRunner {
  readonly #handler: IqHandler;
  readonly #limit: number;
  readonly answersForUnknown: boolean;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(handler: IqHandler, discipline: IqDiscipline) {
    this.#handler = handler;
    this.answersForUnknown = discipline.answersForUnknown ?? false;
    this.#limit =
      discipline.type === 'one_queue'
        ? 1
        : discipline.type === 'queues'
          ? (discipline.workers ?? 1)
          : Number.POSITIVE_INFINITY;
  }

  /** Runs the handler. It returns at once unless the handler, or its queue, makes it wait. Never throws. */
  run(request: IqRequest, failed: (cause: unknown) => void): IqAnswer | Promise<IqAnswer> {
    if (this.#running >= this.#limit) return this.#queue(request, failed);
    try {
      const answer = this.#handler(request);
      return answer instanceof Promise ? this.#settle(answer, failed) : answer;
    } catch (cause) {
      failed(cause);
      return new StanzaError('internal-server-error');
    }
  }

  async #settle(answer: Promise<IqAnswer>, failed: (cause: unknown) => void): Promise<IqAnswer> {
    this.#running++;
    try {
      return await answer;
    } catch (cause) {
      failed(cause);
      return new StanzaError('internal-server-error');
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #queue(request: IqRequest, failed: (cause: unknown) => void): Promise<IqAnswer> {
    if (this.#waiting.length >= QUEUE_MAX) return new StanzaError('resource-constraint');
    request.acc.stanza?.retain();
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.run(request, failed);
  }
}
