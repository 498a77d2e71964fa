import {
  type Accumulator,
  DROP,
  type Jid,
  type ModuleContext,
  NO_PRIVACY_LIST,
  Origin,
  type PrivacyList,
  STOP,
  StanzaError,
  StanzaKind,
  UNKNOWN_PRIVACY_LIST,
  type Verdict,
} from '../module.ts';
import type { Changes } from './changes.ts';
import { isCounted, markedId, timeOfId } from './counting.ts';
import type { LightRooms } from './light-rooms.ts';
import type { InboxOptions } from './options.ts';

/** Longest that a sender is held up while the store is behind; less than a hook may take. */
const PACE_MS_MAX = 1_000;

/** Follows conversations: what clients send, and what comes for users. */
export class Recording {
  readonly #context: ModuleContext<InboxOptions>;
  readonly #changes: Changes;
  readonly #lightRooms: LightRooms;
  /** The message that was sent last, if it was counted: in most cases it is the next one that comes for somebody, and need not be looked into again. */
  #lastCounted: Accumulator | undefined;

  constructor(context: ModuleContext<InboxOptions>, changes: Changes, lightRooms: LightRooms) {
    this.#context = context;
    this.#changes = changes;
    this.#lightRooms = lightRooms;
  }

  /** A client sends a message (`user_send_message`). */
  sent(acc: Accumulator): Verdict | Promise<Verdict> {
    const stanza = acc.stanza!;
    const { type } = stanza;
    if (type === 'error' || type === 'headline') return undefined;
    const { reset_markers: markers, groupchat } = this.#context.options;
    const isGroupchat = type === 'groupchat';
    if (isGroupchat && groupchat.length === 0) return undefined;
    const isMessage = !isGroupchat && isCounted(acc) && !this.#isToServer(acc.to);
    this.#lastCounted = isMessage ? acc : undefined;
    const marked = isMessage ? undefined : markedId(stanza, markers);
    if (!isMessage && marked === undefined) return undefined;
    if (this.#changes.isFull) return this.#refuse(acc, STOP);
    const owner = acc.from.bareJid;
    if (isMessage) this.#changes.message(acc, owner, acc.to.bareJid, true);
    else {
      const until = timeOfId(marked!, acc.timestamp);
      this.#changes.read(acc, owner, acc.to.bareJid, marked!, until);
    }
    return this.#changes.isBusy ? this.#paced() : undefined;
  }

  /** A message comes for somebody (`filter_local_packet`). */
  received(acc: Accumulator): Verdict | Promise<Verdict> {
    const { to, from } = acc;
    const stanza = acc.stanza!;
    if (stanza.kind !== StanzaKind.MESSAGE || to.local === '' || from.bare === to.bare) return undefined;
    if (!this.#context.hosts.includes(to.domain)) return undefined;
    const isGroupchat = stanza.type === 'groupchat';
    const isOf = isGroupchat ? this.#lightRooms.isFrom(acc) : acc === this.#lastCounted || isCounted(acc);
    if (!isOf) return undefined;
    // Accounts that stanzas go to are known.
    const exists = this.#context.accounts.isRegistered(to.bareJid);
    if (exists === false) return undefined;
    const isWanted =
      exists === true ? this.#isWanted(acc) : exists.then((known) => known && this.#isWanted(acc));
    if (!(isWanted instanceof Promise)) return isWanted ? this.#receive(acc, isGroupchat) : undefined;
    acc.retain();
    return isWanted.then((wanted) => (wanted ? this.#receive(acc, isGroupchat) : undefined));
  }

  /** Whether the recipient's default privacy list lets the message through. If nobody can say now, it is kept: its session, or whoever stores it, asks again. */
  #isWanted(acc: Accumulator): boolean | Promise<boolean> {
    const params = { jid: acc.to.bareJid };
    const list = this.#context.foldHook('privacy_get_user_list', NO_PRIVACY_LIST, params);
    return list instanceof Promise ? list.then((found) => this.#passes(acc, found)) : this.#passes(acc, list);
  }

  #passes(acc: Accumulator, privacyList: PrivacyList): boolean | Promise<boolean> {
    if (privacyList === UNKNOWN_PRIVACY_LIST) return true;
    const { from, to, stanza } = acc;
    const { name, type } = stanza!;
    const check = { jid: to.bareJid, privacyList, from, to, name, type, dir: 'in' } as const;
    const decision = this.#context.checkPrivacy(acc, check);
    if (decision instanceof Promise) return decision.then((settled) => settled === 'allow');
    return decision === 'allow';
  }

  #receive(acc: Accumulator, isGroupchat: boolean): Verdict {
    // What a client of this shard has sent was let in already.
    if (this.#changes.isFull && acc.origin !== Origin.C2S) return this.#refuse(acc, DROP);
    if (isGroupchat) this.#lightRooms.received(acc);
    else this.#changes.message(acc, acc.to.bareJid, acc.from.bareJid, false);
    return undefined;
  }

  /** Nobody is at the mere domain. */
  #isToServer({ local, domain }: Jid): boolean {
    return local === '' && this.#context.hostOf(domain) === domain;
  }

  #refuse(acc: Accumulator, verdict: typeof STOP | typeof DROP): Verdict {
    this.#context.count('refused');
    this.#changes.noteRefused();
    const error = new StanzaError('resource-constraint', 'The server could not store your message');
    const reply = acc.errorReply(error);
    if (reply !== undefined) void this.#context.route(reply);
    if (verdict === STOP) this.#context.outcome(acc, reply === undefined ? 'dropped' : 'bounced');
    return verdict;
  }

  /** The store has fallen behind: the sender goes on when it has caught up, or after a moment. */
  async #paced(): Promise<undefined> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#context.after(PACE_MS_MAX, resolve);
    await Promise.race([this.#changes.calm, promise]);
    cancel();
  }
}
