import { createHash } from 'node:crypto';
import {
  type Accumulator,
  type Jid,
  type ModuleContext,
  type RosterItem,
  type RosterLimits,
  Stanza,
  StanzaKind,
  type StoredChange,
  type StoredContact,
  type SubscriptionLists,
  serialize,
} from '../module.ts';
import type { RosterOptions } from './options.ts';
import { itemElement, itemOf, subscriptionPresence } from './roster-text.ts';

/** Keys of the accumulator under which `roster_get` is told, and tells, more than its value says. */
const KEYS = 'mod_roster';
const NOT_READ = 'not_read';
const SNAPSHOT = 'snapshot';
const VERSION = 'version';

/** A whole roster as clients see it. */
export interface Roster {
  readonly items: readonly RosterItem[];
  /** The number of its last change. */
  readonly version: number;
  /** What clients call the version. */
  readonly ver: string;
}

/** Reading rosters. Functions reject when the store cannot answer, unless they say otherwise. */
export class Rosters {
  readonly #context: ModuleContext<RosterOptions>;
  readonly limits: RosterLimits;
  /** Whether the version is a hash: then each change brings the whole roster along. */
  readonly hashes: boolean;

  constructor(context: ModuleContext<RosterOptions>) {
    const { max_items, max_requests, versioning, store_current_id } = context.options;
    this.#context = context;
    this.limits = { contacts: max_items, requests: max_requests };
    this.hashes = versioning && !store_current_id;
  }

  /** The roster with what other modules add to it. Undefined when the store does not answer. */
  async read(acc: Accumulator, user: Jid): Promise<Roster | undefined> {
    acc.delete(KEYS, NOT_READ);
    const items = await this.#context.foldHook('roster_get', [], {
      acc,
      showFullRoster: false,
      jid: user.bareJid,
    });
    if (acc.get(KEYS, NOT_READ) === true) return undefined;
    const version = acc.get<number>(KEYS, VERSION) ?? 0;
    return { items, version, ver: this.hashes ? hashOf(items) : String(version) };
  }

  /** What clients call the version after a change. */
  async verAfter(user: Jid, change: StoredChange): Promise<string | undefined> {
    if (!this.#context.options.versioning) return undefined;
    if (!this.hashes) return String(change.version);
    const nothing = Stanza.fromText(StanzaKind.IQ, undefined, '<iq/>');
    const acc = this.#context.accumulator(user, user, nothing);
    acc.set(KEYS, SNAPSHOT, change.roster);
    return (await this.read(acc, user))?.ver;
  }

  /** `roster_get`: never rejects, but notes that it has failed. */
  async get(
    items: readonly RosterItem[],
    acc: Accumulator,
    jid: Jid,
    isFull: boolean,
  ): Promise<readonly RosterItem[]> {
    let contacts = acc.get<readonly StoredContact[]>(KEYS, SNAPSHOT);
    if (contacts === undefined) {
      try {
        const found = await this.#context.store.request('roster_get', jid.domain, jid.local);
        contacts = found.contacts;
        acc.set(KEYS, VERSION, found.version);
      } catch (cause) {
        this.#context.log.warn({ err: cause, what: 'roster_get_failed', user: jid.bare }, 'no roster');
        acc.set(KEYS, NOT_READ, true);
        return items;
      }
    }
    const shown = isFull ? contacts : contacts.filter(({ isListed }) => isListed);
    return [...items, ...shown.map((contact) => itemOf(this.#context, contact))];
  }

  /** `roster_get_subscription_lists`. */
  async lists(acc: Accumulator, jid: Jid): Promise<undefined> {
    const stored = await this.#context.store.request('roster_lists', jid.domain, jid.local);
    const before = acc.get<SubscriptionLists>('roster', 'subscription_lists');
    const both = this.#jids(stored.both);
    const lists: SubscriptionLists = {
      // One list for both where all contacts are mutual: nobody has to compare them.
      from: joined(before?.from, both, this.#jids(stored.from)),
      to: joined(before?.to, both, this.#jids(stored.to)),
      pending: [
        ...(before?.pending ?? []),
        ...stored.requests.map(([from, message]) => subscriptionPresence('subscribe', message, from)),
      ],
    };
    // What others gave may change without an event of ours.
    acc.set(
      'roster',
      'subscription_lists',
      before === undefined ? { ...lists, version: stored.version } : lists,
    );
    return undefined;
  }

  #jids(lines: string): Jid[] {
    return lines === '' ? [] : lines.split('\n').map((jid) => this.#context.trustedJid(jid));
  }
}

function joined(
  before: readonly Jid[] | undefined,
  both: readonly Jid[],
  more: readonly Jid[],
): readonly Jid[] {
  if (more.length === 0 && (before === undefined || before.length === 0)) return both;
  return [...(before ?? []), ...both, ...more];
}

/** A version that is the same for the same roster, in whatever order. */
function hashOf(items: readonly RosterItem[]): string {
  const lines = items.map((item) => serialize(itemElement({ ...item, groups: [...item.groups].sort() })));
  return createHash('sha1').update(lines.sort().join('\n')).digest('base64url');
}
