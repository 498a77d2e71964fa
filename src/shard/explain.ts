import { C2s } from '../c2s/c2s.ts';
import { Accumulator, Origin } from '../hooks/accumulator.ts';
import { STOP, type Verdict } from '../hooks/chain.ts';
import { HOOK_INDEX } from '../hooks/points.ts';
import { foldHook } from '../hooks/run.ts';
import type { C2sParams } from '../hooks/session.ts';
import type { Trace, TraceStep } from '../hooks/trace.ts';
import { NO_PRIVACY_LIST } from '../hooks/values.ts';
import { CommandError } from '../util/command-error.ts';
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { NS_CLIENT } from '../xmpp/namespaces.ts';
import { Stanza, StanzaKind } from '../xmpp/stanza.ts';
import { parseTyped } from '../xmpp/typed-xml.ts';
import { sessionView } from './session-view.ts';
import type { Shard } from './shard.ts';
import { describeStanza } from './stanza-text.ts';

/** One step of an explanation. */
export interface ExplainedStep extends TraceStep {
  readonly stanza: string;
  /** 0 for the stanza asked about, more for what would be made because of it. */
  readonly depth: number;
}

/** How it would end. */
export interface Decision {
  /**
   * `delivered` to sessions, `stored` for later, `bounced` with an error, `dropped` silently, `answered` by the server, `taken` by a handler that
   * ended its hook, `broadcast` presence; `unknown` when a handler waits for something that is not asked in a dry run.
   */
  readonly outcome:
    | 'delivered'
    | 'stored'
    | 'bounced'
    | 'dropped'
    | 'answered'
    | 'taken'
    | 'broadcast'
    | 'unknown';
  readonly sessions: readonly { readonly shard: number; readonly numbers: readonly number[] }[];
  /** The error condition that the sender would get. */
  readonly error: string | undefined;
  /** The module that took or dropped it. */
  readonly by: string | undefined;
}

export interface Explanation {
  /** The session of the sender whose hooks were run; undefined when there is none. */
  readonly session: string | undefined;
  readonly steps: readonly ExplainedStep[];
  readonly decision: Decision;
}

/** The hook of each kind of stanza, by {@link StanzaKind}. */
const USER_SEND = [
  HOOK_INDEX.user_send_message,
  HOOK_INDEX.user_send_presence,
  HOOK_INDEX.user_send_iq,
] as const;

/**
 * `meerkat route`: what would happen to a stanza, without its happening. If the sender has a session on this shard, its hooks are run, too,
 * over a view of the session that cannot be changed; otherwise the way begins at the router.
 */
export async function explainRoute(
  shard: Shard,
  from: string,
  to: string | undefined,
  xml: string,
): Promise<Explanation> {
  const sender = addressOf(from);
  const stanza = stanzaOf(xml);
  const address = to ?? stanza.attribute('to');
  const recipient = address === undefined ? sender.bareJid : addressOf(address);
  // Asked for real and beforehand: it is only read, and nearly every way depends on it.
  for (const { bareJid } of [recipient, sender]) {
    const known = shard.domains.hosted(bareJid.domain);
    if (known === undefined || bareJid.local === '') continue;
    await shard.doesUserExist(bareJid);
    await foldHook(known.hostType, 'privacy_get_user_list', NO_PRIVACY_LIST, { jid: bareJid });
  }
  const c2s = senderSession(shard, sender);
  if (c2s !== undefined) {
    const own = { jid: c2s.jid.bareJid, session: c2s };
    await foldHook(c2s.hostType, 'privacy_get_user_list', NO_PRIVACY_LIST, own);
  }
  const explained = new Explained();
  const domain = shard.domains.hosted(sender.domain);
  const acc = new Accumulator(
    shard.nextRef(),
    shard.timestamp(),
    c2s === undefined ? Origin.ADMIN : Origin.C2S,
    domain?.hostType,
    sender.domain,
    stanza,
    c2s?.jid ?? sender,
    recipient,
  );
  acc.originSid = c2s?.sid;
  acc.originJid = c2s?.jid;
  acc.trace = explained.traceOf(acc, 0);
  shard.dryRun.run(acc.trace, () => {
    if (c2s !== undefined && !sendHooks(acc, c2s, explained)) return;
    if (stanza.kind === StanzaKind.PRESENCE) addressPresence(acc, explained);
    void shard.routing.route(acc);
  });
  return { session: c2s?.jid.full, steps: explained.steps, decision: explained.decision() };
}

/** The hooks that the sender's session runs. False when one of them ends the stanza's way. */
function sendHooks(acc: Accumulator, c2s: C2s, explained: Explained): boolean {
  const view = sessionView(c2s);
  for (const hook of [HOOK_INDEX.user_send_packet, USER_SEND[acc.stanza!.kind as 0 | 1 | 2]]) {
    const verdict = runSync(c2s, hook, acc, view);
    const asked = acc.actions?.map((action) => action.kind) ?? [];
    if (asked.length > 0) acc.trace!.note({ step: 'session', outcome: `would do: ${asked.join(', ')}` });
    if (verdict === undefined) continue;
    explained.ended(verdict === STOP ? 'taken' : 'dropped');
    return false;
  }
  return true;
}

function runSync(c2s: C2s, hook: number, acc: Accumulator, params: C2sParams): Verdict {
  const chain = c2s.hostType?.chains[hook] ?? null;
  // In a dry run, a chain waits for nothing.
  return chain === null ? undefined : (chain.run(acc, params) as Verdict);
}

/** Presence is routed by mod_presence, which keeps books about it and is not run; what it sends is the same stanza, addressed anew. */
function addressPresence(acc: Accumulator, explained: Explained): void {
  const { from, to } = acc;
  const type = acc.stanza!.type;
  const isSubscription =
    type === 'subscribe' || type === 'subscribed' || type === 'unsubscribe' || type === 'unsubscribed';
  if (isSubscription) acc.updateStanza(acc.stanza!, from.bareJid, to.bareJid);
  else if (to.full === from.bare) {
    acc.trace!.note({ step: 'presence', outcome: 'broadcast: contacts, and own resources as below' });
    explained.ended('broadcast');
  }
}

function senderSession(shard: Shard, sender: Jid): C2s | undefined {
  if (!sender.isBare) return shard.sessions.local(sender);
  let best: C2s | undefined;
  for (const { shard: owner, number } of shard.sm.sessionsOf(sender)) {
    const session = owner === shard.shard ? shard.sm.table.get(number) : undefined;
    if (!(session instanceof C2s) || session.jid.bare !== sender.bare) continue;
    if (best === undefined || (session.priority ?? -200) > (best.priority ?? -200)) best = session;
  }
  return best;
}

function addressOf(text: string): Jid {
  const jid = parseJid(text);
  if (jid === undefined) throw new CommandError('invalid_jid', `not an address: ${text}`);
  return jid;
}

function stanzaOf(xml: string): Stanza {
  let stanza: Stanza;
  try {
    // As on a stream: the namespace is understood, and what follows the stanza is a mistake.
    const [element, ...more] = parseTyped(xml, NS_CLIENT);
    if (element === undefined || more.length > 0) throw new Error('expected one element');
    stanza = Stanza.of(element);
  } catch (cause) {
    throw new CommandError('invalid_stanza', `not a stanza: ${(cause as Error).message}`);
  }
  if (stanza.kind === StanzaKind.OTHER) {
    throw new CommandError('invalid_stanza', 'only message, presence and iq in jabber:client are routed');
  }
  return stanza;
}

/** Collects the steps, and what they decide for the stanza itself. */
class Explained {
  readonly steps: ExplainedStep[] = [];
  #ended: Decision['outcome'] | undefined;

  traceOf(acc: Accumulator, depth: number): Trace {
    const stanza = describeStanza(acc);
    return {
      isDryRun: true,
      note: (step) => this.steps.push({ ...step, stanza, depth }),
      derived: (other) => this.traceOf(other, depth + 1),
    };
  }

  ended(outcome: Decision['outcome']): void {
    this.#ended = outcome;
  }

  decision(): Decision {
    const own = this.steps.filter((step) => step.depth === 0);
    const decided = own.flatMap(({ decision }) => (decision === undefined ? [] : [decision]));
    const last = decided.at(-1);
    const outcome = this.#ended ?? (last === 'forwarded' ? 'delivered' : (last ?? 'unknown'));
    const ending = own.findLast((step) => step.outcome === 'stop' || step.outcome === 'drop');
    return {
      outcome,
      sessions: own.flatMap(({ sessions }) => (sessions === undefined ? [] : [sessions])),
      error: own.find((step) => step.step === 'error')?.outcome,
      by: outcome === 'delivered' || outcome === 'bounced' ? undefined : ending?.module,
    };
  }
}
