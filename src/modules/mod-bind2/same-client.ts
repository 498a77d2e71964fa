import {
  type Accumulator,
  type C2sParams,
  isOlder,
  type ModuleContext,
  type SessionId,
  STOP,
  type UserAgent,
  type Verdict,
} from '../module.ts';

/** Told to all sessions of an account: this client has a new one. Plain data, for it crosses shards. */
interface NewSession {
  readonly agent: string;
  readonly sid: SessionId;
}

/** XEP-0386 §3.2: a client that binds anew has lost its earlier session, which ends in favour of the new one. */
export class SameClient {
  readonly #context: ModuleContext;

  constructor(context: ModuleContext) {
    this.#context = context;
    context.hook('foreign_event', 50, (_acc, { session, tag, content }): Verdict => {
      if (tag !== context.module) return undefined;
      this.#heard(session, content as NewSession);
      return STOP;
    });
  }

  /** A session was bound; only a client that says who it is can be known again. */
  bound(acc: Accumulator, session: C2sParams): void {
    const agent = acc.get<UserAgent>('sasl2', 'user_agent')?.id;
    if (agent === undefined) return;
    session.setModuleState(this.#context.slot, agent);
    const news: NewSession = { agent, sid: session.sid! };
    this.#context.sendEvent(session.jid!.bareJid, news);
  }

  #heard(session: C2sParams, { agent, sid }: NewSession): void {
    // Of two that bind at the same moment, each hears of the other: the older one goes.
    if (session.moduleState(this.#context.slot) !== agent || !isOlder(session.sid!, sid)) return;
    this.#context.session(session.jid!)?.replace(sid);
  }
}
