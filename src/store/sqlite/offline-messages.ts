import { decodeValue, encodeValue } from '../../frame/value.ts';
import { Claims } from '../claims.ts';
import type { OfflineMessage, StoreArgs, StoreResult } from '../operations.ts';
import type { Sqlite } from './database.ts';

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
  bytes: number | null;
}

/** Messages for absent users (XEP-0160). */
export class OfflineMessages {
  readonly claims = new Claims();
  readonly #append;
  readonly #total;
  readonly #select;
  readonly #delete;
  readonly #removeUser;
  readonly #removeDomain;
  readonly #removeExpired;
  readonly #removeOld;

  constructor(db: Sqlite) {
    this.#append = db.prepare<
      [number, number | null, string, string, string, string, Uint8Array, Uint8Array | null]
    >(
      `INSERT INTO offline_message (timestamp, expire, server, username, from_jid, to_jid, packet, permanent_fields)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#total = db.prepare<[string, string], Total>(
      'SELECT count(*) AS count, sum(length(packet)) AS bytes FROM offline_message WHERE server = ? AND username = ?',
    );
    this.#select = db.prepare<[string, string, number, number], Row>(
      `SELECT id, timestamp, from_jid, to_jid, packet, permanent_fields FROM offline_message
       WHERE server = ? AND username = ? AND (expire IS NULL OR expire > ?)
       ORDER BY timestamp, id LIMIT ?`,
    );
    this.#delete = db.prepare<[number, string, string]>(
      'DELETE FROM offline_message WHERE id = ? AND server = ? AND username = ?',
    );
    this.#removeUser = db.prepare<[string, string]>(
      'DELETE FROM offline_message WHERE server = ? AND username = ?',
    );
    this.#removeDomain = db.prepare<[string]>('DELETE FROM offline_message WHERE server = ?');
    this.#removeExpired = db.prepare<[string, number, number]>(
      `DELETE FROM offline_message WHERE id IN
         (SELECT id FROM offline_message WHERE server = ? AND expire <= ? LIMIT ?)`,
    );
    this.#removeOld = db.prepare<[string, number, number]>(
      `DELETE FROM offline_message WHERE id IN
         (SELECT id FROM offline_message WHERE server = ? AND timestamp < ? LIMIT ?)`,
    );
  }

  append(
    ...[domain, username, message, expires, messagesMax, bytesMax]: StoreArgs<'offline_append'>
  ): StoreResult<'offline_append'> {
    if (messagesMax !== null || bytesMax !== null) {
      const { count, bytes } = this.#total.get(domain, username)!;
      if (messagesMax !== null && count >= messagesMax) return 'full';
      if (bytesMax !== null && (bytes ?? 0) + message.packet.length > bytesMax) return 'full';
    }
    const { timestamp, from, to, packet, keys } = message;
    const fields = keys.length === 0 ? null : encodeValue(keys);
    this.#append.run(timestamp, expires, domain, username, from, to, packet, fields);
    return 'stored';
  }

  claim(
    ...[domain, username, claimant, now, limit]: StoreArgs<'offline_claim'>
  ): StoreResult<'offline_claim'> {
    if (!this.claims.take(domain, username, claimant)) return 'busy';
    const rows = this.#select.all(domain, username, now, limit);
    if (rows.length === 0) this.claims.release(domain, username, claimant);
    return rows.map(messageOf);
  }

  confirm(...[domain, username, claimant, ids]: StoreArgs<'offline_confirm'>): number {
    // A claim that was lost (its shard was taken for dead) deletes nothing: somebody else may deliver these.
    if (this.claims.holds(domain, username, claimant)) {
      for (const id of ids) this.#delete.run(id, domain, username);
    }
    const left = this.count(domain, username);
    if (left === 0) this.claims.release(domain, username, claimant);
    return left;
  }

  release(...[domain, username, claimant]: StoreArgs<'offline_release'>): boolean {
    return this.claims.release(domain, username, claimant);
  }

  count(domain: string, username: string): number {
    return this.#total.get(domain, username)!.count;
  }

  list(...[domain, username, limit]: StoreArgs<'offline_list'>): OfflineMessage[] {
    return this.#select.all(domain, username, 0, limit).map(messageOf);
  }

  removeUser(domain: string, username: string): number {
    return this.#removeUser.run(domain, username).changes;
  }

  removeDomain(domain: string): number {
    return this.#removeDomain.run(domain).changes;
  }

  removeExpired(...[domain, now, limit]: StoreArgs<'offline_remove_expired'>): number {
    return this.#removeExpired.run(domain, now, limit).changes;
  }

  removeOld(...[domain, before, limit]: StoreArgs<'offline_remove_old'>): number {
    return this.#removeOld.run(domain, before, limit).changes;
  }
}

function messageOf(row: Row): OfflineMessage {
  return {
    id: row.id,
    timestamp: row.timestamp,
    from: row.from_jid,
    to: row.to_jid,
    packet: row.packet,
    keys: row.permanent_fields === null ? [] : (decodeValue(row.permanent_fields) as [string, unknown][]),
  };
}
