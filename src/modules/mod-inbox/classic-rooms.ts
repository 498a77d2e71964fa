import type { Jid, ModuleContext, MucInboxUpdate } from '../module.ts';
import type { Changes } from './changes.ts';
import { isCountedStanza } from './counting.ts';
import type { InboxOptions } from './options.ts';

/** Who belongs to a room. */
const BELONGING: ReadonlySet<string> = new Set(['owner', 'admin', 'member']);

/** Conversations in classic rooms (XEP-0045): of all who belong to a room, whether or not they are there. */
export class ClassicRooms {
  readonly #context: ModuleContext<InboxOptions>;
  readonly #changes: Changes;

  constructor(context: ModuleContext<InboxOptions>, changes: Changes) {
    this.#context = context;
    this.#changes = changes;
  }

  /** A message to everybody in a room (`update_inbox_for_muc`). A promise only where an account must be looked up. */
  update(update: MucInboxUpdate): undefined | Promise<undefined> {
    if (!isCountedStanza(update.packet)) return undefined;
    const lookUps: Promise<void>[] = [];
    for (const [bare, affiliation] of update.affiliations) {
      const user = BELONGING.has(affiliation) ? this.#context.jid(bare) : undefined;
      if (user === undefined || !this.#context.hosts.includes(user.domain)) continue;
      const exists = this.#context.accounts.isRegistered(user);
      if (exists === true) this.#record(update, user);
      else if (exists !== false) {
        lookUps.push(exists.then((known) => (known ? this.#record(update, user) : undefined)));
      }
    }
    if (lookUps.length === 0) return undefined;
    update.packet.retain();
    return Promise.all(lookUps).then(() => undefined);
  }

  #record({ acc, roomJid, fromJid, fromRoomJid, packet }: MucInboxUpdate, user: Jid): void {
    const isOwn = user.bare === fromJid.bare;
    this.#changes.message(acc, user, roomJid, isOwn, packet, fromRoomJid, user);
  }
}
