import { type Accumulator, Flag } from '../hooks/accumulator.ts';
import { NO_PRIORITY, type SessionList } from '../memory/directory.ts';
import type { Jid } from '../xmpp/jid.ts';
import { isSameSession, type SessionId } from '../xmpp/session-id.ts';
import { StanzaKind } from '../xmpp/stanza.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import { noteAddressed, wantsAddressed } from './addressed.ts';
import { type DeliveryHost, type MaybePromise, whenSettled } from './delivery-host.ts';
import { DeliveryOrder } from './delivery-order.ts';
import { HandIn } from './hand-in.ts';
import { type Again, routeToAbsentUser } from './offline.ts';
import { Reroutes } from './reroutes.ts';
import type { SessionManager } from './session-manager.ts';

/**
 * Who gets a stanza that is addressed to a user: RFC 6121 §8, which wins over MongooseIM where they differ
 * (`docs/architecture.md` lists the differences).
 */
export class Delivery implements Again {
  readonly sm: SessionManager;
  readonly host: DeliveryHost;
  readonly reroutes: Reroutes;
  /** The last step, for sessions of this shard. */
  readonly handIn: HandIn;
  readonly #order: DeliveryOrder;
  /** Where stanzas that are routed again went. */
  readonly #wentTo = new WeakMap<Accumulator, number>();
  /** Accounts for which messages of this shard are being stored, and when the last of these will be there. */
  readonly #held = new Map<string, Promise<unknown>>();

  constructor(sm: SessionManager, host: DeliveryHost) {
    this.sm = sm;
    this.host = host;
    this.reroutes = new Reroutes();
    this.handIn = new HandIn(sm, host, this.reroutes);
    this.#order = new DeliveryOrder(sm.remote, sm.shard, this.reroutes, sm.movedSenders);
  }

  /** Delivers, stores or bounces. A promise is returned only where the outcome must be waited for. */
  route(acc: Accumulator): MaybePromise {
    if (acc.receiverSid !== undefined && acc.receiverSid.shard === this.sm.shard) {
      return this.#toReceiver(acc, acc.receiverSid);
    }
    const wait = this.#behindReroutes(acc);
    if (wait !== undefined) return wait.then(() => this.route(acc));
    return this.#decide(acc);
  }

  /** What the sender's earlier stanzas for the account, which are being routed again here, make this one wait for. */
  #behindReroutes(acc: Accumulator): Promise<void> | undefined {
    if (this.reroutes.isIdle || acc.trace?.isDryRun) return undefined;
    const wait = this.reroutes.settled(acc.to.bare, acc.from.full);
    if (wait !== undefined) acc.stanza?.retain();
    return wait;
  }

  /** See {@link DeliveryOrder.wasRerouted}. */
  wasRerouted(to: Jid, from: string, mask: number): void {
    this.#order.wasRerouted(to, from, mask);
  }

  /** See {@link DeliveryOrder.goesStraight}. */
  goesStraight(from: Jid, to: Jid, mask: number): boolean {
    return this.#order.goesStraight(from, to, mask);
  }

  /** Goes on after waiting: at once, unless earlier ones of its sender have come meanwhile to be routed again. */
  goOn(acc: Accumulator, work: () => MaybePromise): MaybePromise {
    if (acc.visits > 0) return this.reroutes.goOn(acc, work);
    const wait = this.#behindReroutes(acc);
    return wait === undefined ? work() : wait.then(() => this.goOn(acc, work));
  }

  /** Routes a stanza whose session is gone; it has its turn in `reroutes`. Settles when it is done with. */
  routeInLine(acc: Accumulator): MaybePromise {
    const routing = this.#decide(acc);
    return routing === undefined ? this.#afterTurn(acc) : routing.then(() => this.#afterTurn(acc));
  }

  #afterTurn(acc: Accumulator): MaybePromise {
    const shards = this.#wentTo.get(acc);
    if (shards !== undefined) {
      // It may be routed again from there: those who wait for it wait on.
      const done = this.sm.remote.settled(shards, acc.to.bare, acc.from.full, acc.timestamp, acc.visits);
      if (done !== undefined) this.reroutes.follow(acc, done);
    }
    // While it is being stored it is not done with: its user may come meanwhile.
    return this.#held.get(acc.to.bare);
  }

  #forward(
    shard: number,
    numbers: readonly number[],
    acc: Accumulator,
    isSole: boolean,
    isByAccount: boolean,
  ): boolean {
    const isSent = this.sm.remote.forward(shard, numbers, acc, isSole, isByAccount);
    if (isSent && acc.visits > 0 && isSole) this.#wentTo.set(acc, shardBit(shard));
    return isSent;
  }

  #decide(acc: Accumulator): MaybePromise {
    return acc.to.isBare ? this.toBare(acc) : this.#toFull(acc);
  }

  /**
   * Messages of this shard to sessions of an account wait until `until` has settled, and their senders with them: a message is being stored
   * for the account, and what follows must not overtake it because the user has come meanwhile.
   */
  hold(bare: string, until: Promise<unknown>): void {
    this.#held.set(bare, until);
    void until.finally(() => {
      if (this.#held.get(bare) === until) this.#held.delete(bare);
    });
  }

  /** What a stanza to a session that was found must wait for. (What will be stored as well comes behind the others by itself.) */
  #heldFor(acc: Accumulator): Promise<unknown> | undefined {
    if (this.#held.size === 0 || acc.stanza?.kind !== StanzaKind.MESSAGE || acc.trace?.isDryRun)
      return undefined;
    const held = this.#held.get(acc.to.bare);
    if (held !== undefined) acc.stanza.retain();
    return held;
  }

  /** Only one session, of this shard, may have it. */
  #toReceiver(acc: Accumulator, sid: SessionId): MaybePromise {
    const session = this.sm.table.get(sid.number);
    if (session !== undefined && isSameSession(session.sid, sid)) {
      this.handIn.to(session, acc);
      return undefined;
    }
    // A message that nothing else keeps goes the way of any other; everything else was meant for that session alone.
    if (acc.stanza?.kind !== StanzaKind.MESSAGE || (acc.flags & Flag.STORED) !== 0)
      return this.host.drop(acc);
    acc.receiverSid = undefined;
    return this.#decide(acc);
  }

  /** To a certain session wherever it is; it has its turn in `reroutes`. If that session is gone, too, the stanza is routed again. */
  toSession(acc: Accumulator, session: SessionId): MaybePromise {
    const { shard, number } = session;
    const wait = this.#order.before(acc, acc.to, shardBit(shard));
    if (wait !== undefined) return wait.then(() => this.goOn(acc, () => this.toSession(acc, session)));
    if (shard === this.sm.shard) return this.handIn.toAll([number], acc, true, true, true);
    if (this.#forward(shard, [number], acc, true, true)) this.host.outcomes.ended(acc, 'forwarded');
    else this.host.refuse(acc, new StanzaError('resource-constraint', 'The server is overloaded'));
    return this.#afterTurn(acc);
  }

  #toFull(acc: Accumulator): MaybePromise {
    const { to } = acc;
    const { sm } = this;
    if (sm.findFull(to)) {
      const { shard, number } = sm.directory;
      const held = this.#heldFor(acc);
      if (held !== undefined) return held.then(() => this.goOn(acc, () => this.#toFull(acc)));
      if (shard === sm.shard) {
        const session = sm.here(number, to, false);
        if (session !== undefined) {
          const wait = this.#order.before(acc, to, shardBit(shard));
          if (wait !== undefined) return wait.then(() => this.goOn(acc, () => this.#toFull(acc)));
          this.handIn.to(session, acc);
          return undefined;
        }
      } else {
        const wait = this.#order.before(acc, to, shardBit(shard));
        if (wait !== undefined) return wait.then(() => this.goOn(acc, () => this.#toFull(acc)));
        if (this.#forward(shard, [number], acc, true, false)) {
          this.host.outcomes.ended(acc, 'forwarded');
          return undefined;
        }
        this.host.refuse(acc, new StanzaError('resource-constraint', 'The server is overloaded'));
        return undefined;
      }
    }
    const wait = this.#order.before(acc, to, 0);
    if (wait !== undefined) return wait.then(() => this.goOn(acc, () => this.#toFull(acc)));
    return this.#toMissingResource(acc);
  }

  /** RFC 6121 §8.5.3.2: a full JID that no connected resource has. */
  #toMissingResource(acc: Accumulator): MaybePromise {
    const { stanza } = acc;
    const type = stanza?.type;
    switch (stanza?.kind) {
      case StanzaKind.MESSAGE:
        return whenSettled(this.host.recipients.filterOffline(acc), (isDropped) => {
          if (isDropped || type === 'error') return this.host.drop(acc);
          // A chat goes on as if it were to the bare JID; the others are answered with an error.
          return type === 'chat' ? this.toBare(acc) : this.host.refuse(acc, unavailable());
        });
      case StanzaKind.PRESENCE:
        // A subscription request is to the account, whatever the address says (RFC 6121 §3.1.3).
        return type === 'subscribe' ? this.#subscription(acc) : this.host.drop(acc);
      case StanzaKind.IQ:
        return type === 'get' || type === 'set' ? this.host.refuse(acc, unavailable()) : this.host.drop(acc);
      default:
        return this.host.drop(acc);
    }
  }

  /** RFC 6121 §8.5.1 and §8.5.2. */
  toBare(acc: Accumulator): MaybePromise {
    switch (acc.stanza?.kind) {
      case StanzaKind.MESSAGE:
        return this.#messageToBare(acc);
      case StanzaKind.PRESENCE:
        return this.#presenceToBare(acc);
      case StanzaKind.IQ:
        return this.host.bareIq(acc);
      default:
        return this.host.drop(acc);
    }
  }

  #messageToBare(acc: Accumulator): MaybePromise {
    const type = acc.stanza!.type;
    const list = this.sm.find(acc.to.bareJid);
    const highest = highestPriority(list);
    // Not available, or only with negative priorities: as if nobody were there.
    if (highest < 0) {
      const wait = this.#order.before(acc, acc.to, 0);
      return wait === undefined
        ? routeToAbsentUser(acc, this.host, this)
        : wait.then(() => this.goOn(acc, () => this.#messageToBare(acc)));
    }
    const held = this.#heldFor(acc);
    if (held !== undefined) return held.then(() => this.goOn(acc, () => this.#messageToBare(acc)));
    if (type === 'error') return this.host.drop(acc);
    if (type === 'groupchat') return this.host.refuse(acc, unavailable());
    // Headlines go to every resource that takes messages, others to the most available ones (RFC 6121 §8.5.2.1.1).
    return this.#toSessions(acc, list, type === 'headline' ? 0 : highest);
  }

  isThere(acc: Accumulator): boolean {
    return highestPriority(this.sm.find(acc.to.bareJid)) >= 0;
  }

  #presenceToBare(acc: Accumulator): MaybePromise {
    switch (acc.stanza!.type) {
      case 'subscribe':
      case 'subscribed':
      case 'unsubscribe':
      case 'unsubscribed':
        return this.#subscription(acc);
      default:
        return this.#toAvailable(acc);
    }
  }

  #subscription(acc: Accumulator): MaybePromise {
    return whenSettled(this.host.recipients.inSubscription(acc), (isWanted) =>
      whenSettled(isWanted ? this.#toAvailable(acc) : this.host.drop(acc), () =>
        this.host.recipients.afterSubscription(acc),
      ),
    );
  }

  /** What is decided about a presence stays so while it waits: only who is there is looked up again. */
  #toAvailable(acc: Accumulator): MaybePromise {
    const list = this.sm.find(acc.to.bareJid);
    if (acc.stanza!.type === 'probe' && !isAnybody(list)) return this.host.recipients.absentProbe(acc);
    return this.#toSessions(acc, list, -128);
  }

  /** Delivers to every session in `list` of at least that priority; one frame for each other shard. */
  #toSessions(acc: Accumulator, list: SessionList, lowest: number): MaybePromise {
    const { sm } = this;
    let mask = 0;
    let count = 0;
    let flags = 0;
    for (let i = 0; i < list.length; i++) {
      flags |= list.flags[i]!;
      if (list.priority[i]! < lowest || list.priority[i] === NO_PRIORITY) continue;
      count++;
      mask |= shardBit(list.shard[i]!);
    }
    if (count === 0) return this.host.drop(acc);
    const wait = this.#order.before(acc, acc.to, mask);
    if (wait !== undefined) {
      const again = (): MaybePromise =>
        acc.stanza!.kind === StanzaKind.PRESENCE ? this.#toAvailable(acc) : this.toBare(acc);
      return wait.then(() => this.goOn(acc, again));
    }
    // On a second visit it may be the only one.
    if (count > 1) acc.flags |= Flag.SHARED;
    else acc.flags &= ~Flag.SHARED;
    if (acc.stanza!.kind === StanzaKind.MESSAGE && (flags !== 0 || wantsAddressed(acc))) {
      noteAddressed(acc, list, lowest);
    }
    const here: number[] = [];
    const elsewhere = mask === shardBit(sm.shard) ? undefined : new Map<number, number[]>();
    for (let i = 0; i < list.length; i++) {
      if (list.priority[i]! < lowest || list.priority[i] === NO_PRIORITY) continue;
      const shard = list.shard[i]!;
      if (shard === sm.shard) here.push(list.number[i]!);
      else {
        const numbers = elsewhere!.get(shard);
        if (numbers === undefined) elsewhere!.set(shard, [list.number[i]!]);
        else numbers.push(list.number[i]!);
      }
    }
    const ways = here.length + (elsewhere?.size ?? 0);
    if (ways > 1) this.host.outcomes.copied(acc, ways - 1);
    if (elsewhere !== undefined && !this.#toShards(acc, elsewhere, count === 1)) return undefined;
    return this.handIn.toAll(here, acc, count === 1, true, false);
  }

  /** One frame for each shard; false if the only one was refused. */
  #toShards(acc: Accumulator, elsewhere: ReadonlyMap<number, readonly number[]>, isSole: boolean): boolean {
    let sent = 0;
    for (const [shard, numbers] of elsewhere) if (this.#forward(shard, numbers, acc, isSole, true)) sent++;
    if (sent === 0 && isSole) {
      this.host.refuse(acc, new StanzaError('resource-constraint', 'The server is overloaded'));
      return false;
    }
    // One line in a trace, however many.
    this.host.outcomes.ended(acc, sent > 0 ? 'forwarded' : 'dropped');
    if (elsewhere.size > 1 && !acc.trace?.isDryRun) {
      this.host.outcomes.endedOf(acc.stanza!, 'forwarded', Math.max(0, sent - 1));
      this.host.outcomes.endedOf(acc.stanza!, 'dropped', elsewhere.size - Math.max(1, sent));
    }
    return true;
  }
}

function shardBit(shard: number): number {
  return 1 << shard;
}

function highestPriority(list: SessionList): number {
  let highest = NO_PRIORITY;
  for (let i = 0; i < list.length; i++) highest = Math.max(highest, list.priority[i]!);
  return highest;
}

function isAnybody(list: SessionList): boolean {
  for (let i = 0; i < list.length; i++) if (list.priority[i] !== NO_PRIORITY) return true;
  return false;
}

function unavailable(): StanzaError {
  return new StanzaError('service-unavailable');
}
