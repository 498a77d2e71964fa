import {
  type Accumulator,
  type Element,
  Flag,
  GatheredWrites,
  type Jid,
  type MarkerCode,
  type MarkerToDeliver,
  type ModuleContext,
  NS_CHAT_MARKERS,
  NS_CLIENT,
  type OfflineRoute,
  STOP,
  Stanza,
  type Verdict,
  Element as XmlElement,
} from '../module.ts';

/** Markers of one conversation that are delivered; of more, the last ones. */
const MARKERS_MAX = 1_000;
const MISSED_BYTES = 200;
const NAMES: Readonly<Record<MarkerCode, string>> = { R: 'received', D: 'displayed', A: 'acknowledged' };

/** Notes in which conversations absent users miss chat markers, and brings them the last ones when they come. */
export class Missed {
  readonly #context: ModuleContext;
  readonly #writes: GatheredWrites<'offline_markers_note'>;

  constructor(context: ModuleContext) {
    this.#context = context;
    this.#writes = new GatheredWrites('offline_markers_note', {
      store: context.store,
      atTurnEnd: (callback) => context.atTurnEnd(callback),
      lost: ([domain, user], cause) => {
        context.count('lost');
        const fields = { what: 'missed_marker_lost', user: `${user}@${domain}` };
        context.log.error({ err: cause, ...fields }, 'the store takes others, but not this one');
      },
    });
    context.onStop(() => this.#writes.flush());
  }

  /** A message for somebody who is not there: markers that are kept by mod_smart_markers need not be kept as messages. */
  note(acc: Accumulator, to: Jid): Verdict {
    const time = acc.get<number>('mod_smart_markers', 'timestamp');
    if (time === undefined) return undefined;
    const { element, type } = acc.stanza!;
    // There is more in it than markers: it is a message as any other.
    if (element.child('body', NS_CLIENT) !== undefined || this.#writes.kept.isFull) return undefined;
    acc.set('offline', 'stored', true);
    const room = type === 'groupchat' ? acc.from.bare : '';
    const thread = element.childText('thread', NS_CLIENT) ?? '';
    const bytes = MISSED_BYTES + 2 * (thread.length + room.length);
    const stored = this.#writes.add([to.domain, to.local, thread, room, time], bytes);
    this.#context.committing(acc, stored);
    this.#context.outcome(acc, 'stored');
    this.#context.count('noted');
    // Its user may have come while it was written: then nobody else would tell him.
    void stored.then(() => this.#tellAvailable(to.bareJid));
    return STOP;
  }

  #tellAvailable(owner: Jid): void {
    let isTold = false;
    for (const { priority, shard, number } of this.#context.sessions(owner)) {
      if (isTold || priority === undefined || priority < 0) continue;
      isTold = true;
      this.#context.sendEvent(owner, null, (one) => one.shard === shard && one.number === number);
    }
  }

  /** The user comes (`resend_offline_messages`): the last markers go to the caller, who routes them. */
  async fetch(acc: Accumulator, jid: Jid): Promise<undefined> {
    const handle = this.#context.session(jid);
    if (handle === undefined || acc.trace?.isDryRun) return;
    const { domain, local } = jid;
    this.#writes.flush();
    const { conversations, markers } = await this.#context.store.request(
      'offline_markers_get',
      domain,
      local,
      MARKERS_MAX,
    );
    if (conversations.length === 0) return;
    const delivered = (isDelivered: boolean): void => {
      if (isDelivered) void this.#forget(jid, conversations);
    };
    const routes = markers.map((marker): OfflineRoute => {
      const sender = this.#context.trustedJid(
        marker.room === '' ? marker.from : `${marker.room}/${marker.from}`,
      );
      return { acc: this.#context.accumulator(sender, jid.bareJid, messageOf(marker)) };
    });
    for (const route of routes) {
      // For this session; if it ends before, the next one gets them.
      route.acc.receiverSid = handle.params.sid;
      route.acc.addFlag(Flag.DELAYED | Flag.STORED);
    }
    const last = routes.pop();
    if (last === undefined) delivered(true);
    else routes.push({ ...last, routed: () => handle.afterDelivery(delivered) });
    acc.set('offline', 'messages', [
      ...(acc.get<readonly OfflineRoute[]>('offline', 'messages') ?? []),
      ...routes,
    ]);
    this.#context.count('delivered', markers.length);
  }

  async #forget(
    { domain, local }: Jid,
    conversations: readonly (readonly [string, string, number])[],
  ): Promise<void> {
    try {
      await this.#context.store.request('offline_markers_delivered', domain, local, conversations);
    } catch (cause) {
      // They come once more with the next session: no harm is done.
      this.#context.log.warn({ err: cause, what: 'missed_markers_not_forgotten' }, 'markers come again');
    }
  }
}

/** The message that brings a marker: as it was sent, but for what else was in it. */
function messageOf({ thread, room, code, msgId }: MarkerToDeliver): Stanza {
  const children: Element[] = [XmlElement.of(NAMES[code], NS_CHAT_MARKERS, { id: msgId })];
  if (thread !== '') children.unshift(XmlElement.of('thread', NS_CLIENT, {}, thread));
  const type = room === '' ? undefined : 'groupchat';
  return Stanza.of(XmlElement.of('message', NS_CLIENT, { type }, ...children));
}
