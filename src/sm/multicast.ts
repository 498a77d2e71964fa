import type { Accumulator } from '../hooks/accumulator.ts';
import { DROP } from '../hooks/chain.ts';
import type { HostType } from '../hooks/host-type.ts';
import { HOOK_INDEX } from '../hooks/points.ts';
import { FRAME_TARGETS_MAX, FRAME_TEXT_MAX } from '../limits.ts';
import { NO_PRIORITY } from '../memory/directory.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import type { Delivery } from './delivery.ts';
import type { MaybePromise } from './delivery-host.ts';
import type { LocalSession } from './local-session.ts';
import type { Outcomes } from './outcomes.ts';

const FILTER_LOCAL_PACKET = HOOK_INDEX.filter_local_packet;

/** Separates the accounts of a frame: no address has a control character in it (RFC 7622 §3). */
const SEPARATOR = '\n';
const SEPARATOR_CODE = 10;

/** What multicasting needs of the shard's routing. */
export interface MulticastHost {
  /** The whole way, for one address. */
  route(acc: Accumulator): MaybePromise;
  /** The host type whose users a domain has, if stanzas to them would pass nothing on their way to local delivery but that domain's route. */
  usersOf(domain: string): HostType | undefined;
  readonly outcomes: Outcomes;
}

/** What goes to one other shard. */
interface Batch {
  /** For each account how many sessions, and their numbers. */
  readonly targets: number[];
  /** The bare JIDs of the accounts, one a line. */
  text: string;
  accounts: number;
}

/** One stanza on its way to many. A session that is given it here may send another one at once, while this one is on its way. */
interface Sending {
  readonly cause: Accumulator;
  readonly stanza: Stanza;
  readonly from: Jid;
  /** By shard. */
  batches: Map<number, Batch> | undefined;
}

/**
 * One presence for many accounts. For each of them everything happens as if it were routed by itself: `filter_local_packet` of its domain, which may drop or
 * change it; every available session gets it. But the sessions of another shard get it in one frame, with the addresses beside the numbers of the
 * sessions, so that the shard can make sure whose they are.
 *
 * Whoever has moved from one shard to another, so that the order of stanzas must be looked after (`delivery-order.ts`), and whoever is no user here, gets
 * it the long way. A session that has gone does not get it, and it is not routed again: a session that comes asks for presence itself.
 */
export class Multicast {
  readonly #delivery: Delivery;
  readonly #host: MulticastHost;

  constructor(delivery: Delivery, host: MulticastHost) {
    this.#delivery = delivery;
    this.#host = host;
  }

  /** Sends `stanza`, because of what `cause` accompanies, to each of `recipients` once. */
  send(cause: Accumulator, stanza: Stanza, from: Jid, recipients: readonly Jid[]): void {
    const { unstamped } = stanza;
    const sending: Sending = { cause, stanza: unstamped, from, batches: undefined };
    for (let i = 0; i < recipients.length; i++) this.#toAccount(sending, recipients[i]!);
    if (sending.batches === undefined) return;
    for (const [shard, batch] of sending.batches) this.#flush(shard, batch, sending);
  }

  #toAccount(sending: Sending, to: Jid): void {
    const { cause, stanza, from } = sending;
    const hostType =
      to.isBare && to.local !== '' && cause.trace === undefined ? this.#host.usersOf(to.domain) : undefined;
    if (hostType === undefined || !this.#delivery.reroutes.isIdle) {
      void this.#host.route(sentOn(cause, stanza, from, to));
      return;
    }
    this.#host.outcomes.sentOn(stanza, 1);
    let acc: Accumulator | undefined;
    const chain = hostType.chains[FILTER_LOCAL_PACKET]!;
    if (chain !== null) {
      acc = derived(cause, stanza, from, to, hostType);
      const verdict = chain.run(acc, undefined);
      if (verdict === DROP) {
        this.#host.outcomes.ended(acc, 'dropped');
        return;
      }
      if (verdict instanceof Promise || acc.stanza !== stanza || acc.to !== to || acc.from !== from) {
        void this.#alone(acc, verdict);
        return;
      }
    }
    this.#toSessions(sending, to, hostType, acc);
  }

  /** A handler waits for something, or has changed the stanza. */
  async #alone(acc: Accumulator, verdict: unknown): Promise<void> {
    acc.stanza?.retain();
    if ((await verdict) === DROP) this.#host.outcomes.ended(acc, 'dropped');
    else await this.#delivery.route(acc);
  }

  #toSessions(sending: Sending, to: Jid, hostType: HostType, filtered: Accumulator | undefined): void {
    const { cause, stanza, from } = sending;
    const { sm } = this.#delivery;
    const list = sm.find(to);
    let mask = 0;
    for (let i = 0; i < list.length; i++) if (list.priority[i] !== NO_PRIORITY) mask |= 1 << list.shard[i]!;
    if (mask === 0) {
      this.#host.outcomes.endedOf(stanza, 'dropped', 1);
      return;
    }
    if (!this.#delivery.goesStraight(from, to, mask)) {
      const acc = filtered ?? derived(cause, stanza, from, to, hostType);
      void this.#delivery.route(acc);
      return;
    }
    const own = 1 << sm.shard;
    let ways = 0;
    for (let rest = mask & ~own; rest !== 0; rest &= rest - 1) {
      const shard = 31 - Math.clz32(rest & -rest);
      const batch = this.#batchFor(shard, sending, to);
      const { targets } = batch;
      const at = targets.push(0) - 1;
      for (let i = 0; i < list.length; i++) {
        if (list.shard[i] === shard && list.priority[i] !== NO_PRIORITY) targets.push(list.number[i]!);
      }
      targets[at] = targets.length - at - 1;
      batch.text = batch.text === '' ? to.bare : `${batch.text}${SEPARATOR}${to.bare}`;
      batch.accounts++;
      ways++;
    }
    if ((mask & own) === 0) {
      this.#host.outcomes.copiedOf(stanza, ways - 1);
      return;
    }
    // Receiving one may lead to others, which use the same list again: all are looked up before. Most accounts have one, for which no array is made.
    let first: LocalSession | undefined;
    let more: LocalSession[] | undefined;
    for (let i = 0; i < list.length; i++) {
      if (list.shard[i] !== sm.shard || list.priority[i] === NO_PRIORITY) continue;
      const session = sm.here(list.number[i]!, to, true);
      if (session === undefined) continue;
      if (first === undefined) first = session;
      else {
        more ??= [];
        more.push(session);
      }
    }
    const others = more?.length ?? 0;
    if (first !== undefined) ways += 1 + others;
    if (ways === 0) this.#host.outcomes.endedOf(stanza, 'dropped', 1);
    else this.#host.outcomes.copiedOf(stanza, ways - 1);
    if (first === undefined) return;
    this.#give(first, others === 0 ? filtered : undefined, sending, to, hostType);
    for (let i = 0; i < others; i++)
      this.#give(more![i]!, i === others - 1 ? filtered : undefined, sending, to, hostType);
  }

  /** `filtered`: the accumulator that has been through the filter, if no other session gets it. */
  #give(
    session: LocalSession,
    filtered: Accumulator | undefined,
    { cause, stanza, from }: Sending,
    to: Jid,
    hostType: HostType,
  ): void {
    const acc = filtered ?? derived(cause, stanza, from, to, hostType);
    this.#host.outcomes.ended(acc, 'delivered');
    session.deliver(acc);
  }

  #batchFor(shard: number, sending: Sending, to: Jid): Batch {
    sending.batches ??= new Map();
    const known = sending.batches.get(shard);
    if (known !== undefined) {
      if (known.targets.length < FRAME_TARGETS_MAX && known.text.length + to.bare.length < FRAME_TEXT_MAX)
        return known;
      this.#flush(shard, known, sending);
    }
    const batch: Batch = { targets: [], text: '', accounts: 0 };
    sending.batches.set(shard, batch);
    return batch;
  }

  #flush(shard: number, batch: Batch, { cause, stanza, from }: Sending): void {
    const { targets, text } = batch;
    const again = isFirstHand(cause, from) ? 0 : 1;
    const isSent = this.#delivery.sm.remote.forwardMany(shard, targets, text, cause, stanza, from, again);
    this.#host.outcomes.endedOf(stanza, isSent ? 'forwarded' : 'dropped', batch.accounts);
  }

  /**
   * A stanza from another shard for sessions of this one: `targets` and `text` as that shard wrote them; `derive` makes an accumulator for one recipient.
   */
  deliverHere(
    targets: readonly number[],
    text: string,
    stanza: Stanza,
    derive: (to: Jid) => Accumulator,
  ): void {
    const { sm, reroutes } = this.#delivery;
    let at = 0;
    for (let i = 0; i < targets.length; ) {
      const last = i + targets[i]!;
      this.#host.outcomes.arrivedOf(stanza, targets[i]!);
      while (i++ < last) {
        const session = sm.table.get(targets[i]!);
        if (session === undefined || !isAt(text, at, session.jid.bare)) {
          this.#host.outcomes.endedOf(stanza, 'dropped', 1);
          continue;
        }
        const acc = derive(session.jid.bareJid);
        if (!reroutes.isIdle) this.#delivery.handIn.arrived([targets[i]!], acc, false, true);
        else {
          this.#host.outcomes.ended(acc, 'delivered');
          session.deliver(acc);
        }
      }
      const next = text.indexOf(SEPARATOR, at);
      at = next < 0 ? text.length : next + 1;
    }
  }
}

/** Whether the line of `text` that begins at `at` is `bare`. */
function isAt(text: string, at: number, bare: string): boolean {
  const end = at + bare.length;
  return (end === text.length || text.charCodeAt(end) === SEPARATOR_CODE) && text.startsWith(bare, at);
}

function derived(cause: Accumulator, stanza: Stanza, from: Jid, to: Jid, hostType: HostType): Accumulator {
  const acc = sentOn(cause, stanza, from, to);
  acc.strip(hostType, to.domain);
  return acc;
}

/**
 * What somebody sends to many is first-hand, like his other stanzas, and is kept in order with them; only what others caused is counted as
 * routed once more, so that answers to answers come to an end.
 */
function sentOn(cause: Accumulator, stanza: Stanza, from: Jid, to: Jid): Accumulator {
  const acc = cause.derive(stanza, from, to);
  if (isFirstHand(cause, from)) {
    acc.hops = cause.hops;
    acc.visits = cause.visits;
  }
  return acc;
}

function isFirstHand(cause: Accumulator, from: Jid): boolean {
  return cause.from.full === from.full;
}
