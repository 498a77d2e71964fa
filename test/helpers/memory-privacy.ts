import type { BlocklistOperations } from '../../src/store/operations/blocklist.ts';
import type { PrivacyOperations, StoredPrivacyList } from '../../src/store/operations/privacy.ts';
import {
  block,
  defaultList,
  type PrivacyShelf,
  removeList,
  setDefault,
  setList,
  unblock,
} from '../../src/store/privacy-shelf.ts';
import type { OperationTable } from '../../src/store/sqlite/operation-table.ts';

class Shelf implements PrivacyShelf {
  readonly lists = new Map<string, StoredPrivacyList>();
  default: string | undefined = undefined;

  get(name: string): StoredPrivacyList | undefined {
    return this.lists.get(name);
  }

  put(list: StoredPrivacyList): void {
    this.lists.set(list.name, list);
  }

  delete(name: string): boolean {
    return this.lists.delete(name);
  }

  count(): number {
    return this.lists.size;
  }

  sorted(): StoredPrivacyList[] {
    return [...this.lists.values()].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  }
}

/** Privacy lists in memory. */
export function memoryPrivacy(): OperationTable<PrivacyOperations> {
  const shelves = new Map<string, Shelf>();
  const shelf = (domain: string, username: string): Shelf => {
    const key = `${username}@${domain}`;
    const found = shelves.get(key) ?? new Shelf();
    shelves.set(key, found);
    return found;
  };
  const remove = (isMeant: (key: string) => boolean): number => {
    let removed = 0;
    for (const [key, { lists }] of shelves) {
      if (!isMeant(key)) continue;
      removed += lists.size;
      shelves.delete(key);
    }
    return removed;
  };
  return {
    privacy_names: (domain, username) => ({
      names: shelf(domain, username)
        .sorted()
        .map(({ name }) => name),
      default: shelf(domain, username).default ?? null,
    }),
    privacy_list: (domain, username, name) => {
      const own = shelf(domain, username);
      return (name === null ? defaultList(own) : own.get(name)) ?? null;
    },
    privacy_set: (domain, username, list, listsMax) => setList(shelf(domain, username), list, listsMax),
    privacy_remove: (domain, username, name) => removeList(shelf(domain, username), name),
    privacy_set_default: (domain, username, name) => setDefault(shelf(domain, username), name),
    privacy_block: (domain, username, jids, itemsMax, listsMax) =>
      block(shelf(domain, username), jids, itemsMax, listsMax),
    privacy_unblock: (domain, username, jids) => unblock(shelf(domain, username), jids),
    privacy_export: (domain, username) => ({
      lists: shelf(domain, username).sorted(),
      default: shelf(domain, username).default ?? null,
    }),
    privacy_remove_user: (domain, username) => remove((key) => key === `${username}@${domain}`),
    privacy_remove_domain: (domain) => remove((key) => key.endsWith(`@${domain}`)),
  };
}

/** The list of locked-out users in memory. */
export function memoryBlocklist(): OperationTable<BlocklistOperations> {
  const domains = new Map<string, Map<string, string>>();
  const users = (domain: string): Map<string, string> => {
    const found = domains.get(domain) ?? new Map<string, string>();
    domains.set(domain, found);
    return found;
  };
  return {
    blocklist_get: (domain, username) => users(domain).get(username) ?? null,
    blocklist_set: (domain, username, reason) => {
      users(domain).set(username, reason);
      return null;
    },
    blocklist_remove: (domain, username) => users(domain).delete(username),
    blocklist_count: (domain) => users(domain).size,
    blocklist_list: (domain, index, limit) =>
      [...users(domain)]
        .map(([username, reason]) => ({ username, reason }))
        .sort((a, b) => Buffer.compare(Buffer.from(a.username), Buffer.from(b.username)))
        .slice(index, index + limit),
    blocklist_remove_domain: (domain) => {
      const count = users(domain).size;
      domains.delete(domain);
      return count;
    },
  };
}
