import { z } from 'zod';
import {
  type Accumulator,
  type C2sParams,
  defineModule,
  delayXml,
  Flag,
  Jid,
  type ModuleContext,
  type OfflineMessage,
  type OfflineRoute,
  type PersonalData,
  parseElement,
  STOP,
  Stanza,
  StanzaError,
  type Verdict,
} from '../module.ts';
import { expiryOf, isStorable, requestsStoredEvent, storedEvent, withoutDelays } from './offline-text.ts';

/**
 * Messages for users who are not there (XEP-0160): kept when no resource takes messages, delivered to the first one that does.
 *
 * A message stays stored until the session that got it has handed it to the kernel: a crash in between repeats it rather than losing it.
 * Meanwhile no other session of the user gets it.
 */

const optionsSchema = z.strictObject({
  access_max_user_messages: z
    .string()
    .default('max_user_offline_messages')
    .describe('The access rule that gives the number of messages kept for a user.'),
  store_groupchat_messages: z
    .boolean()
    .default(false)
    .describe('Whether messages of type groupchat are kept, too. For MUC Light.'),
});

type Options = z.infer<typeof optionsSchema>;

/** Kept for a user when the access rule says nothing (threats.md §7). */
const MESSAGES_MAX = 500;
const BYTES_MAX = 8_388_608;
/** Messages taken from the store at a time. */
const BATCH = 500;
/** Expired messages are deleted this often, so many at a time. */
const CLEAN_UP_MS = 600_000;
const CLEAN_UP_BATCH = 1_000;
/** Messages in an export of personal data. */
const EXPORT_MAX = 100_000;
const FEATURE = 'msgoffline';

export default defineModule<Options>({
  name: 'mod_offline',
  xeps: [
    { number: 160, version: '1.0.1' },
    { number: 203, version: '2.0', note: 'delay of stored messages' },
    { number: 22, version: '1.4', note: 'the event of storing' },
    { number: 23, version: '1.3', note: 'expiry' },
    { number: 85, version: '2.1', note: 'chat states alone are not stored' },
  ],
  features: [FEATURE],
  options: optionsSchema,
  setup(context) {
    const offline = new Offline(context);
    context.hook('offline_message', 50, (acc, { to }) => offline.store(acc, to));
    if (context.options.store_groupchat_messages) {
      context.hook('offline_groupchat_message', 50, (acc, { to }) => offline.store(acc, to));
    }
    context.hook('resend_offline_messages', 50, (acc, { jid }) => offline.fetch(acc, jid));
    context.hook('foreign_event', 50, (acc, { tag, session }) => {
      if (tag !== context.module) return undefined;
      return offline.newMessages(acc, session);
    });
    context.hook('user_terminate', 95, (_acc, params) => offline.release(params));
    context.hook('remove_user', 50, (_acc, { jid }) => offline.removeUser(jid));
    context.hook('anonymous_purge', 50, (_acc, { jid }) => offline.removeUser(jid));
    context.hook('remove_domain', 50, async (removal, { domain }) => {
      await context.store.request('offline_remove_domain', domain);
      return removal;
    });
    context.hook('get_personal_data', 50, (data, { jid }) => offline.personalData(data, jid));
    context.hook('disco_sm_features', 50, (acc, { presenceSubscribed }) => {
      if (!presenceSubscribed || (acc.node !== '' && acc.node !== FEATURE)) return undefined;
      return { ...acc, result: [...(acc.result ?? []), ...(acc.node === '' ? [FEATURE] : [])] };
    });
    if (context.shard === 0) context.every(CLEAN_UP_MS, () => void offline.cleanUp());
  },
});

class Offline {
  readonly #context: ModuleContext<Options>;

  constructor(context: ModuleContext<Options>) {
    this.#context = context;
  }

  /** Keeps a message, or leaves it to the next handler: a bare chat state, an answer to a message event. */
  store(acc: Accumulator, to: Jid): Verdict {
    const { element } = acc.stanza!;
    if (!isStorable(element)) return undefined;
    const expiresIn = expiryOf(element);
    const { stripped, stamp } = withoutDelays(element);
    // A client may write any time into its message; only a repetition of ours knows better than the clock.
    const timestamp = (acc.flags & Flag.DELAYED) === 0 ? acc.timestamp : (stamp ?? acc.timestamp);
    if (requestsStoredEvent(element)) {
      void this.#context.route(acc.derive(Stanza.of(storedEvent(element)), to, acc.from));
    }
    const stanza = stripped === element ? acc.stanza! : Stanza.of(stripped);
    acc.set('offline', 'stored', true);
    void this.#write(acc, to, stanza, timestamp, expiresIn);
    return STOP;
  }

  async #write(
    acc: Accumulator,
    to: Jid,
    stanza: Stanza,
    timestamp: number,
    expiresIn: number | undefined,
  ): Promise<void> {
    const owner = to.bareJid;
    const message = {
      timestamp,
      from: acc.from.full,
      to: to.full,
      packet: stanza.toBuffer('', ''),
      keys: this.#context.encodeKeys(acc.permanentKeys()),
    };
    const expires = expiresIn === undefined ? null : this.#context.timestamp() + expiresIn * 1_000_000;
    acc.stanza!.retain();
    let result: 'stored' | 'full';
    try {
      result = await this.#context.store.request(
        'offline_append',
        owner.domain,
        owner.local,
        message,
        expires,
        this.#messagesMax(owner),
        BYTES_MAX,
      );
    } catch (cause) {
      this.#context.log.warn({ err: cause, what: 'offline_store_failed', user: owner.bare }, 'not stored');
      this.#refuse(acc, 'The server could not store your message');
      return;
    }
    if (result === 'full') {
      this.#refuse(acc, 'Your contact offline message queue is full. The message has been discarded.');
      return;
    }
    this.#context.outcome(acc, 'stored');
    // Its user may have come while it was written: then nobody else would tell him.
    this.#tellPresent(owner);
  }

  #messagesMax(owner: Jid): number | null {
    const value = this.#context.access(this.#context.options.access_max_user_messages, owner, owner.domain);
    if (value === Number.POSITIVE_INFINITY) return null;
    return typeof value === 'number' ? value : MESSAGES_MAX;
  }

  #refuse(acc: Accumulator, text: string): void {
    const reply = acc.errorReply(new StanzaError('resource-constraint', text));
    if (reply !== undefined) void this.#context.route(reply);
    this.#context.outcome(acc, 'bounced');
  }

  /** Tells the most available session of a user that something is stored for it. */
  #tellPresent(owner: Jid): void {
    let best: { shard: number; number: number; priority: number } | undefined;
    for (const { shard, number, priority } of this.#context.sessions(owner)) {
      if (priority === undefined || priority < 0 || (best !== undefined && best.priority >= priority))
        continue;
      best = { shard, number, priority };
    }
    if (best === undefined) return;
    const { shard, number } = best;
    this.#context.sendEvent(owner, null, (session) => session.shard === shard && session.number === number);
  }

  /** Finds what is stored for a session that takes messages now; its caller routes it. */
  async fetch(acc: Accumulator, jid: Jid): Promise<Verdict> {
    const session = this.#context.session(jid);
    if (session === undefined) return undefined;
    const { params } = session;
    const now = this.#context.timestamp();
    const claimant = claimantOf(params);
    const messages = await this.#context.store.request(
      'offline_claim',
      jid.domain,
      jid.local,
      claimant,
      now,
      BATCH,
    );
    // Another session of the user has them in hand: it goes on until none is left.
    if (messages === 'busy' || messages.length === 0) return undefined;
    params.setModuleState(this.#context.slot, true);
    const routes: OfflineRoute[] = messages.map((message) => ({ acc: this.#restore(acc, jid, message) }));
    const ids = messages.map((message) => message.id);
    const last = routes.pop()!;
    routes.push({ ...last, routed: () => session.afterFlush(() => void this.#confirm(params, ids)) });
    acc.set('offline', 'messages', [...(acc.get<OfflineRoute[]>('offline', 'messages') ?? []), ...routes]);
    this.#context.count('delivered', messages.length);
    return undefined;
  }

  /** A stored message on its way again: from its sender, with the time it was sent. */
  #restore(acc: Accumulator, jid: Jid, message: OfflineMessage): Accumulator {
    const parsed = Buffer.from(message.packet);
    const stanza = Stanza.of(parseElement(parsed, 0, parsed.length));
    const host = new Jid('', jid.domain, '');
    const from = this.#context.trustedJid(message.from);
    const to = this.#context.trustedJid(message.to);
    const restored = acc.derive(
      stanza.append(delayXml(host, message.timestamp, 'Offline Storage')),
      from,
      to.isBare || to.full === jid.full ? to : to.bareJid,
    );
    restored.originSid = undefined;
    restored.originJid = undefined;
    restored.hops = 0;
    restored.addFlag(Flag.DELAYED);
    restored.adoptPermanent(this.#context.decodeKeys(message.keys));
    return restored;
  }

  /** The kernel has taken the messages: they need not be kept any more. */
  async #confirm(params: C2sParams, ids: readonly number[]): Promise<void> {
    const { local, domain } = params.jid!;
    const left = await this.#context.store.request('offline_confirm', domain, local, claimantOf(params), ids);
    if (left > 0) this.#tellSession(params);
    else params.setModuleState(this.#context.slot, undefined);
  }

  #tellSession(params: C2sParams): void {
    const { shard, number } = params.sid!;
    this.#context.sendEvent(params.jid!.bareJid, null, (s) => s.shard === shard && s.number === number);
  }

  /** Something was stored while the session was there (`foreign_event`). */
  newMessages(acc: Accumulator, session: C2sParams): Verdict {
    this.#context.resendOffline(session, acc);
    return STOP;
  }

  /** The session ends: what it had in hand and could not deliver is for others. */
  release(params: C2sParams): undefined {
    if (params.moduleState(this.#context.slot) === undefined) return undefined;
    const owner = params.jid!.bareJid;
    void this.#context.store
      .request('offline_release', owner.domain, owner.local, claimantOf(params))
      .then((hadSome) => {
        if (hadSome) this.#tellPresent(owner);
      })
      .catch(() => {});
    return undefined;
  }

  async removeUser(jid: Jid): Promise<undefined> {
    await this.#context.store.request('offline_remove_user', jid.domain, jid.local);
  }

  async personalData(data: readonly PersonalData[], jid: Jid): Promise<readonly PersonalData[]> {
    const messages = await this.#context.store.request('offline_list', jid.domain, jid.local, EXPORT_MAX);
    const rows = messages.map(({ timestamp, from, to, packet }) => [
      new Date(timestamp / 1000).toISOString(),
      from,
      to,
      Buffer.from(packet).toString(),
    ]);
    return [...data, { name: 'offline', columns: ['timestamp', 'from', 'to', 'packet'], rows }];
  }

  /** Deletes what has expired, a little at a time. */
  async cleanUp(): Promise<void> {
    for (const host of this.#context.hosts) {
      let removed: number;
      do {
        removed = await this.#context.store.request(
          'offline_remove_expired',
          host,
          this.#context.timestamp(),
          CLEAN_UP_BATCH,
        );
      } while (removed === CLEAN_UP_BATCH);
    }
  }
}

function claimantOf(params: C2sParams): readonly [number, number, number] {
  const { shard, number, time } = params.sid!;
  return [shard, number, time];
}
