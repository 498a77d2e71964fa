import {
  type Accumulator,
  type C2sParams,
  Element,
  Flag,
  type Jid,
  type ModuleContext,
  NO_PRIVACY_LIST,
  NS_BLOCKING_ERRORS,
  type PrivacyDecision,
  type PrivacyList,
  STOP,
  StanzaError,
  StanzaKind,
  UNKNOWN_PRIVACY_LIST,
  type Verdict,
} from '../module.ts';
import type { SessionLists } from './session-lists.ts';

const CHECK = 'privacy_check_packet';

/** Whether stanzas may leave a session, and come to its client (XEP-0016 §2.13, XEP-0191 §3.3). */
export class Checks {
  readonly #context: ModuleContext;
  readonly #lists: SessionLists;

  constructor(context: ModuleContext, lists: SessionLists) {
    this.#context = context;
    this.#lists = lists;
  }

  /** A stanza of our client (`user_send_message`, `user_send_presence`, `user_send_iq`). */
  send(acc: Accumulator, session: C2sParams): Verdict | Promise<Verdict> {
    const list = this.#lists.inForce(session);
    if (list === NO_PRIVACY_LIST && !this.#context.hasOtherHandlers(CHECK)) return undefined;
    if (list instanceof Promise) return list.then((found) => this.#send(acc, session, found));
    return this.#send(acc, session, list);
  }

  #send(acc: Accumulator, session: C2sParams, list: PrivacyList): Verdict | Promise<Verdict> {
    const decision = this.#ask(acc, session.jid!, list, 'out');
    if (!(decision instanceof Promise)) return this.#afterSend(acc, list, decision);
    return decision.then((settled) => this.#afterSend(acc, list, settled));
  }

  #afterSend(acc: Accumulator, list: PrivacyList, decision: PrivacyDecision): Verdict {
    if (decision === 'allow') return undefined;
    this.#context.count(decision === 'block' ? 'blocked' : 'denied');
    const reply = acc.errorReply(list === UNKNOWN_PRIVACY_LIST ? unreadable() : notAcceptable(decision));
    // Past the list, which would keep away what comes from there.
    if (reply !== undefined) acc.addAction({ kind: 'flush', acc: reply });
    return STOP;
  }

  /** A stanza for our client (`user_receive_message`, `user_receive_presence`, `user_receive_iq`). */
  receive(acc: Accumulator, session: C2sParams): Verdict | Promise<Verdict> {
    const list = this.#lists.inForce(session);
    if (list === NO_PRIVACY_LIST && !this.#context.hasOtherHandlers(CHECK)) return undefined;
    if (list instanceof Promise) return list.then((found) => this.#receive(acc, session, found));
    return this.#receive(acc, session, list);
  }

  #receive(acc: Accumulator, session: C2sParams, list: PrivacyList): Verdict | Promise<Verdict> {
    const decision = this.#ask(acc, session.jid!, list, 'in');
    if (!(decision instanceof Promise)) return this.#afterReceive(acc, session, list, decision);
    return decision.then((settled) => this.#afterReceive(acc, session, list, settled));
  }

  #afterReceive(acc: Accumulator, session: C2sParams, list: PrivacyList, decision: PrivacyDecision): Verdict {
    if (decision === 'allow') return undefined;
    this.#context.count(decision === 'block' ? 'blocked' : 'denied');
    if (this.#isAnswered(acc, session)) this.#answer(acc, list);
    return STOP;
  }

  #answer(acc: Accumulator, list: PrivacyList): void {
    const isMessage = acc.stanza!.kind === StanzaKind.MESSAGE;
    // Its sender may have asked to be told in another way (XEP-0079).
    const told = isMessage
      ? this.#context.runHook('amp_event', acc, { event: 'delivery_failed' })
      : undefined;
    if (told instanceof Promise) {
      acc.retain();
      void told.then((verdict) => this.#refuse(acc, list, verdict));
    } else this.#refuse(acc, list, told);
  }

  #refuse(acc: Accumulator, list: PrivacyList, told: Verdict): void {
    if (told === STOP) return;
    const error = list === UNKNOWN_PRIVACY_LIST ? unreadable() : new StanzaError('service-unavailable');
    const reply = acc.errorReply(error);
    if (reply !== undefined) void this.#context.route(reply);
  }

  #ask(
    acc: Accumulator,
    own: Jid,
    privacyList: PrivacyList,
    dir: 'in' | 'out',
  ): PrivacyDecision | Promise<PrivacyDecision> {
    const { from, to, stanza } = acc;
    // Between the user's own resources nothing is ever blocked.
    if (from.bare === to.bare) return 'allow';
    const { name, type } = stanza!;
    const check = { jid: own.bareJid, privacyList, from, to, name, type, dir };
    return this.#context.checkPrivacy(acc, check);
  }

  /**
   * Whether the sender hears that his stanza was not delivered: of a message or request, as if nobody were there. Presence, group chat and answers vanish,
   * and so does a message that was stored before he was blocked: he must not learn when it would have been fetched.
   */
  #isAnswered(acc: Accumulator, session: C2sParams): boolean {
    const { kind, type } = acc.stanza!;
    if (kind === StanzaKind.IQ) return true;
    if (kind !== StanzaKind.MESSAGE || type === 'groupchat') return false;
    if ((acc.flags & (Flag.STORED | Flag.CARBON)) !== 0) return false;
    return !acc.to.isBare || this.#isSpeaker(session);
  }

  /** Of several sessions that a message to the account came to, one answers. */
  #isSpeaker({ jid, sid }: C2sParams): boolean {
    const sessions = this.#context.sessions(jid!.bareJid);
    const highest = Math.max(...sessions.map(({ priority }) => priority ?? -129));
    const first = sessions
      .filter(({ priority }) => priority === highest)
      .reduce((a, b) => ((b.shard - a.shard || b.number - a.number) < 0 ? b : a), { shard: 1e9, number: 0 });
    return first.shard === sid!.shard && first.number === sid!.number;
  }
}

function notAcceptable(decision: PrivacyDecision): StanzaError {
  if (decision !== 'block') return new StanzaError('not-acceptable', undefined, { type: 'cancel' });
  const extra = new Element('blocked', NS_BLOCKING_ERRORS);
  return new StanzaError('not-acceptable', undefined, { type: 'cancel', extra });
}

/** The list cannot be read: nobody knows what it says, so nothing passes, for now. */
function unreadable(): StanzaError {
  return new StanzaError('internal-server-error', 'the privacy list cannot be read now');
}
