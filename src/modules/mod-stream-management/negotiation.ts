import {
  type Accumulator,
  type C2sParams,
  type Element,
  type ModuleContext,
  randomText,
  STOP,
  streamErrorXml,
  type Verdict,
} from '../module.ts';
import { type Acknowledgements, tooHigh } from './acknowledgements.ts';
import type { SmOptions } from './options.ts';
import type { Resumer, Resumption } from './resumption.ts';
import type { SmSessions } from './sessions.ts';
import { enabled, type FailedCondition, failed, NS_SM, parseBoolean, parseCount, xmlOf } from './sm-xml.ts';
import { SmStream } from './stream.ts';

/** 192 bits that nobody guesses (threat T42). */
const ID_BYTES = 24;
/** Failed elements of stream management on a stream without a session; the one after that ends it. */
const FAILURES_MAX = 5;

/** The session that a client wants, and how many stanzas it has handled. */
export interface Wanted {
  readonly id: string;
  readonly h: number;
}

/** The elements of stream management: switching it on, resuming, asking, answering. */
export class Negotiation {
  readonly #context: ModuleContext<SmOptions>;
  readonly #sessions: SmSessions;
  readonly #acks: Acknowledgements;
  readonly #resumer: Resumer;

  constructor(
    context: ModuleContext<SmOptions>,
    sessions: SmSessions,
    acks: Acknowledgements,
    resumer: Resumer,
  ) {
    this.#context = context;
    this.#sessions = sessions;
    this.#acks = acks;
    this.#resumer = resumer;
  }

  /** An element that is no stanza (`user_send_xmlel`). */
  element(acc: Accumulator, session: C2sParams): Verdict {
    const { element } = acc.stanza!;
    if (element.ns !== NS_SM) return undefined;
    if (session.state === 'session_established') this.#inSession(acc, element, session);
    else this.#beforeSession(acc, element, session);
    return STOP;
  }

  #inSession(acc: Accumulator, element: Element, session: C2sParams): void {
    const stream = this.#acks.of(session);
    switch (element.name) {
      case 'r':
        if (stream !== undefined) this.#acks.asked(acc, stream);
        break;
      case 'a':
        if (stream !== undefined) this.#acks.acknowledged(acc, element, stream);
        break;
      case 'enable':
        this.#enable(acc, element, session);
        break;
      default:
        acc.addAction({ kind: 'socket_send', xml: xmlOf(failed('unexpected-request')) });
    }
  }

  #enable(acc: Accumulator, element: Element, session: C2sParams): void {
    const answer = this.enable(session, element);
    if (answer !== undefined) acc.addAction({ kind: 'socket_send', xml: xmlOf(answer) });
    else {
      // XEP-0198 §3 wants a stream error.
      const lastWords = `${xmlOf(failed('unexpected-request'))}${streamErrorXml('policy-violation')}`;
      acc.addAction({ kind: 'hard_stop', reason: 'unexpected_enable', lastWords });
    }
  }

  /**
   * Switches stream management on in a session that has just been bound, as an `<enable/>` asks. Returns what the client is told; undefined when it is on
   * already, or the request makes no sense.
   */
  enable(session: C2sParams, request: Element): Element | undefined {
    const wantsResume = parseBoolean(request.attribute('resume') ?? 'false');
    if (this.#acks.of(session) !== undefined || wantsResume === undefined) return undefined;
    const { buffer, resume_timeout } = this.#context.options;
    const asked = parseCount(request.attribute('max')) ?? resume_timeout;
    const seconds = Math.max(1, Math.min(asked, resume_timeout));
    const id = wantsResume && buffer ? randomText(ID_BYTES, 'base64url') : undefined;
    const handle = this.#context.handle(session);
    const { bufferMax } = this.#acks;
    const stream = new SmStream(session, handle, id, seconds * 1_000, bufferMax, this.#sessions);
    session.setModuleState(this.#context.slot, stream);
    this.#sessions.add(stream);
    this.#context.count('enabled');
    return enabled(id, seconds);
  }

  #beforeSession(acc: Accumulator, element: Element, session: C2sParams): void {
    const isResume = element.name === 'resume' && session.state === 'wait_for_feature_after_auth';
    if (!isResume) {
      this.#fail(acc, session, 'unexpected-request');
      return;
    }
    const wanted = this.wanted(element);
    if (typeof wanted === 'string') {
      this.#fail(acc, session, wanted);
      return;
    }
    const { id, h } = wanted;
    const allowed = this.#context.mayOpenSession(session);
    if (!(allowed instanceof Promise)) this.#resumeIf(allowed, session, id, h);
    else {
      void allowed.then(
        (isAllowed) => this.#resumeIf(isAllowed, session, id, h),
        () => this.#resumeIf(false, session, id, h),
      );
    }
  }

  /** Reads a `<resume/>`; a condition when there is no point in looking for a session. */
  wanted(request: Element): Wanted | FailedCondition {
    if (!this.#context.options.buffer) return 'feature-not-implemented';
    const id = request.attribute('previd') ?? '';
    const h = parseCount(request.attribute('h'));
    return id === '' || h === undefined ? 'bad-request' : { id, h };
  }

  #resumeIf(isAllowed: boolean, stream: C2sParams, id: string, h: number): void {
    if (isAllowed) this.#resumer.resume(stream, id, h, (resumption) => this.#answer(stream, resumption));
    else this.#context.handle(stream).write(xmlOf(failed('not-allowed')));
  }

  #answer(stream: C2sParams, resumption: Resumption): void {
    switch (resumption.kind) {
      case 'resumed': {
        const { session, answer } = resumption;
        this.#context.handle(session).write(xmlOf(answer));
        this.#resumer.repeat(session);
        break;
      }
      case 'too_high':
        this.#context.handle(stream).end('resume_failed', tooHigh(resumption.h, resumption.sent));
        break;
      default:
        this.#context.count('resume_failed');
        if (this.#countFailure(stream)) {
          this.#context.handle(stream).write(xmlOf(failed('item-not-found', resumption.h)));
        } else this.#context.handle(stream).end('too_many_failures', TOO_MANY_FAILURES);
    }
  }

  #fail(acc: Accumulator, session: C2sParams, condition: FailedCondition): void {
    if (this.#countFailure(session)) acc.addAction({ kind: 'socket_send', xml: xmlOf(failed(condition)) });
    else {
      acc.addAction({ kind: 'hard_stop', reason: 'too_many_failures', lastWords: TOO_MANY_FAILURES });
    }
  }

  /** False when there were too many. */
  #countFailure(session: C2sParams): boolean {
    const { slot } = this.#context;
    const before = session.moduleState(slot);
    const failures = typeof before === 'number' ? before + 1 : 1;
    session.setModuleState(slot, failures);
    return failures <= FAILURES_MAX;
  }
}

const TOO_MANY_FAILURES = streamErrorXml(
  'policy-violation',
  'too many failed requests for stream management',
);
