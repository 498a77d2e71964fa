import {
  type Accumulator,
  addressedWith,
  type C2sParams,
  Element,
  Flag,
  type FlaggedSession,
  type Jid,
  type ModuleContext,
  NS_CARBONS,
  NS_CARBONS_OLD,
  NS_STANZA_IDS,
  SessionFlag,
  STOP,
  type Stanza,
  serialize,
  type Verdict,
} from '../module.ts';
import { type Direction, isEligible } from './eligible.ts';
import { copyOf } from './wrapper.ts';

const ANY = SessionFlag.CARBONS | SessionFlag.CARBONS_OLD;

/** Sends copies of what one session sends or receives to the others of the account that want them. */
export class Carbons {
  readonly #context: ModuleContext;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  enable(session: C2sParams, ns: string): void {
    const flag = ns === NS_CARBONS_OLD ? SessionFlag.CARBONS_OLD : SessionFlag.CARBONS;
    this.#context.setFlag(session, ANY & ~flag, false);
    this.#context.setFlag(session, flag, true);
  }

  disable(session: C2sParams): void {
    if ((session.flags & ANY) !== 0) this.#context.setFlag(session, ANY, false);
  }

  /** A message from our client (`user_send_message`): the other sessions see it, before its recipient does. */
  sent(acc: Accumulator, session: C2sParams): Verdict | Promise<Verdict> {
    const own = session.jid!;
    const targets = this.#context.flaggedSessions(own.bareJid, ANY, session.sid);
    if (targets instanceof Promise) {
      acc.retain();
      return targets.then((found) => this.#copySent(acc, session, found));
    }
    return targets.length === 0 ? undefined : this.#copySent(acc, session, targets);
  }

  #copySent(acc: Accumulator, session: C2sParams, targets: readonly FlaggedSession[]): undefined {
    const own = session.jid!;
    // To oneself: whoever does not get the message itself gets a copy where it arrives, and nobody gets two.
    if (acc.to.bare === own.bare || !isEligible(acc.stanza!, 'sent', false)) return;
    this.#copy(acc, 'sent', own.bareJid, withArchiveId(acc, own), targets);
  }

  /** A message for our client (`user_receive_message`). */
  received(acc: Accumulator, session: C2sParams): Verdict | Promise<Verdict> {
    const own = session.jid!;
    const targets = this.#context.flaggedSessions(own.bareJid, ANY, session.sid);
    if (targets instanceof Promise) {
      acc.retain();
      return targets.then((found) => this.#copyReceived(acc, session, found));
    }
    if (targets.length > 0) return this.#copyReceived(acc, session, targets);
    return (session.flags & ANY) !== 0 && isRepeated(acc, own) ? STOP : undefined;
  }

  #copyReceived(acc: Accumulator, session: C2sParams, targets: readonly FlaggedSession[]): Verdict {
    const own = session.jid!;
    if (isOwnCopy(acc.from, own, acc.stanza!)) {
      // It was on its way while the client gave up copies, or was replaced by one that does not know them.
      return (session.flags & ANY) === 0 ? STOP : undefined;
    }
    if (isRepeated(acc, own)) return STOP;
    const copied = copiedTo(acc);
    if (!isEligible(acc.stanza!, 'received', acc.from.resource !== '')) return undefined;
    const addressed = addressedWith(acc, session.sid!);
    if (!addressed.isFirst) return undefined;
    const others = targets.filter(
      (target) =>
        !addressed.has(target.shard, target.number) &&
        // Who sent it has it (XEP-0280 §8).
        target.jid.full !== acc.from.full &&
        !copied?.includes(target.jid.full),
    );
    if (others.length === 0) return undefined;
    this.#copy(acc, 'received', own.bareJid, acc, others);
    acc.setPermanent('mod_carboncopy', 'copied', [...(copied ?? []), ...others.map(({ jid }) => jid.full)]);
    return undefined;
  }

  #copy(
    acc: Accumulator,
    direction: Direction,
    from: Jid,
    original: Accumulator,
    targets: readonly FlaggedSession[],
  ): void {
    let copy: Stanza | undefined;
    let old: Stanza | undefined;
    for (const { jid, flags } of targets) {
      const isOld = (flags & SessionFlag.CARBONS) === 0;
      if (isOld) old ??= copyOf(original, direction, true);
      else copy ??= copyOf(original, direction, false);
      const own = acc.derive(isOld ? old! : copy!, from, jid);
      // Should the device never acknowledge it, it goes nowhere else.
      own.addFlag(Flag.CARBON);
      void this.#context.route(own);
    }
    this.#context.count(direction, targets.length);
  }

  /**
   * A message to a resource that is not there (`sm_filter_offline_message`): a copy is for that one alone, and is neither given to others nor stored.
   */
  isLostCopy(from: Jid, to: Jid, packet: Stanza): boolean {
    return isOwnCopy(from, to, packet);
  }
}

/** Whether this is a copy that the server made: from the account to itself. No client can send in the name of its bare JID. */
function isOwnCopy(from: Jid, to: Jid, stanza: Stanza): boolean {
  if (!from.isBare || from.bare !== to.bare) return false;
  if (!stanza.mayContain('forwarded')) return false;
  const { element } = stanza;
  return (element.childOf(NS_CARBONS) ?? element.childOf(NS_CARBONS_OLD)) !== undefined;
}

/** The sender's copy tells under which id the message is in the sender's archive (XEP-0313). */
function withArchiveId(acc: Accumulator, own: Jid): Accumulator {
  const id = acc.get<string>('mam', 'mam_id');
  if (id === undefined) return acc;
  const element = Element.of('stanza-id', NS_STANZA_IDS, { by: own.bare, id });
  return acc.derive(acc.stanza!.append(serialize(element)), acc.from, acc.to);
}

/** Who has a copy of a message that came here. */
function copiedTo(acc: Accumulator): readonly string[] | undefined {
  return acc.get('mod_carboncopy', 'copied');
}

/** The session that a message was for has ended without showing it, and it looks for another way: here it came as a copy. */
function isRepeated(acc: Accumulator, own: Jid): boolean {
  return copiedTo(acc)?.includes(own.full) ?? false;
}
