import {
  type Accumulator,
  type ModuleContext,
  NS_MUC_LIGHT_AFFILIATIONS,
  NS_MUC_LIGHT_DESTROY,
} from '../module.ts';
import type { Changes } from './changes.ts';
import { isCounted } from './counting.ts';
import type { InboxOptions } from './options.ts';

/** Conversations in rooms of MUC Light: the room sends each message to every member's bare JID, from `room/user`, and what happens to the room from the room itself. */
export class LightRooms {
  readonly #context: ModuleContext<InboxOptions>;
  readonly #changes: Changes;
  readonly #isOn: boolean;

  constructor(context: ModuleContext<InboxOptions>, changes: Changes) {
    this.#context = context;
    this.#changes = changes;
    this.#isOn = context.options.groupchat.includes('muclight');
  }

  /** Whether a message of type groupchat is of such a room, on this server. Classic rooms (XEP-0045) send to full JIDs. */
  isFrom({ from, to }: Accumulator): boolean {
    if (!this.#isOn || !to.isBare || from.local === '') return false;
    const host = this.#context.hostOf(from.domain);
    return host !== undefined && host !== from.domain;
  }

  received(acc: Accumulator): void {
    const { from, to } = acc;
    if (from.resource === '') {
      this.#systemMessage(acc);
      return;
    }
    if (!isCounted(acc)) return;
    const isOwn = this.#context.jid(from.resource)?.bare === to.bare;
    this.#changes.message(acc, to, from.bareJid, isOwn);
  }

  /** Of all that a room tells, only what becomes of the user himself is of interest. */
  #systemMessage(acc: Accumulator): void {
    const { to, from } = acc;
    const { element } = acc.stanza!;
    if (element.child('x', NS_MUC_LIGHT_DESTROY) !== undefined) {
      this.#changes.remove(acc, to, from);
      return;
    }
    const users = element.child('x', NS_MUC_LIGHT_AFFILIATIONS)?.elements() ?? [];
    const own = users.find(({ name, children }) => {
      const [text] = children;
      return name === 'user' && typeof text === 'string' && this.#context.jid(text)?.bare === to.bare;
    });
    const affiliation = own?.attribute('affiliation');
    if (affiliation !== 'owner' && affiliation !== 'member' && affiliation !== 'none') return;
    const { aff_changes: areStored, remove_on_kicked: isRemoved } = this.#context.options;
    if (affiliation === 'none' && isRemoved) this.#changes.remove(acc, to, from);
    else if (areStored) this.#changes.message(acc, to, from, false);
  }
}
