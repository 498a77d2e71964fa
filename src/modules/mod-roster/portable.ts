import {
  Element,
  isSeen,
  type Jid,
  type ModuleContext,
  NS_CLIENT,
  type PortableEntry,
  type PortableOutcome,
  type PortablePage,
  StanzaError,
  type StoredContact,
  sees,
  serialize,
} from '../module.ts';
import type { RosterOptions } from './options.ts';
import type { Pushes } from './pushes.ts';
import { clipped, itemElement, itemOf, NS_ROSTER, readEdit, subscriptionPresence } from './roster-text.ts';
import type { Rosters } from './rosters.ts';

const FULL: PortableOutcome = { code: 'full', text: 'the roster has no room for it' };
const DIFFERS: PortableOutcome = {
  code: 'differs',
  text: 'the contact is there, and different; it stays so',
};

/** Rosters in files that servers exchange (XEP-0227): contacts as items, and requests that the user has not answered as presence. */
export class PortableRoster {
  readonly #context: ModuleContext<RosterOptions>;
  readonly #rosters: Rosters;
  readonly #pushes: Pushes;

  constructor(context: ModuleContext<RosterOptions>, rosters: Rosters, pushes: Pushes) {
    this.#context = context;
    this.#rosters = rosters;
    this.#pushes = pushes;
    context.portable({
      name: 'query',
      ns: NS_ROSTER,
      isContainer: true,
      read: (user) => this.#items(user),
      write: (user, entries) => this.#write(user, entries, (element) => this.#contactOf(user, element)),
    });
    context.portable({
      name: 'presence',
      ns: NS_CLIENT,
      isContainer: false,
      read: (user) => this.#requests(user),
      write: (user, entries) => this.#write(user, entries, (element) => this.#requesterOf(user, element)),
    });
  }

  async #items(user: Jid): Promise<PortablePage> {
    const { contacts } = await this.#context.store.request('roster_get', user.domain, user.local);
    const listed = contacts.filter(({ isListed }) => isListed);
    const entries = listed.map((contact) =>
      serialize(itemElement(itemOf(this.#context, contact)), NS_ROSTER),
    );
    return { entries, next: null };
  }

  async #requests(user: Jid): Promise<PortablePage> {
    const { requests } = await this.#context.store.request('roster_lists', user.domain, user.local);
    const entries = requests.map(([jid, message]) => {
      const { element } = subscriptionPresence('subscribe', message, jid);
      element.attributes.set('to', user.bare);
      return serialize(element);
    });
    return { entries, next: null };
  }

  async #write(
    user: Jid,
    entries: readonly PortableEntry[],
    read: (element: Element) => StoredContact | string,
  ): Promise<PortableOutcome[]> {
    const contacts = entries.map(({ element }) => read(element));
    const usable = contacts.filter((contact) => typeof contact !== 'string');
    const results = await this.#context.store.request(
      'roster_import',
      user.domain,
      user.local,
      usable,
      this.#rosters.limits,
      this.#context.timestamp(),
    );
    for (const { change } of results) {
      if (change === null || this.#context.sessions(user).length === 0) continue;
      await this.#pushes.announce(user, change, itemOf(this.#context, change.after!));
    }
    let next = 0;
    return contacts.map((contact) => {
      if (typeof contact === 'string') return { code: 'invalid', text: contact };
      const { outcome } = results[next++]!;
      return outcome === 'full' ? FULL : outcome === 'differs' ? DIFFERS : outcome;
    });
  }

  /** An item as a client gets it in a roster (RFC 6121 §2.1.2), or what is wrong with it. */
  #contactOf(user: Jid, item: Element): StoredContact | string {
    const subscription = item.attribute('subscription') ?? 'none';
    if (
      subscription !== 'none' &&
      subscription !== 'to' &&
      subscription !== 'from' &&
      subscription !== 'both'
    )
      return `it has no subscription that there is: ${subscription}`;
    const { children } = item;
    // The same rules as for what a client sets; but others may have one group twice.
    const groups = new Set<string>();
    const once = item.copy();
    once.children.splice(
      0,
      children.length,
      ...children.filter((child) => {
        if (typeof child === 'string' || child.name !== 'group' || child.ns !== NS_ROSTER) return true;
        const isNew = child.text() !== '' && !groups.has(child.text());
        groups.add(child.text());
        return isNew;
      }),
    );
    const edit = readEdit(this.#context, user, Element.of('query', NS_ROSTER, {}, once));
    if (edit instanceof StanzaError) return edit.text ?? edit.condition;
    if (edit.kind === 'remove') return 'it is a removal';
    const approved = item.attribute('approved');
    return {
      jid: edit.jid.bare,
      name: edit.name ?? '',
      groups: edit.groups,
      extra: edit.extra,
      subscription,
      ask: item.attribute('ask') === 'subscribe' && !sees(subscription) ? 'out' : 'none',
      askMessage: '',
      // Somebody who sees the user's presence needs no approval in advance any more (RFC 6121 §3.4).
      isApproved: (approved === 'true' || approved === '1') && !isSeen(subscription),
      isListed: true,
    };
  }

  #requesterOf(user: Jid, presence: Element): StoredContact | string {
    if (presence.attribute('type') !== 'subscribe') return 'it is no request for a subscription';
    const jid = this.#context.jid(presence.attribute('from') ?? '')?.bareJid;
    if (jid === undefined) return 'it comes from nobody';
    if (jid.bare === user.bare) return 'it comes from the user himself';
    return {
      jid: jid.bare,
      name: '',
      groups: [],
      extra: '',
      subscription: 'none',
      ask: 'in',
      askMessage: clipped(presence.childText('status') ?? ''),
      isApproved: false,
      isListed: false,
    };
  }
}
