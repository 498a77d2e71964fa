import {
  type Accumulator,
  type C2sParams,
  Element,
  type HookName,
  type IqInfo,
  type Jid,
  type ModuleContext,
  NS_CLIENT,
  type PrivacyIqAnswer,
  type PrivacyList,
  STOP,
  Stanza,
  StanzaError,
  type Verdict,
} from '../module.ts';

/** The request of a namespace in an IQ that a client sent without `to`; with one it is a request like any other. */
export function requestOf(acc: Accumulator, ns: string): IqInfo | undefined {
  const stanza = acc.stanza!;
  const { type } = stanza;
  if ((type !== 'get' && type !== 'set') || stanza.attribute('to') !== undefined) return undefined;
  const children = stanza.element.elements();
  const [payload] = children;
  const { id } = stanza;
  if (payload?.ns !== ns || children.length !== 1 || id === undefined) return undefined;
  return { id, type, payload, lang: stanza.attribute('xml:lang') ?? 'en' };
}

/**
 * Runs `privacy_iq_get` or `privacy_iq_set` for a request and answers it, from the user's own account. `activate` is called with the list that a handler
 * wants in force, before the client is answered (XEP-0016 §2.4).
 */
export function answerRequest(
  context: ModuleContext,
  acc: Accumulator,
  session: C2sParams,
  iq: IqInfo,
  list: PrivacyList,
  activate: (list: PrivacyList) => void = () => {},
): Verdict | Promise<Verdict> {
  // Handlers change lists.
  if (acc.trace?.isDryRun) return STOP;
  const from = session.jid!;
  const to = from.bareJid;
  acc.delete('hook', 'result');
  const verdict =
    iq.type === 'get'
      ? context.runHook('privacy_iq_get' satisfies HookName, acc, { from, to, iq, privList: list })
      : context.runHook('privacy_iq_set', acc, { from, to, iq });
  const finish = (): Verdict => {
    const answer = acc.get<PrivacyIqAnswer>('hook', 'result') ?? new StanzaError('feature-not-implemented');
    if (!(answer instanceof StanzaError) && answer.newActiveList !== undefined)
      activate(answer.newActiveList);
    const reply = replyTo(acc, iq, answer, from);
    if (reply !== undefined) acc.addAction({ kind: 'route', acc: reply });
    return STOP;
  };
  return verdict instanceof Promise ? verdict.then(finish) : finish();
}

function replyTo(
  acc: Accumulator,
  { id }: IqInfo,
  answer: PrivacyIqAnswer,
  own: Jid,
): Accumulator | undefined {
  if (answer instanceof StanzaError) return acc.errorReply(answer);
  const result = Element.of('iq', NS_CLIENT, { type: 'result', id }, ...answer.children);
  return acc.derive(Stanza.of(result), own.bareJid, own);
}

/** Runs the work of a handler of these hooks: what it finds is the answer. A store that cannot is an error of its own. */
export async function answering(
  context: ModuleContext,
  acc: Accumulator,
  work: () => Promise<PrivacyIqAnswer>,
): Promise<undefined> {
  let answer: PrivacyIqAnswer;
  try {
    answer = await work();
  } catch (cause) {
    context.log.warn({ err: cause, what: 'privacy_request_failed', ref: acc.ref }, 'request failed');
    answer = new StanzaError('internal-server-error', 'the server could not do this now');
  }
  acc.set('hook', 'result', answer);
  return undefined;
}

/** A push to one session (as in RFC 6121 §2.1.6): from the user's account. */
export function pushTo(context: ModuleContext, session: C2sParams, payload: Element): Accumulator {
  const own = session.jid!;
  const id = `push${context.timestamp()}`;
  return context.accumulator(own.bareJid, own, Element.of('iq', NS_CLIENT, { type: 'set', id }, payload));
}
