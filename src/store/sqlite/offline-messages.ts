import { decodeValue, encodeValue } from '../../frame/value.ts';
import { GenerationCache } from '../../util/generation-cache.ts';
import { Claims } from '../claims.ts';
import type { OfflineOperations } from '../operations/offline.ts';
import type { Claimant, OfflineMessage, StoreArgs, StoreResult } from '../operations.ts';
import { Removed } from '../removed.ts';
import type { Sqlite } from './database.ts';
import { ImportedMessages } from './imported-messages.ts';
import type { OperationTable } from './operation-table.ts';

interface Row {
  id: number;
  timestamp: number;
  from_jid: string;
  to_jid: string;
  packet: Buffer;
  permanent_fields: Buffer | null;
}

interface Total {
  count: number;
  bytes: number;
}

/** Statements of clean-ups, for the test of their plans. User by user, as the index has them: one more index would cost each message that is stored. */
export const OFFLINE_SQL = {
  nextUser: `SELECT username FROM offline_message WHERE server = ? AND username > ? ORDER BY username LIMIT 1`,
  removeOld: 'DELETE FROM offline_message WHERE server = ? AND username = ? AND timestamp < ?',
} as const;

/** Users whose totals are remembered. */
const TOTALS_MAX = 16_384;

/** Messages for absent users (XEP-0160). */
export class OfflineMessages {
  readonly claims = new Claims();
  readonly #removed = new Removed();
  readonly #imported;
  /** Claims that end with the transaction. */
  #releases: [domain: string, username: string, claimant: Claimant][] = [];
  /** What users have stored: counting anew for each message that comes took 80 µs with 400 of them there, of 95 in all. */
  readonly #totals = new GenerationCache<string, Total>(TOTALS_MAX);
  readonly #append;
  readonly #total;
  readonly #select;
  readonly #page;
  readonly #delete;
  readonly #removeUser;
  readonly #removeDomain;
  readonly #removeExpired;
  readonly #nextUser;
  readonly #removeOld;

  constructor(db: Sqlite) {
    this.#imported = new ImportedMessages(db);
    this.#append = db.prepare<
      [number, number | null, string, string, string, string, Uint8Array, Uint8Array | null]
    >(
      `INSERT INTO offline_message (timestamp, expire, server, username, from_jid, to_jid, packet, permanent_fields)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#total = db.prepare<[string, string], Total>(
      'SELECT count(*) AS count, total(length(packet)) AS bytes FROM offline_message WHERE server = ? AND username = ?',
    );
    this.#select = db.prepare<[string, string, number, number], Row>(
      `SELECT id, timestamp, from_jid, to_jid, packet, permanent_fields FROM offline_message
       WHERE server = ? AND username = ? AND (expire IS NULL OR expire > ?)
       ORDER BY timestamp, id LIMIT ?`,
    );
    this.#page = db.prepare<[string, string, number, number, number], Row>(
      `SELECT id, timestamp, from_jid, to_jid, packet, permanent_fields FROM offline_message
       WHERE server = ? AND username = ? AND (timestamp, id) > (?, ?) ORDER BY timestamp, id LIMIT ?`,
    );
    // All of a batch by one statement: one for each message took half as long again.
    this.#delete = db.prepare<[string, string, string], { bytes: number }>(
      `DELETE FROM offline_message WHERE id IN (SELECT value FROM json_each(?)) AND +server = ? AND +username = ?
       RETURNING length(packet) AS bytes`,
    );
    this.#removeUser = db.prepare<[string, string]>(
      'DELETE FROM offline_message WHERE server = ? AND username = ?',
    );
    this.#removeDomain = db.prepare<[string]>('DELETE FROM offline_message WHERE server = ?');
    this.#nextUser = db.prepare<[string, string], { username: string }>(OFFLINE_SQL.nextUser);
    this.#removeOld = db.prepare<[string, string, number]>(OFFLINE_SQL.removeOld);
    this.#removeExpired = db.prepare<[string, number, number]>(
      `DELETE FROM offline_message WHERE id IN
         (SELECT id FROM offline_message WHERE server = ? AND expire <= ? LIMIT ?)`,
    );
  }

  /** What the store offers of this. */
  operations(): OperationTable<OfflineOperations> {
    return {
      offline_append: (...args) => this.append(...args),
      offline_claim: (...args) => this.claim(...args),
      offline_confirm: (...args) => this.confirm(...args),
      offline_release: (...args) => this.release(...args),
      offline_pass: (...args) => this.pass(...args),
      offline_count: (...args) => this.count(...args),
      offline_page: (...args) => this.page(...args),
      offline_import: (...args) => this.import(...args),
      offline_remove_user: (...args) => this.removeUser(...args),
      offline_remove_domain: (...args) => this.removeDomain(...args),
      offline_remove_expired: (...args) => this.removeExpired(...args),
      offline_remove_old: (...args) => this.removeOld(...args),
    };
  }

  append(
    ...[domain, username, message, expires, messagesMax, bytesMax]: StoreArgs<'offline_append'>
  ): StoreResult<'offline_append'> {
    if (this.#removed.covers(domain, username, message.timestamp)) return 'gone';
    return this.#keep(domain, username, message, expires, messagesMax, bytesMax);
  }

  #keep(
    ...[domain, username, message, expires, messagesMax, bytesMax]: StoreArgs<'offline_append'>
  ): 'stored' | 'full' {
    if (messagesMax !== null || bytesMax !== null) {
      const { count, bytes } = this.#totalOf(domain, username);
      if (messagesMax !== null && count >= messagesMax) return 'full';
      if (bytesMax !== null && bytes + message.packet.length > bytesMax) return 'full';
    }
    const { timestamp, from, to, packet, keys } = message;
    const fields = keys.length === 0 ? null : encodeValue(keys);
    this.#append.run(timestamp, expires, domain, username, from, to, packet, fields);
    this.#changeTotal(domain, username, 1, packet.length);
    return 'stored';
  }

  claim(
    ...[
      domain,
      username,
      claimant,
      now,
      limit,
      bytesMax = Number.POSITIVE_INFINITY,
    ]: StoreArgs<'offline_claim'>
  ): StoreResult<'offline_claim'> {
    const heldBy = this.claims.take(domain, username, claimant);
    if (heldBy !== undefined) return { heldBy };
    const messages: OfflineMessage[] = [];
    let bytes = 0;
    for (const row of this.#select.iterate(domain, username, now, limit + 1)) {
      bytes += row.packet.length;
      if (messages.length === limit || (bytes > bytesMax && messages.length > 0))
        return { messages, areAll: false };
      messages.push(messageOf(row));
    }
    if (messages.length === 0) this.claims.release(domain, username, claimant);
    return { messages, areAll: true };
  }

  confirm(...[domain, username, claimant, ids]: StoreArgs<'offline_confirm'>): number {
    // Also when the claim was lost (the store was started again): what is confirmed was delivered.
    const deleted = this.#delete.all(JSON.stringify(ids), domain, username);
    const bytes = deleted.reduce((sum, row) => sum + row.bytes, 0);
    this.#changeTotal(domain, username, -deleted.length, -bytes);
    const left = this.count(domain, username);
    if (left === 0) this.#releases.push([domain, username, claimant]);
    return left;
  }

  release(...[domain, username, claimant]: StoreArgs<'offline_release'>): boolean {
    return this.claims.release(domain, username, claimant);
  }

  pass(...[domain, username, from, to]: StoreArgs<'offline_pass'>): boolean {
    return this.claims.pass(domain, username, from, to);
  }

  count(domain: string, username: string): number {
    return this.#totalOf(domain, username).count;
  }

  /** How much is to be done when the transaction is committed; for {@link undo}. */
  get mark(): number {
    return this.#releases.length;
  }

  /** What was confirmed is deleted for good, and nobody has it in hand any more. */
  committed(): void {
    if (this.#releases.length === 0) return;
    for (const [domain, username, claimant] of this.#releases)
      this.claims.release(domain, username, claimant);
    this.#releases = [];
  }

  /** What was done since `mark` is undone: what is known of the table is forgotten, and who had messages in hand has them still. */
  undo(mark: number): void {
    this.#totals.clear();
    this.#releases.length = mark;
  }

  page(...[domain, username, after, limit, bytesMax]: StoreArgs<'offline_page'>): OfflineMessage[] {
    const [timestamp, id] = after ?? [-1, -1];
    const messages: OfflineMessage[] = [];
    let bytes = 0;
    for (const row of this.#page.iterate(domain, username, timestamp, id, limit)) {
      bytes += row.packet.length;
      if (bytes > bytesMax && messages.length > 0) break;
      messages.push(messageOf(row));
    }
    return messages;
  }

  import(
    ...[domain, username, messages, messagesMax, bytesMax]: StoreArgs<'offline_import'>
  ): StoreResult<'offline_import'> {
    const known = this.#imported.of(domain, username);
    const results = messages.map(({ message, expires, digest }) => {
      if (known.has(digest)) return 'known';
      // Old as they are, they are for the account that is there now.
      const result = this.#keep(domain, username, message, expires, messagesMax, bytesMax);
      if (result === 'stored') known.add(digest);
      return result;
    });
    this.#imported.keep(domain, username, known);
    return results;
  }

  removeUser(domain: string, username: string): number {
    this.#removed.note(domain, username);
    this.#totals.delete(`${username}@${domain}`);
    this.#imported.removeUser(domain, username);
    return this.#removeUser.run(domain, username).changes;
  }

  removeDomain(domain: string): number {
    this.#removed.note(domain);
    this.#totals.clear();
    this.#imported.removeDomain(domain);
    return this.#removeDomain.run(domain).changes;
  }

  removeExpired(...[domain, now, limit]: StoreArgs<'offline_remove_expired'>): number {
    this.#totals.clear();
    return this.#removeExpired.run(domain, now, limit).changes;
  }

  removeOld(
    ...[domain, after, before, limit]: StoreArgs<'offline_remove_old'>
  ): StoreResult<'offline_remove_old'> {
    this.#totals.clear();
    let removed = 0;
    let last = after;
    for (let users = 0; users < limit; users++) {
      const next = this.#nextUser.get(domain, last);
      if (next === undefined) return { removed, next: null };
      last = next.username;
      removed += this.#removeOld.run(domain, last, before).changes;
    }
    return { removed, next: last };
  }

  #totalOf(domain: string, username: string): Total {
    const key = `${username}@${domain}`;
    let total = this.#totals.get(key);
    if (total === undefined) {
      total = this.#total.get(domain, username)!;
      this.#totals.set(key, total);
    }
    return total;
  }

  #changeTotal(domain: string, username: string, count: number, bytes: number): void {
    const total = this.#totals.get(`${username}@${domain}`);
    if (total === undefined) return;
    total.count += count;
    total.bytes += bytes;
  }
}

function messageOf(row: Row): OfflineMessage {
  return {
    id: row.id,
    timestamp: row.timestamp,
    from: row.from_jid,
    to: row.to_jid,
    packet: row.packet,
    keys: row.permanent_fields === null ? [] : keysOf(row.permanent_fields),
  };
}

/** What cannot be read any more is no reason to keep the message. */
function keysOf(fields: Buffer): [string, unknown][] {
  try {
    return decodeValue(fields) as [string, unknown][];
  } catch {
    return [];
  }
}
