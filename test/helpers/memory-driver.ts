import { KEPT_BATCHES_REMEMBERED } from '../../src/limits.ts';
import { Claims } from '../../src/store/claims.ts';
import { OutOfOrderError } from '../../src/store/failure.ts';
import type {
  OfflineMessage,
  StoreArgs,
  StoreDriver,
  StoreOperation,
  StoreResult,
} from '../../src/store/operations.ts';
import { Removed } from '../../src/store/removed.ts';
import { memoryArchive } from './memory-archive.ts';
import { memoryAuthTokens } from './memory-auth-tokens.ts';
import { memoryFastTokens } from './memory-fast-tokens.ts';
import { memoryInbox, memoryMarkers } from './memory-inbox.ts';
import { memoryBlocklist, memoryPrivacy } from './memory-privacy.ts';
import { memoryPush } from './memory-push.ts';
import { MemoryRosters } from './memory-rosters.ts';
import { lastTable, privateTable, vcardTable } from './memory-tables.ts';

type Table = { [O in StoreOperation]: (...args: StoreArgs<O>) => StoreResult<O> };

interface Account {
  details: string;
  readonly createdAt: number;
}

interface Stored extends OfflineMessage {
  readonly domain: string;
  readonly username: string;
  readonly expires: number | null;
}

/**
 * A store that forgets everything with the process. No server runs on it: it shows that the contract (test/contract/store.test.ts) asks for nothing that
 * is SQLite's own, and is the shortest description of what a store does.
 */
export class MemoryDriver implements StoreDriver {
  readonly #accounts = new Map<string, Map<string, Account>>();
  readonly #values = new Map<string, Map<string, unknown>>();
  readonly #imported = new Map<string, Map<string, true>>();
  readonly #removed = new Removed();
  readonly #claims = new Claims();
  readonly #rosters = new MemoryRosters();
  readonly #batches = new Map<string, { since: number; number: number; results: unknown[] }>();
  #messages: Stored[] = [];
  #nextId = 1;
  #isOpen = false;

  readonly #operations: Table = {
    ...memoryArchive(),
    ...memoryAuthTokens(),
    ...memoryFastTokens(),
    ...memoryInbox(),
    ...memoryMarkers(),
    account_get: (domain, username) => this.#account(domain, username)?.details ?? null,
    account_created: (domain, username) => this.#account(domain, username)?.createdAt ?? null,
    account_exists: (domain, username) => this.#account(domain, username) !== undefined,
    account_insert: (domain, username, details, createdAt) => {
      if (this.#account(domain, username) !== undefined) return 'exists';
      getOrMake(this.#accounts, domain).set(username, { details, createdAt });
      return 'ok';
    },
    account_update: (domain, username, details) => {
      const account = this.#account(domain, username);
      if (account !== undefined) account.details = details;
      return account !== undefined;
    },
    account_remove: (domain, username) => this.#accounts.get(domain)?.delete(username) ?? false,
    account_remove_domain: (domain) => {
      const count = this.#accounts.get(domain)?.size ?? 0;
      this.#accounts.delete(domain);
      return count;
    },
    account_list: (domain, after, limit, createdMax) =>
      [...(this.#accounts.get(domain) ?? [])]
        .filter(([, { createdAt }]) => createdMax === null || createdAt <= createdMax)
        .map(([username]) => username)
        .filter((username) => compare(username, after) > 0)
        .sort(compare)
        .slice(0, limit),
    account_count: (domain) => this.#accounts.get(domain)?.size ?? 0,

    offline_append: (domain, username, message, expires, messagesMax, bytesMax) => {
      if (this.#removed.covers(domain, username, message.timestamp)) return 'gone';
      return this.#keep(domain, username, message, expires, messagesMax, bytesMax);
    },
    offline_claim: (domain, username, claimant, now, limit, bytesMax = Number.POSITIVE_INFINITY) => {
      const heldBy = this.#claims.take(domain, username, claimant);
      if (heldBy !== undefined) return { heldBy };
      const found: OfflineMessage[] = [];
      let bytes = 0;
      for (const message of this.#of(domain, username)) {
        if (message.expires !== null && message.expires <= now) continue;
        bytes += message.packet.length;
        if (found.length === limit || (bytes > bytesMax && found.length > 0))
          return { messages: found, areAll: false };
        found.push(publicPart(message));
      }
      if (found.length === 0) this.#claims.release(domain, username, claimant);
      return { messages: found, areAll: true };
    },
    offline_confirm: (domain, username, claimant, ids) => {
      this.#remove((m) => ids.includes(m.id) && m.domain === domain && m.username === username);
      const left = this.#of(domain, username).length;
      if (left === 0) this.#claims.release(domain, username, claimant);
      return left;
    },
    offline_release: (...args) => this.#claims.release(...args),
    offline_pass: (...args) => this.#claims.pass(...args),
    offline_count: (domain, username) => this.#of(domain, username).length,
    offline_page: (domain, username, after, limit, bytesMax) => {
      let bytes = 0;
      return this.#of(domain, username)
        .filter(
          ({ timestamp, id }) =>
            after === null || timestamp > after[0] || (timestamp === after[0] && id > after[1]),
        )
        .slice(0, limit)
        .filter(({ packet }, i) => {
          bytes += packet.length;
          return i === 0 || bytes <= bytesMax;
        })
        .map(publicPart);
    },
    offline_import: (domain, username, messages, messagesMax, bytesMax) =>
      messages.map(({ message, expires, digest }) => {
        const known = getOrMake(this.#imported, `${username}@${domain}`);
        const key = Buffer.from(digest).toString('hex');
        if (known.has(key)) return 'known';
        const result = this.#keep(domain, username, message, expires, messagesMax, bytesMax);
        if (result === 'stored') known.set(key, true);
        return result;
      }),
    offline_remove_user: (domain, username) => {
      this.#removed.note(domain, username);
      this.#imported.delete(`${username}@${domain}`);
      return this.#remove((m) => m.domain === domain && m.username === username);
    },
    offline_remove_domain: (domain) => {
      this.#removed.note(domain);
      for (const user of this.#imported.keys()) if (user.endsWith(`@${domain}`)) this.#imported.delete(user);
      return this.#remove((m) => m.domain === domain);
    },
    offline_remove_old: (domain, after, before, limit) => {
      const users = [...new Set(this.#messages.filter((m) => m.domain === domain).map((m) => m.username))]
        .filter((name) => name > after)
        .sort();
      const some = users.slice(0, limit);
      const removed = this.#remove(
        (m) => m.domain === domain && some.includes(m.username) && m.timestamp < before,
      );
      return { removed, next: some.length < limit ? null : some.at(-1)! };
    },
    offline_remove_expired: (domain, now, limit) =>
      this.#remove((m) => m.domain === domain && m.expires !== null && m.expires <= now, limit),

    ...this.#rosters.operations(),

    value_get: (module, scope, key) => this.#values.get(place(module, scope))?.get(key) ?? null,
    value_set: (module, scope, key, value) => {
      getOrMake(this.#values, place(module, scope)).set(key, value);
      return null;
    },
    value_delete: (module, scope, key) => this.#values.get(place(module, scope))?.delete(key) ?? false,
    value_list: (module, scope, after, limit) =>
      [...(this.#values.get(place(module, scope)) ?? [])]
        .filter(([key]) => compare(key, after) > 0)
        .sort(([a], [b]) => compare(a, b))
        .slice(0, limit),
    value_remove_scope: (scope) => {
      let removed = 0;
      for (const [name, values] of this.#values) {
        if (!name.endsWith(`\0${scope}`)) continue;
        removed += values.size;
        this.#values.delete(name);
      }
      return removed;
    },
    value_remove_domain: (domain) => {
      let removed = 0;
      for (const [name, values] of this.#values) {
        const scope = name.slice(name.indexOf('\0') + 1);
        if (scope.slice(scope.indexOf('@') + 1) !== domain) continue;
        removed += values.size;
        this.#values.delete(name);
      }
      return removed;
    },

    ...privateTable(),
    ...lastTable(),
    ...vcardTable(),
    ...memoryPrivacy(),
    ...memoryBlocklist(),
    ...memoryPush(),

    write_all: ([shard, since, number], writes) => {
      const done = this.#batch(shard, since, number);
      if (done !== undefined) return done.results;
      if (number > 1 && this.#batch(shard, since, number - 1) === undefined)
        throw new OutOfOrderError(`${number}`);
      const results = writes.map(([operation, args]) => this.run(operation as StoreOperation, args as never));
      this.#batches.set(`${shard} ${number % KEPT_BATCHES_REMEMBERED}`, { since, number, results });
      return results;
    },
    write_probe: () => null,

    release_shard: (...args) => this.#claims.releaseShard(...args),
    ping: () => null,
  };

  run<O extends StoreOperation>(operation: O, args: StoreArgs<O>): StoreResult<O> {
    const run = this.#operations[operation] as ((...args: StoreArgs<O>) => StoreResult<O>) | undefined;
    if (run === undefined) throw new RangeError(`there is no operation ${operation}`);
    return run(...args);
  }

  begin(): void {
    this.#isOpen = true;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  commit(): void {
    this.#isOpen = false;
  }

  close(): void {}

  /** A batch, if it was done. */
  #batch(shard: number, since: number, number: number): { readonly results: unknown[] } | undefined {
    const found = this.#batches.get(`${shard} ${number % KEPT_BATCHES_REMEMBERED}`);
    return found?.since === since && found.number === number ? found : undefined;
  }

  #keep(
    ...[domain, username, message, expires, messagesMax, bytesMax]: StoreArgs<'offline_append'>
  ): 'stored' | 'full' {
    const stored = this.#of(domain, username);
    if (messagesMax !== null && stored.length >= messagesMax) return 'full';
    const bytes = stored.reduce((sum, { packet }) => sum + packet.length, message.packet.length);
    if (bytesMax !== null && bytes > bytesMax) return 'full';
    this.#messages.push({ ...message, id: this.#nextId++, domain, username, expires });
    return 'stored';
  }

  #account(domain: string, username: string): Account | undefined {
    return this.#accounts.get(domain)?.get(username);
  }

  /** A user's messages in the order of their time. */
  #of(domain: string, username: string): Stored[] {
    return this.#messages
      .filter((message) => message.domain === domain && message.username === username)
      .sort((a, b) => a.timestamp - b.timestamp || a.id - b.id);
  }

  #remove(isMeant: (message: Stored) => boolean, limit = Number.POSITIVE_INFINITY): number {
    let removed = 0;
    this.#messages = this.#messages.filter((message) => {
      if (removed === limit || !isMeant(message)) return true;
      removed++;
      return false;
    });
    return removed;
  }
}

function publicPart({ id, timestamp, from, to, packet, keys }: Stored): OfflineMessage {
  return { id, timestamp, from, to, packet, keys };
}

function place(module: string, scope: string): string {
  return `${module}\0${scope}`;
}

/** The order of SQLite: by bytes of UTF-8. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function getOrMake<V>(maps: Map<string, Map<string, V>>, key: string): Map<string, V> {
  let map = maps.get(key);
  if (map === undefined) {
    map = new Map();
    maps.set(key, map);
  }
  return map;
}
