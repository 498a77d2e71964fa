import type { Accumulator } from '../hooks/accumulator.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import type { DeliveryHost, MaybePromise } from './delivery-host.ts';
import type { LocalSession } from './local-session.ts';
import type { Reroutes } from './reroutes.ts';
import type { SessionManager } from './session-manager.ts';

/** The end of a stanza's way to a user: sessions of this shard get it. Who that is was decided before, here or on another shard. */
export class HandIn {
  readonly #sm: SessionManager;
  readonly #host: DeliveryHost;
  readonly #reroutes: Reroutes;

  constructor(sm: SessionManager, host: DeliveryHost, reroutes: Reroutes) {
    this.#sm = sm;
    this.#host = host;
    this.#reroutes = reroutes;
  }

  /**
   * A stanza for sessions of this shard came from another one. A session that is gone meanwhile does not get it; if it was the only one meant
   * (`isSole`), the stanza is routed again. `isByAccount`: they were chosen by the bare JID.
   */
  arrived(numbers: readonly number[], acc: Accumulator, isSole: boolean, isByAccount: boolean): void {
    const reroutes = this.#reroutes;
    if (reroutes.isIdle || reroutes.settled(acc.to.bare, acc.from.full) === undefined) {
      void this.toAll(numbers, acc, isSole, isByAccount, false);
      return;
    }
    this.#inLine(numbers, acc, isSole, isByAccount);
  }

  /** Behind what is routed again. (By itself, so that no closure is made for the others.) */
  #inLine(numbers: readonly number[], acc: Accumulator, isSole: boolean, isByAccount: boolean): void {
    if (this.#reroutes.isFull) {
      this.#host.refuse(acc, new StanzaError('resource-constraint', 'The server is overloaded'));
      return;
    }
    acc.stanza?.retain();
    void this.#reroutes.run(acc, () => {
      try {
        return this.toAll(numbers, acc, isSole, isByAccount, true);
      } catch (cause) {
        return this.#host.failed(acc, 'sm', 'route', cause);
      }
    });
  }

  /** Delivers to sessions of this shard, one after the other. `isInLine`: the stanza has its turn in `reroutes`. */
  toAll(
    numbers: readonly number[],
    acc: Accumulator,
    isSole: boolean,
    isByAccount: boolean,
    isInLine: boolean,
  ): MaybePromise {
    for (let i = 0; i < numbers.length; i++) {
      const session = this.#sm.here(numbers[i]!, acc.to, isByAccount);
      if (session === undefined) {
        if (isSole) return this.#host.routeAgain(acc, isInLine);
        this.#host.drop(acc);
        continue;
      }
      // Each session's handlers may change their accumulator: the last one gets the original.
      this.to(session, i === numbers.length - 1 ? acc : copyFor(acc));
    }
    return undefined;
  }

  /** Delivers to one. */
  to(session: LocalSession, acc: Accumulator): void {
    const { trace } = acc;
    if (trace !== undefined) {
      const { jid, sid } = session;
      const sessions = { shard: sid.shard, numbers: [sid.number] };
      trace.note({ step: 'session', outcome: `${jid.full} on shard ${sid.shard}`, sessions });
    }
    this.#host.outcomes.ended(acc, 'delivered');
    // `meerkat route` explains, and delivers nothing.
    if (trace === undefined || !trace.isDryRun) session.deliver(acc);
  }
}

function copyFor(acc: Accumulator): Accumulator {
  const copy = acc.derive(acc.stanza!, acc.from, acc.to);
  copy.trace = acc.trace;
  copy.hops = acc.hops;
  copy.visits = acc.visits;
  copy.flags = acc.flags;
  copy.receiverSid = acc.receiverSid;
  return copy;
}
