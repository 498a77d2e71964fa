import {
  type Accumulator,
  type AmpStrategy,
  Flag,
  type Jid,
  type ModuleContext,
  type PersonalData,
  STOP,
  Stanza,
  StanzaError,
  type Verdict,
} from '../module.ts';
import type { OfflineOptions } from './mod-offline.ts';
import {
  extensionsOf,
  isStorable,
  NO_EXTENSIONS,
  type OfflineExtensions,
  storedEvent,
} from './offline-text.ts';
import { type Position, pageOf } from './pages.ts';
import { tellAvailable } from './tell-available.ts';

/** Kept for a user when the access rule says nothing (docs/security.md). */
const MESSAGES_MAX = 500;
export const BYTES_MAX = 8_388_608;
/** Longest that a sender is held up while the store is behind; less than a hook may take. */
const PACE_MS_MAX = 1_000;
/** What a message that waits for the store takes beside its bytes, about. */
const KEPT_OVERHEAD_BYTES = 1_024;
const NOT_STORED = 'The server could not store your message';

/** Puts messages for absent users into the store, and takes out what nobody will fetch. */
export class Keeping {
  readonly #context: ModuleContext<OfflineOptions>;

  constructor(context: ModuleContext<OfflineOptions>) {
    this.#context = context;
  }

  /** Keeps a message, or leaves it to the next handler: a bare chat state, an answer to a message event. */
  store(acc: Accumulator, to: Jid): Verdict | Promise<Verdict> {
    const stanza = acc.stanza!;
    if (!stanza.isPlain && !isStorable(stanza.element)) return undefined;
    acc.set('offline', 'stored', true);
    if (acc.trace?.isDryRun) return STOP;
    const writing = this.#write(acc, to);
    if (writing === undefined) return STOP;
    this.#context.committing(acc, writing);
    return this.#context.store.isBusy ? this.#paced(writing) : STOP;
  }

  /** The store has fallen behind: the sender goes on when his message is there, or after a moment. */
  async #paced(writing: Promise<unknown>): Promise<typeof STOP> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#context.after(PACE_MS_MAX, resolve);
    await Promise.race([writing, promise]);
    cancel();
    return STOP;
  }

  /**
   * Asks for the message to be stored, however long that takes. The promise never rejects: a message that can never be stored goes back. Undefined: it
   * went back at once, because too much waits for the store already.
   */
  #write(acc: Accumulator, to: Jid): Promise<unknown> | undefined {
    const stanza = acc.stanza!;
    stanza.retain();
    const owner = to.bareJid;
    const extensions = stanza.isPlain ? NO_EXTENSIONS : extensionsOf(stanza.element);
    const { stamp, expiresIn } = extensions;
    const message = {
      // A client may write any time into its message; only a repetition of ours knows better than the clock.
      timestamp: (acc.flags & Flag.DELAYED) === 0 ? acc.timestamp : (stamp ?? acc.timestamp),
      from: acc.from.full,
      to: to.full,
      packet: (extensions.stripped === undefined
        ? stanza.unstamped
        : Stanza.of(extensions.stripped)
      ).toBuffer('', ''),
      keys: this.#context.encodeKeys(acc.permanentKeys()),
    };
    const expires = expiresIn === undefined ? null : this.#context.timestamp() + expiresIn * 1_000_000;
    const { domain, local } = owner;
    const messagesMax = this.messagesMax(owner);
    // What the sender sends next must not overtake it because its user has come meanwhile; but it does not wait for a store that hangs.
    const { promise: inOrder, resolve: delayed } = Promise.withResolvers<void>();
    // It could not be written so far, and its user is there now: he gets it without.
    let rerouted: undefined | Promise<unknown>;
    const isNeedless = (): boolean => {
      if (!this.#isThere(owner)) return false;
      this.#context.count('not_needed');
      rerouted = this.#context.routeAgain(acc);
      return true;
    };
    const writing = this.#context.store.write(
      'offline_append',
      [domain, local, message, expires, messagesMax, BYTES_MAX],
      {
        bytes: message.packet.length + stanza.sizeMax('', '') + KEPT_OVERHEAD_BYTES,
        delayed,
        isSettled: isNeedless,
      },
    );
    if (writing === undefined) {
      void this.#refuse(acc, noRoom(NOT_STORED));
      return undefined;
    }
    this.#context.holdDelivery(owner, inOrder);
    const settled = writing.then(
      // On its way to a session it is in the memory of this shard alone.
      (result) => (result === undefined ? rerouted : this.#written(acc, to, result, extensions)),
      (cause: unknown) => {
        this.#context.log.warn({ err: cause, what: 'offline_store_failed', user: owner.bare }, 'not stored');
        return this.#refuse(acc, noRoom(NOT_STORED));
      },
    );
    void settled.then(
      () => delayed(),
      () => delayed(),
    );
    return settled;
  }

  #isThere(owner: Jid): boolean {
    return this.#context.sessions(owner).some(({ priority }) => priority !== undefined && priority >= 0);
  }

  /** The store has answered. */
  async #written(
    acc: Accumulator,
    to: Jid,
    result: 'stored' | 'full' | 'gone',
    extensions: OfflineExtensions,
  ): Promise<void> {
    const owner = to.bareJid;
    if (result === 'gone') {
      await this.#refuse(acc, new StanzaError('service-unavailable'));
      return;
    }
    if (result === 'full') {
      await this.#refuse(
        acc,
        noRoom('Your contact offline message queue is full. The message has been discarded.'),
      );
      return;
    }
    this.#context.outcome(acc, 'stored');
    this.#context.count('stored');
    // Whoever tells the sender so keeps nobody waiting.
    void this.#context.runHook('amp_event', acc, { event: 'archived' });
    if (extensions.wantsStoredEvent) {
      void this.#context.route(acc.derive(Stanza.of(storedEvent(acc.stanza!.element)), to, acc.from));
    }
    // Its user may have come while it was written: then nobody else would tell him.
    tellAvailable(this.#context, owner);
  }

  /** How many messages are kept for a user; null: any number. */
  messagesMax(owner: Jid): number | null {
    const value = this.#context.access(this.#context.options.access_max_user_messages, owner, owner.domain);
    if (value === Number.POSITIVE_INFINITY) return null;
    return typeof value === 'number' ? value : MESSAGES_MAX;
  }

  async #refuse(acc: Accumulator, error: StanzaError): Promise<void> {
    this.#context.count('refused');
    if ((await this.#context.runHook('amp_event', acc, { event: 'offline_failed' })) === STOP) {
      this.#context.outcome(acc, 'dropped');
      return;
    }
    const reply = acc.errorReply(error);
    if (reply === undefined) {
      this.#context.outcome(acc, 'dropped');
      return;
    }
    this.#context.outcome(acc, 'bounced');
    void this.#context.route(reply);
  }

  /** For a message with rules (XEP-0079): whether it would be stored, if nobody would get it now. */
  async foretell(
    strategy: AmpStrategy,
    to: Jid | undefined,
    { isPlain, element, type }: Stanza,
  ): Promise<AmpStrategy> {
    const isNone = strategy.deliver?.length === 1 && strategy.deliver[0] === 'none';
    if (!isNone || to === undefined || to.local === '' || !this.#context.hosts.includes(to.domain))
      return strategy;
    // Only a chat goes on to the account when its resource is not there (RFC 6121 §8.5.3.2).
    const isKept = type === 'chat' || (to.isBare && type !== 'headline' && type !== 'groupchat');
    if (!isKept || !(isPlain || isStorable(element))) return strategy;
    const exists = await this.#context.accounts.exists(to.bareJid);
    return exists ? { ...strategy, deliver: ['stored', 'none'] } : strategy;
  }

  async removeUser(jid: Jid): Promise<undefined> {
    await this.#context.store.request('offline_remove_user', jid.domain, jid.local);
  }

  async personalData(data: readonly PersonalData[], jid: Jid): Promise<readonly PersonalData[]> {
    const rows: string[][] = [];
    for (let after: Position = null; ; ) {
      const page = await pageOf(this.#context, jid, after);
      for (const { timestamp, from, to, packet } of page.messages)
        rows.push([new Date(timestamp / 1000).toISOString(), from, to, Buffer.from(packet).toString()]);
      after = page.next;
      if (after === null) break;
    }
    return [...data, { name: 'offline', columns: ['timestamp', 'from', 'to', 'packet'], rows }];
  }
}

function noRoom(text: string): StanzaError {
  return new StanzaError('resource-constraint', text);
}
