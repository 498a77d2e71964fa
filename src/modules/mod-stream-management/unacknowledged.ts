import {
  type Accumulator,
  type C2sParams,
  delayXml,
  Flag,
  type Jid,
  type KeptStanza,
  type ModuleContext,
  type SessionId,
  StanzaError,
  StanzaKind,
} from '../module.ts';

const TEXT = 'SM Storage';

/** Where and whose the stanzas were that nobody acknowledged. */
export interface Ended {
  readonly session: Pick<C2sParams, 'hostType' | 'lserver'>;
  readonly jid: Jid;
  /** The last priority of the session. */
  readonly priority: number;
  /** The session that has taken the resource. */
  readonly replacedBy: SessionId | undefined;
}

/** A kept message tells when it was sent, unless it tells already (XEP-0203). Errors and headlines are not for later. */
export function withDelay(kept: KeptStanza, acc: Accumulator, host: Jid): Accumulator {
  const { kind, type } = kept;
  if (kind !== StanzaKind.MESSAGE || type === 'error' || type === 'headline') return acc;
  if ((acc.flags & Flag.DELAYED) !== 0) return acc;
  acc.addFlag(Flag.DELAYED);
  if (!kept.text.includes('urn:xmpp:delay')) {
    acc.updateStanza(acc.stanza!.append(delayXml(host, kept.timestamp, TEXT)));
  }
  return acc;
}

/**
 * A session has ended with stanzas that its client has not acknowledged (XEP-0198 §4): messages find their way anew, to the session that has taken the resource,
 * to another resource, into storage; requests are answered with an error; the rest was for this session alone.
 */
export function reroute(context: ModuleContext, queue: readonly KeptStanza[], ended: Ended): undefined {
  if (queue.length === 0) return;
  const host = context.trustedJid(ended.jid.domain);
  const accs = queue.map((kept) => withDelay(kept, kept.restore(ended.session), host));
  const filtered = context.foldHook('filter_unacknowledged_messages', accs, { jid: ended.jid });
  if (filtered instanceof Promise) void filtered.then((left) => routeAll(context, left, ended));
  else routeAll(context, filtered, ended);
}

function routeAll(context: ModuleContext, accs: readonly Accumulator[], ended: Ended): void {
  for (const acc of accs) routeOne(context, acc, ended);
}

function routeOne(context: ModuleContext, acc: Accumulator, ended: Ended): void {
  const { kind, type } = acc.stanza!;
  context.takeBack(acc);
  if (kind === StanzaKind.MESSAGE) {
    if (isKeptElsewhere(context, acc, ended)) context.outcome(acc, 'dropped');
    else if (ended.replacedBy !== undefined) context.handOver(acc, ended.replacedBy);
    else void context.routeAgain(acc);
    return;
  }
  const reply =
    kind === StanzaKind.IQ && type !== 'result' && type !== 'error'
      ? acc.errorReply(new StanzaError('service-unavailable'))
      : undefined;
  if (reply === undefined) context.outcome(acc, 'dropped');
  else {
    context.outcome(acc, 'bounced');
    void context.route(reply);
  }
}

/** Whether the user has, or will get, this message without us. */
function isKeptElsewhere(context: ModuleContext, acc: Accumulator, { jid, priority }: Ended): boolean {
  // It is still in storage; carbon copies are what they say.
  if ((acc.flags & (Flag.STORED | Flag.CARBON)) !== 0) return true;
  if ((acc.flags & Flag.SHARED) === 0) return false;
  // Another session that was there when it was sent, and no less available, has a copy of its own.
  return context.sessions(jid.bareJid).some((other) => {
    return (
      other.priority !== undefined && other.priority >= Math.max(0, priority) && other.time < acc.timestamp
    );
  });
}
