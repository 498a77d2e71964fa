import type {
  InboxChange,
  InboxOperations,
  InboxProperties,
  InboxQuery,
  ReturnedConversation,
  StoredConversation,
} from '../operations/inbox.ts';
import { CONVERSATIONS_MAX } from '../operations/inbox.ts';
import type { StoreArgs, StoreResult } from '../operations.ts';
import { Removed } from '../removed.ts';
import type { Sqlite } from './database.ts';
import { type EarlyRead, EarlyReads } from './early-reads.ts';
import type { OperationTable } from './operation-table.ts';
import { RowCounts } from './row-counts.ts';

type Key = [domain: string, username: string, peer: string];

const ENTRY = `remote_bare_jid AS peer, msg_id AS msgId, content, timestamp, box, muted_until AS mutedUntil,
  unread_count AS unread`;

/** Removed beyond the limit, so that the next ones have room. */
const TRIM_MARGIN = 100;

/** `effect` of a message. */
const Effect = { NONE: 0, RETURNED: 1, BEGUN: 2 } as const;

/**
 * A new message. All shards write: of two messages the later one is shown, whichever comes here first, what was read before a later one came stays unread, and
 * what comes after a later one was read, or sent by the user, is read. The right sides of SET see the row as it was.
 */
const UPSERT = `
INSERT INTO inbox (lserver, luser, remote_bare_jid, timestamp, msg_id, content, unread_count, effect, read_until)
VALUES (:domain, :username, :peer, :timestamp, :msgId, :content, :incoming, ${Effect.BEGUN}, iif(:isRead, :timestamp, 0))
ON CONFLICT DO UPDATE SET
  msg_id = CASE WHEN excluded.timestamp >= timestamp THEN excluded.msg_id ELSE msg_id END,
  content = CASE WHEN excluded.timestamp >= timestamp THEN excluded.content ELSE content END,
  timestamp = max(timestamp, excluded.timestamp),
  unread_count = iif(:isRead AND excluded.timestamp >= timestamp, 0, unread_count)
    + iif(excluded.timestamp > read_until, :incoming, 0),
  read_until = max(read_until, excluded.read_until),
  effect = box IN ('archive', 'bin'),
  box = CASE WHEN box IN ('archive', 'bin') THEN 'inbox' ELSE box END
RETURNING effect`;

/** Conversations of a user between two places: all of the user are looked at, of which there are not many, and none of others. */
export function pageSql(order: 'ASC' | 'DESC'): string {
  return `SELECT ${ENTRY} FROM inbox
WHERE lserver = :domain AND luser = :username
  AND (timestamp, remote_bare_jid) > (:aboveTime, :abovePeer) AND (timestamp, remote_bare_jid) < (:belowTime, :belowPeer)
  AND CASE WHEN :box IS NULL THEN box <> 'bin' ELSE box = :box END AND unread_count >= :unreadMin
ORDER BY timestamp ${order}, remote_bare_jid ${order} LIMIT :limit`;
}

/** All statements but those of pages, for the test of their plans. */
export const INBOX_SQL = {
  upsert: UPSERT,
  get: `SELECT ${ENTRY} FROM inbox WHERE lserver = ? AND luser = ? AND remote_bare_jid = ?`,
  read: `UPDATE inbox SET unread_count = 0, read_until = max(read_until, timestamp, :until)
    WHERE lserver = :domain AND luser = :username AND remote_bare_jid = :peer
      AND (unread_count > 0 AND (msg_id = :msgId OR timestamp <= :until) OR timestamp < :until)`,
  remove: 'DELETE FROM inbox WHERE lserver = ? AND luser = ? AND remote_bare_jid = ? AND timestamp <= ?',
  set: `UPDATE inbox SET
      box = coalesce(:box, box),
      muted_until = coalesce(:mutedUntil, muted_until),
      unread_count = CASE :isRead WHEN 1 THEN 0 WHEN 0 THEN max(unread_count, 1) ELSE unread_count END
    WHERE lserver = :domain AND luser = :username AND remote_bare_jid = :peer
    RETURNING box, muted_until AS mutedUntil, unread_count AS unread`,
  count: 'SELECT count(*) AS count FROM inbox WHERE lserver = ? AND luser = ?',
  removeOldest: `DELETE FROM inbox WHERE lserver = :domain AND luser = :username AND remote_bare_jid IN
    (SELECT remote_bare_jid FROM inbox WHERE lserver = :domain AND luser = :username
     ORDER BY timestamp, remote_bare_jid LIMIT :count)`,
  emptyUserBin: "DELETE FROM inbox WHERE lserver = ? AND luser = ? AND +box = 'bin' AND timestamp < ?",
  emptyDomainBin: `DELETE FROM inbox WHERE (lserver, luser, remote_bare_jid) IN
    (SELECT lserver, luser, remote_bare_jid FROM inbox INDEXED BY inbox_bin
     WHERE lserver = ? AND box = 'bin' AND timestamp < ? LIMIT ?)`,
  removeUser: 'DELETE FROM inbox WHERE lserver = ? AND luser = ?',
  removeDomain: `DELETE FROM inbox WHERE (lserver, luser, remote_bare_jid) IN
    (SELECT lserver, luser, remote_bare_jid FROM inbox WHERE lserver = ? LIMIT ?)`,
} as const;

/** Inboxes of users. */
export class Inboxes {
  readonly #removed = new Removed();
  readonly #early = new EarlyReads();
  readonly #upsert;
  readonly #pages;
  readonly #get;
  readonly #read;
  readonly #remove;
  readonly #set;
  readonly #counts;
  readonly #removeOldest;
  readonly #emptyUserBin;
  readonly #emptyDomainBin;
  readonly #removeUser;
  readonly #removeDomain;

  constructor(db: Sqlite) {
    this.#upsert = db.prepare<[object], { effect: number }>(INBOX_SQL.upsert);
    this.#pages = {
      ascending: db.prepare<[object], StoredConversation>(pageSql('ASC')),
      descending: db.prepare<[object], StoredConversation>(pageSql('DESC')),
    };
    this.#get = db.prepare<Key, StoredConversation>(INBOX_SQL.get);
    this.#read = db.prepare<[object]>(INBOX_SQL.read);
    this.#remove = db.prepare<[...Key, number]>(INBOX_SQL.remove);
    this.#set = db.prepare<[object], InboxProperties>(INBOX_SQL.set);
    const count = db.prepare<[string, string], { count: number }>(INBOX_SQL.count);
    this.#counts = new RowCounts((domain, username) => count.get(domain, username)!.count);
    this.#removeOldest = db.prepare<[object]>(INBOX_SQL.removeOldest);
    this.#emptyUserBin = db.prepare<[string, string, number]>(INBOX_SQL.emptyUserBin);
    this.#emptyDomainBin = db.prepare<[string, number, number]>(INBOX_SQL.emptyDomainBin);
    this.#removeUser = db.prepare<[string, string]>(INBOX_SQL.removeUser);
    this.#removeDomain = db.prepare<[string, number]>(INBOX_SQL.removeDomain);
  }

  /** What the store offers of this. */
  operations(): OperationTable<InboxOperations> {
    return {
      inbox_write: (...args) => this.write(...args),
      inbox_page: (...args) => this.page(...args),
      inbox_get: (...args) => this.#get.get(...args) ?? null,
      inbox_set: (...args) => this.set(...args),
      inbox_empty_bin: (...args) => this.emptyBin(...args),
      inbox_remove_user: (domain, username) => {
        this.#removed.note(domain, username);
        return this.#removeUser.run(domain, username).changes;
      },
      inbox_remove_domain: (domain, limit) => {
        this.#removed.note(domain);
        return this.#removeDomain.run(domain, limit).changes;
      },
    };
  }

  write(...[changes]: StoreArgs<'inbox_write'>): StoreResult<'inbox_write'> {
    const returned: ReturnedConversation[] = [];
    for (const change of changes) {
      // What was sent to an account that was removed meanwhile is not for whoever has its name next.
      if (this.#removed.covers(change[1], change[2], change[4])) continue;
      const one = this.#make(change);
      if (one !== undefined) returned.push(one);
    }
    return returned;
  }

  #make(change: InboxChange): ReturnedConversation | undefined {
    const [kind, domain, username, peer, timestamp] = change;
    if (kind === 'read') {
      const [, , , , , msgId, until] = change;
      const read = { timestamp, msgId, until };
      if (!this.#markRead(domain, username, peer, read)) this.#early.note(domain, username, peer, read);
    } else if (kind === 'remove') this.#remove.run(domain, username, peer, timestamp);
    else {
      const [, , , , , msgId, content, isRead, incoming] = change;
      const { effect } = this.#upsert.get({
        domain,
        username,
        peer,
        timestamp,
        msgId,
        content,
        isRead: isRead ? 1 : 0,
        incoming,
      })!;
      const early = isRead ? undefined : this.#early.of(domain, username, peer, timestamp);
      if (early !== undefined) this.#markRead(domain, username, peer, early);
      if (effect === Effect.BEGUN) this.#trim(domain, username);
      if (effect === Effect.RETURNED) {
        const { box, mutedUntil, unread } = this.#get.get(domain, username, peer)!;
        return { domain, username, peer, box, mutedUntil, unread };
      }
    }
    return undefined;
  }

  /** False if there is nothing to do: not yet, perhaps. */
  #markRead(domain: string, username: string, peer: string, { msgId, until }: EarlyRead): boolean {
    return this.#read.run({ domain, username, peer, msgId, until }).changes > 0;
  }

  #trim(domain: string, username: string): void {
    const count = this.#counts.excess(domain, username, CONVERSATIONS_MAX);
    if (count > 0) this.#removeOldest.run({ domain, username, count: count + TRIM_MARGIN });
  }

  page(domain: string, username: string, query: InboxQuery): StoreResult<'inbox_page'> {
    const { above, below, box, isUnreadOnly, isAscending, limit, bytesMax } = query;
    const rows = this.#pages[isAscending ? 'ascending' : 'descending'].iterate({
      domain,
      username,
      aboveTime: above[0],
      abovePeer: above[1],
      belowTime: below[0],
      belowPeer: below[1],
      box,
      unreadMin: isUnreadOnly ? 1 : 0,
      limit: limit + 1,
    });
    const conversations: StoredConversation[] = [];
    let bytes = 0;
    for (const row of rows) {
      bytes += row.content.length;
      if (conversations.length === limit || (bytes > bytesMax && conversations.length > 0)) {
        return { conversations, hasMore: true };
      }
      conversations.push(row);
    }
    return { conversations, hasMore: false };
  }

  set(
    ...[domain, username, peer, box, mutedUntil, isRead]: StoreArgs<'inbox_set'>
  ): StoreResult<'inbox_set'> {
    const read = isRead === null ? null : isRead ? 1 : 0;
    return this.#set.get({ domain, username, peer, box, mutedUntil, isRead: read }) ?? null;
  }

  emptyBin(...[domain, username, before, limit]: StoreArgs<'inbox_empty_bin'>): number {
    if (username === null) return this.#emptyDomainBin.run(domain, before, limit).changes;
    return this.#emptyUserBin.run(domain, username, before).changes;
  }
}
