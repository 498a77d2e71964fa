import type { RosterOperations, StoredContact } from '../../src/store/operations.ts';
import {
  importContacts,
  type RosterRows,
  removeContact,
  setContact,
  stepSubscription,
} from '../../src/store/roster-changes.ts';
import type { OperationTable } from '../../src/store/sqlite/operation-table.ts';

interface Roster {
  readonly contacts: Map<string, StoredContact>;
  version: number;
}

/** The rosters of the {@link import('./memory-driver.ts').MemoryDriver}. */
export class MemoryRosters {
  readonly #rosters = new Map<string, Roster>();

  operations(): OperationTable<RosterOperations> {
    return {
      roster_get: (domain, username) => {
        const rows = this.#rows(domain, username);
        return { version: rows.version(), contacts: rows.all() };
      },
      roster_contact: (domain, username, jid) => this.#rows(domain, username).get(jid),
      roster_lists: (domain, username) => {
        const rows = this.#rows(domain, username);
        const all = rows.all();
        const lines = (subscription: string): string =>
          all
            .filter((contact) => contact.subscription === subscription)
            .map(({ jid }) => jid)
            .join('\n');
        const requests = all
          .filter(({ ask }) => ask === 'in' || ask === 'both')
          .map(({ jid, askMessage }): [string, string] => [jid, askMessage]);
        return {
          version: rows.version(),
          both: lines('both'),
          from: lines('from'),
          to: lines('to'),
          requests,
        };
      },
      roster_set: (domain, username, ...rest) => setContact(this.#rows(domain, username), ...rest),
      roster_remove: (domain, username, ...rest) => removeContact(this.#rows(domain, username), ...rest),
      roster_subscription: (domain, username, ...rest) =>
        stepSubscription(this.#rows(domain, username), ...rest),
      roster_import: (domain, username, ...rest) => importContacts(this.#rows(domain, username), ...rest),
      roster_remove_user: (domain, username) => {
        const contacts = this.#rows(domain, username).all();
        this.#rosters.delete(`${username}@${domain}`);
        return contacts;
      },
      roster_remove_domain: (domain) => {
        let removed = 0;
        for (const [user, { contacts }] of this.#rosters) {
          if (!user.endsWith(`@${domain}`)) continue;
          removed += contacts.size;
          this.#rosters.delete(user);
        }
        return removed;
      },
    };
  }

  #rows(domain: string, username: string): RosterRows {
    const key = `${username}@${domain}`;
    const roster = this.#rosters.get(key) ?? { contacts: new Map<string, StoredContact>(), version: 0 };
    this.#rosters.set(key, roster);
    const { contacts } = roster;
    return {
      get: (jid) => contacts.get(jid) ?? null,
      all: () => [...contacts.values()].sort((a, b) => (a.jid < b.jid ? -1 : 1)),
      put: (contact) => void contacts.set(contact.jid, contact),
      delete: (jid) => void contacts.delete(jid),
      count: (isListed) => [...contacts.values()].filter((contact) => contact.isListed === isListed).length,
      version: () => roster.version,
      setVersion: (version) => {
        roster.version = version;
      },
    };
  }
}
