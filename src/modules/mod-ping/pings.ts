import { randomUUID } from 'node:crypto';
import {
  type Accumulator,
  type C2sParams,
  Element,
  type ModuleContext,
  NS_CLIENT,
  NS_PING,
  STOP,
  type Stanza,
  type Verdict,
} from '../module.ts';
import type { PingOptions } from './mod-ping.ts';

/** The steps of the clock that silence is measured with. Coarse, so that a stanza costs a store and no timer. */
export const TICK_MS = 500;

/** Pings sent in one tick; the others follow in the next ones, so that a mass login does not come back as a mass of pings. */
const PINGS_PER_TICK_MAX = 1_000;

/** Answers that show that the client is there and only does not know pings (XEP-0199 §4.2). */
const UNKNOWN_HERE: ReadonlySet<string> = new Set(['service-unavailable', 'feature-not-implemented']);

/** One session that is watched. At most one ping to it is unanswered, so all that wait are bounded by the sessions. */
interface Watched {
  readonly session: C2sParams;
  /** An earlier incarnation of the module, before a reload, leaves its records behind. */
  readonly owner: Pings;
  /** When something was heard last. */
  heardTick: number;
  /** When to look at it; an entry in the bucket of another tick is stale. Negative: not before something is heard. */
  dueTick: number;
  /** The unanswered ping. */
  pingId: string | undefined;
  sentMs: number;
}

/**
 * Pings clients that are silent. A session is entered into the bucket of the tick at which it may be due; if it was heard from meanwhile, it
 * moves on to a later one only then. So a stanza from a client costs one assignment, and nobody walks over sessions that are not due.
 */
export class Pings {
  readonly #context: ModuleContext<PingOptions>;
  readonly #intervalTicks: number;
  readonly #timeoutTicks: number;
  readonly #buckets = new Map<number, Watched[]>();
  #tick = now();

  constructor(context: ModuleContext<PingOptions>) {
    this.#context = context;
    // One more, for the tick that is under way has only begun.
    this.#intervalTicks = Math.ceil((context.options.ping_interval * 1000) / TICK_MS) + 1;
    this.#timeoutTicks = Math.ceil((context.options.ping_req_timeout * 1000) / TICK_MS) + 1;
    context.every(TICK_MS, () => this.#advance());
  }

  /** The client sent something (`user_send_packet`): its silence begins anew. */
  heard(session: C2sParams): undefined {
    const watched = this.#watched(session);
    if (watched === undefined) {
      const { slot } = this.#context;
      const fresh: Watched = {
        session,
        owner: this,
        heardTick: this.#tick,
        dueTick: -1,
        pingId: undefined,
        sentMs: 0,
      };
      session.setModuleState(slot, fresh);
      this.#enter(fresh, this.#tick + this.#intervalTicks);
      return;
    }
    watched.heardTick = this.#tick;
    if (watched.dueTick < 0) this.#enter(watched, this.#tick + this.#intervalTicks);
  }

  /** The session goes on with another connection, here or come from another shard (`sm_register_connection`): that is a sign of life, and whatever was asked over the old one is void. */
  resumed(session: C2sParams): undefined {
    const watched = this.#watched(session);
    if (watched !== undefined) {
      watched.pingId = undefined;
      watched.dueTick = -1;
    }
    this.heard(session);
  }

  /** The client sent an IQ (`user_send_iq`): if it answers our ping, it goes no further. */
  answered(acc: Accumulator, session: C2sParams): Verdict {
    const watched = this.#watched(session);
    if (watched?.pingId === undefined) return undefined;
    const stanza = acc.stanza!;
    if (stanza.type !== 'result' && stanza.type !== 'error') return undefined;
    if (stanza.id !== watched.pingId) return undefined;
    watched.pingId = undefined;
    this.#enter(watched, this.#tick + this.#intervalTicks);
    this.#report(session, stanza.retain(), performance.now() - watched.sentMs);
    if (stanza.type === 'error' && this.#kills && !isAliveAnyhow(stanza)) {
      acc.addAction({ kind: 'stop', reason: 'ping_error' });
    }
    return STOP;
  }

  /** The session ends (`user_terminate`). */
  ended(session: C2sParams): undefined {
    const watched = this.#watched(session);
    if (watched === undefined) return;
    watched.dueTick = -1;
    session.setModuleState(this.#context.slot, undefined);
  }

  get #kills(): boolean {
    return this.#context.options.timeout_action === 'kill';
  }

  #watched(session: C2sParams): Watched | undefined {
    const watched = session.moduleState(this.#context.slot) as Watched | undefined;
    return watched?.owner === this ? watched : undefined;
  }

  #enter(watched: Watched, tick: number): void {
    watched.dueTick = tick;
    const bucket = this.#buckets.get(tick);
    if (bucket === undefined) this.#buckets.set(tick, [watched]);
    else bucket.push(watched);
  }

  /** Time has passed: looks at the sessions that are due. */
  #advance(): void {
    const last = this.#tick;
    this.#tick = now();
    let sent = 0;
    for (let tick = last + 1; tick <= this.#tick; tick++) {
      const bucket = this.#buckets.get(tick);
      if (bucket === undefined) continue;
      this.#buckets.delete(tick);
      for (const watched of bucket) {
        if (watched.dueTick !== tick) continue;
        if (sent >= PINGS_PER_TICK_MAX) this.#enter(watched, this.#tick + 1);
        else if (this.#look(watched)) sent++;
      }
    }
  }

  /** A session is due: whether it was pinged. */
  #look(watched: Watched): boolean {
    if (watched.session.state === 'external') {
      // Its connection is lost, and everybody knows: it waits for its client to come back.
      watched.pingId = undefined;
      this.#enter(watched, this.#tick + this.#intervalTicks);
      return false;
    }
    if (watched.pingId !== undefined) {
      this.#timedOut(watched);
      return false;
    }
    const due = watched.heardTick + this.#intervalTicks;
    if (due > this.#tick) {
      this.#enter(watched, due);
      return false;
    }
    this.#ping(watched);
    return true;
  }

  #ping(watched: Watched): void {
    const { session } = watched;
    const to = session.jid!;
    watched.pingId = randomUUID();
    watched.sentMs = performance.now();
    this.#enter(watched, this.#tick + this.#timeoutTicks);
    const iq = Element.of('iq', NS_CLIENT, { type: 'get', id: watched.pingId }, new Element('ping', NS_PING));
    const acc = this.#context.accumulator(this.#context.trustedJid(to.domain), to, iq);
    acc.receiverSid = session.sid;
    void this.#context.route(acc);
  }

  #timedOut(watched: Watched): void {
    const { session } = watched;
    watched.pingId = undefined;
    watched.dueTick = -1;
    this.#report(session, 'timeout', 0);
    if (!this.#kills) return;
    const handle = this.#context.session(session.jid!);
    if (handle?.params === session) handle.stop('ping_timeout');
  }

  #report(session: C2sParams, response: Stanza | 'timeout', timeDelta: number): void {
    void this.#context.foldHook('user_ping_response', undefined, { jid: session.jid!, response, timeDelta });
  }
}

function now(): number {
  return Math.floor(performance.now() / TICK_MS);
}

function isAliveAnyhow(stanza: Stanza): boolean {
  const conditions = stanza.element.child('error')?.elements() ?? [];
  return conditions.some(({ name }) => UNKNOWN_HERE.has(name));
}
