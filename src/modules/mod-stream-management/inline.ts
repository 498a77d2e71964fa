import {
  type Accumulator,
  type C2sParams,
  Element,
  type ModuleContext,
  NS_BIND2,
  STOP,
  type Verdict,
} from '../module.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { Negotiation, Wanted } from './negotiation.ts';
import type { SmOptions } from './options.ts';
import type { Resumer, Resumption } from './resumption.ts';
import type { SmSessions } from './sessions.ts';
import { type FailedCondition, failed, NS_SM } from './sm-xml.ts';

/** A login that looks for the session to resume. */
class Attempt {
  /** The hook has not waited any longer. */
  isGivenUp = false;
  giveUp: (() => void) | undefined = undefined;
}

/**
 * Stream management in the same breath as the login (XEP-0198 §9): a session is resumed by the request that logs in (XEP-0388), or it is switched on
 * together with binding (XEP-0386).
 */
export class Inline {
  readonly #context: ModuleContext<SmOptions>;
  readonly #sessions: SmSessions;
  readonly #acks: Acknowledgements;
  readonly #resumer: Resumer;
  readonly #negotiation: Negotiation;

  constructor(
    context: ModuleContext<SmOptions>,
    sessions: SmSessions,
    acks: Acknowledgements,
    resumer: Resumer,
    negotiation: Negotiation,
  ) {
    this.#context = context;
    this.#sessions = sessions;
    this.#acks = acks;
    this.#resumer = resumer;
    this.#negotiation = negotiation;
    context.hook('sasl2_stream_features', 50, (features) => {
      return context.options.buffer ? [...features, new Element('sm', NS_SM)] : undefined;
    });
    context.hook('sasl2_start', 50, (acc, { stanza }) => {
      const request = stanza.child('resume', NS_SM);
      if (request !== undefined) acc.set('sm', 'resume', request);
    });
    // Before binding, which it makes needless.
    context.hook('sasl2_success', 20, (acc, { session }) => this.#resume(acc, session));
    context.hook('sasl2_success', 21, (acc, { session }) => this.#tooLate(acc, session));
    context.hook('bind2_stream_features', 50, (features) => {
      return [...features, Element.of('feature', NS_BIND2, { var: NS_SM })];
    });
    context.hook('bind2_enable_features', 50, (acc, session) => this.#enable(acc, session));
  }

  #resume(acc: Accumulator, stream: C2sParams): undefined | Promise<Verdict> {
    const request = acc.get<Element>('sm', 'resume');
    if (request === undefined) return undefined;
    const wanted = this.#negotiation.wanted(request);
    if (typeof wanted !== 'string') return this.#resumeIfAllowed(acc, stream, wanted);
    this.#failed(acc, wanted);
    return undefined;
  }

  async #resumeIfAllowed(acc: Accumulator, stream: C2sParams, { id, h }: Wanted): Promise<Verdict> {
    const attempt = new Attempt();
    stream.setModuleState(this.#context.slot, attempt);
    const isAllowed = await this.#context.mayOpenSession(stream);
    if (attempt.isGivenUp) return undefined;
    const resumption = isAllowed ? await this.#resumption(acc, stream, attempt, { id, h }) : undefined;
    if (resumption?.kind === 'resumed') {
      acc.set('sasl2', 'session', resumption.session);
      acc.append('sasl2', 'answers', resumption.answer);
      return STOP;
    }
    stream.setModuleState(this.#context.slot, undefined);
    if (resumption === undefined) this.#failed(acc, 'not-allowed');
    else if (resumption.kind === 'too_high') this.#failed(acc, 'bad-request');
    else this.#failed(acc, 'item-not-found', resumption.h);
    return undefined;
  }

  /** Never settles if the stream ends before a session is found. */
  #resumption(acc: Accumulator, stream: C2sParams, attempt: Attempt, { id, h }: Wanted): Promise<Resumption> {
    return new Promise((resolve) => {
      attempt.giveUp = this.#resumer.resume(stream, id, h, (resumption) => {
        if (resumption.kind === 'resumed') this.#holdUntilAnswered(acc, resumption.session);
        resolve(resumption);
      });
    });
  }

  /** First the answer, then what was sent before and is not acknowledged, then what comes. */
  #holdUntilAnswered(acc: Accumulator, session: C2sParams): void {
    const answered = acc.get<Promise<void>>('sasl2', 'answered')!;
    void answered.then(() => this.#resumer.repeat(session));
    this.#context.handle(session).holdReceiving(answered);
  }

  /** The session was not found in the time that a hook has, or nobody could say whether it may be resumed: its client binds. */
  #tooLate(acc: Accumulator, stream: C2sParams): undefined {
    const attempt = stream.moduleState(this.#context.slot);
    if (!(attempt instanceof Attempt) || stream.state === 'closed') return;
    stream.setModuleState(this.#context.slot, undefined);
    attempt.isGivenUp = true;
    attempt.giveUp?.();
    this.#failed(acc, 'internal-server-error');
  }

  #failed(acc: Accumulator, condition: FailedCondition, h?: number): void {
    this.#context.count('resume_failed');
    acc.append('sasl2', 'answers', failed(condition, h));
  }

  /** `<enable/>` in the `<bind/>`: counting begins with the session. */
  #enable(acc: Accumulator, session: C2sParams): undefined {
    const request = acc.get<Element>('bind2', 'request')?.child('enable', NS_SM);
    if (request === undefined) return;
    const answer = this.#negotiation.enable(session, request);
    acc.append('bind2', 'answers', answer ?? failed('bad-request'));
    if (answer === undefined) return;
    const stream = this.#acks.of(session)!;
    void acc.get<Promise<void>>('sasl2', 'answered')!.then(() => {
      // There was no room for the session after all.
      if (session.state !== 'wait_for_feature_after_auth' && session.state !== 'closed') return;
      if (this.#acks.of(session) !== stream) return;
      stream.handle.acknowledges(undefined);
      this.#sessions.forget(stream);
      session.setModuleState(this.#context.slot, undefined);
    });
  }
}
