import {
  type Accumulator,
  type C2sParams,
  type Claimant,
  type ClaimedMessages,
  type Damage,
  type Jid,
  type ModuleContext,
  type OfflineRoute,
  type SessionHandle,
  type SessionId,
  STOP,
  type Verdict,
} from '../module.ts';
import type { OfflineOptions } from './mod-offline.ts';
import type { MovedPickup, Pickup } from './pickup.ts';
import { restore } from './restore.ts';
import { tellAvailable, tellSession } from './tell-available.ts';

/** Messages taken from the store at a time, and their bytes: far less than a connection may have waiting for a slow client. */
const BATCH = 500;
const BATCH_BYTES = 262_144;
/** When the store did not answer: pause before the next try, and twice as long after each further one, up to a limit. */
const RETRY_MS = 100;
const RETRY_MS_MAX = 5_000;
/** What a confirmation that waits for the store takes, about; and each id in it. */
const CONFIRM_BYTES = 200;
const ID_BYTES = 8;
/** Longest that live messages wait for those that were stored before them; see `OFFLINE_HOLD_MS_MAX`. */
const HOLD_MS_MAX = 5_000;

/** Brings stored messages to sessions. */
export class Fetching {
  readonly #context: ModuleContext<OfflineOptions>;
  readonly #damage: Damage;

  constructor(context: ModuleContext<OfflineOptions>, damage: Damage) {
    this.#context = context;
    this.#damage = damage;
  }

  #pickup(session: C2sParams): Pickup {
    const known = session.moduleState(this.#context.slot) as Pickup | undefined;
    if (known !== undefined) return known;
    const fresh: Pickup = {
      session,
      isBusy: false,
      hasClaim: false,
      ids: [],
      delivered: 0,
      isCountable: false,
      isToldOfDelivery: false,
      hasEnded: false,
      hasMoved: false,
      hasMore: false,
      failures: 0,
      cancelRetry: undefined,
      whenIdle: undefined,
    };
    session.setModuleState(this.#context.slot, fresh);
    return fresh;
  }

  /** Finds what is stored for a session that takes messages now (`resend_offline_messages`); its caller routes it. */
  fetch(acc: Accumulator, jid: Jid): undefined | Promise<undefined> {
    const handle = this.#context.session(jid);
    if (handle === undefined || acc.trace?.isDryRun) return undefined;
    const pickup = this.#pickup(handle.params);
    if (pickup.isBusy) {
      pickup.hasMore = true;
      return undefined;
    }
    pickup.isBusy = true;
    pickup.hasMore = false;
    // Gone again if the hook's deadline passes: then nobody routes any more what we find.
    acc.set('offline', 'fetching', true);
    return this.#claim(acc, handle, pickup);
  }

  async #claim(acc: Accumulator, handle: SessionHandle, pickup: Pickup): Promise<undefined> {
    const { jid, sid } = pickup.session;
    const { domain, local } = jid!;
    let claimed: ClaimedMessages | { readonly heldBy: Claimant };
    try {
      const now = this.#context.timestamp();
      claimed = await this.#context.store.request(
        'offline_claim',
        domain,
        local,
        claimant(sid!),
        now,
        // No more than its client may leave unacknowledged.
        Math.max(1, Math.min(BATCH, handle.room)),
        BATCH_BYTES,
      );
    } catch (cause) {
      this.#context.log.warn({ err: cause, what: 'offline_fetch_failed', user: jid!.bare }, 'not fetched');
      this.#tryLater(pickup);
      return;
    }
    // If the session has ended, the store knows it: it was told after it was asked.
    if (pickup.hasEnded) return;
    if (!('heldBy' in claimed)) {
      pickup.failures = 0;
      pickup.cancelRetry?.();
      pickup.cancelRetry = undefined;
    }
    if (acc.get('offline', 'fetching') !== true) {
      void this.#release(pickup);
      this.#tryLater(pickup);
    } else if ('heldBy' in claimed) this.#inOtherHands(pickup, claimed.heldBy);
    else if (claimed.messages.length === 0) this.#finished(pickup, false);
    else this.#hand(acc, handle, pickup, claimed);
  }

  /**
   * Another session has the messages. If it is there, they are its. If it has ended, it gives them back, and we hear of it: what is newer waits for that. (We may
   * be quicker than the word of its shard: what clients see of an end comes before what other threads hear of it.) Should that word never come, because thread after
   * thread dies, asking now and then finds it out.
   */
  #inOtherHands(pickup: Pickup, [shard, number, time]: Claimant): void {
    const { session } = pickup;
    const isThere = this.#context
      .sessions(session.jid!.bareJid)
      .some((one) => one.number === number && one.shard === shard && one.time === time);
    if (isThere || pickup.hasMore) {
      this.#finished(pickup, false);
      return;
    }
    pickup.isBusy = false;
    this.#holdUntilIdle(pickup);
    this.#later(pickup, () => this.#tell(pickup));
  }

  /** Gives the messages to the caller of the hook; the last one knows that it is the last. */
  #hand(
    acc: Accumulator,
    handle: SessionHandle,
    pickup: Pickup,
    { messages, areAll }: ClaimedMessages,
  ): void {
    pickup.hasClaim = true;
    const ids = messages.map((message) => message.id);
    const counting = countingIn(pickup);
    const counted = (): void => handle.afterDelivery(counting);
    const routes = messages.map(
      (message): OfflineRoute => ({
        acc: restore(this.#context, this.#damage, acc, pickup.session, message),
        routed: counted,
      }),
    );
    const last = routes.pop()!;
    pickup.ids = ids;
    pickup.delivered = 0;
    const routed = (): void => this.#awaitDelivery(pickup, handle, ids);
    const earlier = acc.get<readonly OfflineRoute[]>('offline', 'messages') ?? [];
    acc.set('offline', 'messages', [...earlier, ...routes, { ...last, routed }]);
    this.#context.count('delivered', messages.length);
    // What is newer may follow right behind them, unless there are others before it.
    if (!areAll || pickup.hasMore) this.#holdUntilIdle(pickup);
    else this.#endHold(pickup);
  }

  #awaitDelivery(pickup: Pickup, handle: SessionHandle, ids: readonly number[]): void {
    pickup.isToldOfDelivery = true;
    handle.afterDelivery((isDelivered) => {
      // The session has moved to another shard, which was told of them.
      if (pickup.hasMoved) return;
      if (isDelivered) {
        void this.#confirm(pickup, ids);
        return;
      }
      // The session has ended. What its client has acknowledged before must not come again.
      pickup.hasEnded = true;
      if (pickup.delivered === 0) void this.#release(pickup);
      else void this.#confirm(pickup, ids.slice(0, pickup.delivered));
    });
  }

  /** The messages were delivered: they need not be kept any more. */
  async #confirm(pickup: Pickup, ids: readonly number[]): Promise<void> {
    const { jid, sid } = pickup.session;
    const { domain, local } = jid!;
    const { store } = this.#context;
    let left: number;
    try {
      // Until it is done, be it long after the end of the session, nobody else is given them: they would come twice.
      const args = [domain, local, claimant(sid!), ids] as const;
      const bytes = CONFIRM_BYTES + ids.length * ID_BYTES;
      left = (await (store.write('offline_confirm', [...args], { bytes }) ??
        store.request('offline_confirm', ...args)))!;
    } catch (cause) {
      // Until it is deleted the batch counts as in hand, so that the client does not get it twice.
      this.#context.log.warn({ err: cause, what: 'offline_confirm_failed', user: jid!.bare }, 'not deleted');
      if (pickup.hasEnded) {
        void this.#release(pickup);
        return;
      }
      pickup.isToldOfDelivery = false;
      this.#later(pickup, () => void this.#confirm(pickup, ids));
      return;
    }
    // Others may be waiting for the rest, or to hear that there is none.
    if (pickup.hasEnded) {
      void this.#release(pickup);
      return;
    }
    pickup.hasClaim = left > 0;
    pickup.ids = [];
    pickup.delivered = 0;
    pickup.isToldOfDelivery = false;
    this.#finished(pickup, left > 0);
  }

  /** A batch is done with. Goes on if there is more. */
  #finished(pickup: Pickup, isMoreLeft: boolean): void {
    const { session, whenIdle } = pickup;
    const goesOn = isMoreLeft || pickup.hasMore;
    pickup.isBusy = false;
    pickup.whenIdle = undefined;
    if (!pickup.hasEnded) {
      // Nothing to remember while nothing is under way: most sessions are idle.
      if (goesOn) this.#tell(pickup);
      else session.setModuleState(this.#context.slot, undefined);
    }
    whenIdle?.();
  }

  /** What is newer waits for it, but once, and not for long: the store may stay away. */
  #tryLater(pickup: Pickup): void {
    pickup.hasMore = false;
    pickup.isBusy = false;
    if (!pickup.hasEnded && pickup.failures === 0) this.#holdUntilIdle(pickup);
    this.#later(pickup, () => this.#tell(pickup));
  }

  #tell({ session }: Pickup): void {
    tellSession(this.#context, session.jid!.bareJid, session.sid!);
  }

  #later(pickup: Pickup, work: () => void): void {
    const pauseMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** pickup.failures);
    pickup.failures++;
    pickup.cancelRetry?.();
    pickup.cancelRetry = this.#context.after(pauseMs, () => {
      pickup.cancelRetry = undefined;
      if (!pickup.hasEnded) work();
    });
  }

  /** Something was stored while the session was there (`foreign_event`). */
  newMessages(acc: Accumulator, session: C2sParams): Verdict {
    const pickup = this.#pickup(session);
    if (!pickup.isBusy) {
      this.#context.resendOffline(session, acc);
      return STOP;
    }
    pickup.hasMore = true;
    this.#holdUntilIdle(pickup);
    return STOP;
  }

  /** What is stored is older than what comes next: that waits, but not for a client that does not read. */
  #holdUntilIdle(pickup: Pickup): void {
    if (pickup.whenIdle !== undefined) return;
    const handle = this.#context.session(pickup.session.jid!);
    if (handle?.params === pickup.session) this.#hold(pickup, handle);
  }

  #hold(pickup: Pickup, handle: SessionHandle): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#context.after(HOLD_MS_MAX, () => {
      if (!pickup.isBusy) pickup.whenIdle = undefined;
      resolve();
    });
    pickup.whenIdle = () => {
      cancel();
      resolve();
    };
    // A client that comes back need not wait for that: it goes with the session.
    handle.holdReceiving(promise, true);
  }

  #endHold(pickup: Pickup): void {
    pickup.whenIdle?.();
    pickup.whenIdle = undefined;
  }

  /** The session ends (`user_terminate`): what it has in hand and could not deliver is for others. */
  ended(session: C2sParams): undefined {
    const pickup = session.moduleState(this.#context.slot) as Pickup | undefined;
    if (pickup === undefined) return;
    pickup.hasEnded = true;
    pickup.whenIdle?.();
    // What is on its way to the client may reach it yet: given to somebody else now, it would come twice.
    if (pickup.hasMoved || pickup.isToldOfDelivery) return;
    if (pickup.isBusy || pickup.hasClaim) void this.#release(pickup);
  }

  /** What a session has in hand, when it moves to another shard. */
  encode({ session, ids, delivered, whenIdle }: Pickup): MovedPickup | undefined {
    const isHolding = whenIdle !== undefined;
    if (ids.length === 0) return isHolding ? [ids, 0, false, true] : undefined;
    // Handlers may have seen to it that some did not reach the client.
    const isCountable = this.#context.handle(session).unacknowledgedStored === ids.length - delivered;
    return [ids, delivered, isCountable, isHolding];
  }

  /** The session has moved: its claim with it. (Sent by the shard that it leaves, so that it is never nobody's: the other one may die.) */
  left(pickup: Pickup, session: C2sParams, to: SessionId): void {
    if (pickup.ids.length === 0) return;
    pickup.hasMoved = true;
    const { domain, local } = session.jid!;
    const [from, next] = [claimant(session.sid!), claimant(to)];
    this.#context.store.request('offline_pass', domain, local, from, next).catch((cause: unknown) => {
      // A store that is gone has forgotten all claims.
      this.#context.log.warn(
        { err: cause, what: 'offline_pass_failed', user: session.jid!.bare },
        'claim lost',
      );
    });
  }

  /** The session has come from another shard with messages in hand, or waiting for those that another session has. */
  moved([ids, delivered, isCountable, isHolding]: MovedPickup, session: C2sParams): Pickup {
    const pickup = this.#pickup(session);
    pickup.isBusy = ids.length > 0;
    pickup.hasClaim = ids.length > 0;
    pickup.ids = ids;
    pickup.delivered = delivered;
    pickup.isCountable = isCountable;
    if (isHolding) this.#hold(pickup, this.#context.handle(session));
    return pickup;
  }

  /** When its client has acknowledged all that it has not yet, those are among it. */
  arrived(pickup: Pickup, session: C2sParams): void {
    const { ids } = pickup;
    if (ids.length === 0) return;
    const handle = this.#context.handle(session);
    if (pickup.isCountable) {
      // The client has just said how much it had.
      pickup.delivered = ids.length - handle.unacknowledgedStored;
      handle.afterEachStored(countingIn(pickup));
    }
    this.#awaitDelivery(pickup, handle, ids);
  }

  async #release({ session }: Pickup): Promise<void> {
    await this.#giveBack(session.jid!.bareJid, session.sid!);
  }

  /** The session died with its shard (`session_cleanup`). */
  async lost(jid: Jid, sid: SessionId): Promise<undefined> {
    await this.#giveBack(jid.bareJid, sid);
  }

  async #giveBack(owner: Jid, sid: SessionId): Promise<void> {
    try {
      await this.#context.store.request('offline_release', owner.domain, owner.local, claimant(sid));
    } catch {
      // A store that is gone has forgotten all claims.
      return;
    }
    tellAvailable(this.#context, owner);
  }
}

/** What counts the messages of a batch as they are delivered, in order. */
function countingIn(pickup: Pickup): (isDelivered: boolean) => void {
  return (isDelivered) => {
    if (isDelivered) pickup.delivered++;
  };
}

function claimant({ shard, number, time }: SessionId): Claimant {
  return [shard, number, time];
}
