import {
  type Accumulator,
  DROP,
  GatheredWrites,
  type MarkerRecord,
  type ModuleContext,
  othersCaughtUpSoon,
  STOP,
  StanzaError,
  StanzaKind,
  type Verdict,
} from '../module.ts';
import { type Marker, markersOf, threadOf } from './markers.ts';
import type { SmartMarkersOptions } from './options.ts';

/** Of a marker, about, beside its texts. */
const RECORD_BYTES = 200;
/** Longest that a sender is held up while the store is behind; less than a hook may take. */
const PACE_MS_MAX = 1_000;

/** Keeps the markers that clients send. */
export class Recording {
  readonly #context: ModuleContext<SmartMarkersOptions>;
  readonly #writes: GatheredWrites<'smart_markers_write'>;
  /** Whether an acknowledgement waits for markers. */
  readonly #isWaitedFor: boolean;

  constructor(context: ModuleContext<SmartMarkersOptions>) {
    this.#context = context;
    this.#isWaitedFor = context.options.backend === 'rdbms';
    this.#writes = new GatheredWrites('smart_markers_write', {
      store: context.store,
      atTurnEnd: (callback) => context.atTurnEnd(callback),
      lost: ([domain, user], cause) => {
        context.count('lost');
        const fields = { what: 'marker_lost', user: `${user}@${domain}` };
        context.log.error({ err: cause, ...fields }, 'the store takes other markers, but not this one');
      },
    });
    context.onAnnouncement(() => this.#writes.flush());
    context.onStop(() => this.#writes.flush());
  }

  /** What was kept so far goes to the store before anything that is asked of it after this. */
  flush(): void {
    this.#writes.flush();
  }

  /** Resolves when what clients have got so far, from any shard, is on its way to the store before anything that is asked of it then. */
  async caughtUp(): Promise<void> {
    this.#writes.flush();
    await othersCaughtUpSoon(this.#context);
  }

  /** A client sends a message (`user_send_message`). */
  sent(acc: Accumulator): Verdict | Promise<Verdict> {
    const stanza = acc.stanza!;
    const markers = markersOf(stanza);
    if (markers.length === 0) return undefined;
    const { to } = acc;
    const thread = threadOf(stanza);
    const host = to.local === '' ? undefined : this.#context.hostOf(to.domain);
    if (host === undefined || thread === undefined) return undefined;
    if (stanza.type !== 'groupchat') {
      // What is said to a single occupant of a room is nothing to all of them.
      return host === to.domain ? this.#keep(acc, markers, thread) : undefined;
    }
    // Whoever may not enter a room has nothing to mark there.
    const room = to.bareJid;
    const user = acc.from.bareJid;
    const mayEnter = this.#context.foldHook('can_access_room', false, { acc, room, user });
    if (!(mayEnter instanceof Promise)) return mayEnter ? this.#keep(acc, markers, thread) : undefined;
    acc.retain();
    return mayEnter.then((may) => (may ? this.#keep(acc, markers, thread) : undefined));
  }

  #keep(acc: Accumulator, markers: readonly Marker[], thread: string): Verdict | Promise<Verdict> {
    if (this.#writes.kept.isFull) return this.#refuse(acc);
    const { from, to, timestamp } = acc;
    for (const { code, id } of markers) {
      const record: MarkerRecord = [
        from.domain,
        from.local,
        to.domain,
        to.local,
        thread,
        code,
        id,
        timestamp,
      ];
      const stored = this.#writes.add(record, RECORD_BYTES + 2 * (thread.length + id.length));
      if (this.#isWaitedFor) this.#context.committing(acc, stored);
    }
    acc.setPermanent('mod_smart_markers', 'timestamp', timestamp);
    return this.#writes.kept.isBusy ? this.#paced() : undefined;
  }

  /** Markers that are for their senders alone go no further (`filter_local_packet`). */
  received(acc: Accumulator): Verdict {
    const stanza = acc.stanza!;
    return stanza.kind === StanzaKind.MESSAGE && markersOf(stanza).length > 0 ? DROP : undefined;
  }

  #refuse(acc: Accumulator): typeof STOP {
    this.#context.count('refused');
    this.#writes.kept.noteRefused();
    const error = new StanzaError('resource-constraint', 'The server could not store your marker');
    const reply = acc.errorReply(error);
    this.#context.outcome(acc, reply === undefined ? 'dropped' : 'bounced');
    if (reply !== undefined) void this.#context.route(reply);
    return STOP;
  }

  /** The store has fallen behind: the sender goes on when it has caught up, or after a moment. */
  async #paced(): Promise<undefined> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#context.after(PACE_MS_MAX, resolve);
    await Promise.race([this.#writes.kept.calm, promise]);
    cancel();
  }
}
