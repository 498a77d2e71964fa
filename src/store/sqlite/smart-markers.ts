import {
  type ExportedMarker,
  MARKERS_MAX,
  type SmartMarkerOperations,
  type StoredMarker,
} from '../operations/smart-markers.ts';
import type { StoreArgs } from '../operations.ts';
import { Removed } from '../removed.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';
import { RowCounts } from './row-counts.ts';

/** Removed beyond the limit, so that the next ones have room. */
const TRIM_MARGIN = 100;

const COLUMNS = 'luser || \'@\' || lserver AS "from", type AS code, msg_id AS msgId, timestamp';
const SENT = 'lserver = ? AND luser = ? AND to_server = ? AND to_user = ? AND thread = ? AND timestamp > ?';
const RECEIVED = 'to_server = ? AND to_user = ? AND thread = ? AND timestamp > ?';

/** All statements, for the test of their plans. */
export const SMART_MARKERS_SQL = {
  update: `UPDATE smart_markers SET msg_id = :msgId, timestamp = :timestamp
    WHERE lserver = :domain AND luser = :username AND to_server = :toDomain AND to_user = :toLocal AND thread = :thread
      AND type = :code AND timestamp <= :timestamp`,
  insert: `INSERT OR IGNORE INTO smart_markers (lserver, luser, to_server, to_user, thread, type, msg_id, timestamp)
    VALUES (:domain, :username, :toDomain, :toLocal, :thread, :code, :msgId, :timestamp)`,
  count: 'SELECT count(*) AS count FROM smart_markers WHERE lserver = ? AND luser = ?',
  trim: `DELETE FROM smart_markers WHERE (lserver, luser, to_server, to_user, thread, type) IN
    (SELECT lserver, luser, to_server, to_user, thread, type FROM smart_markers WHERE lserver = ? AND luser = ?
     ORDER BY timestamp LIMIT ?)`,
  sent: `SELECT ${COLUMNS} FROM smart_markers WHERE ${SENT} ORDER BY timestamp DESC LIMIT ?`,
  received: `SELECT ${COLUMNS} FROM smart_markers WHERE ${RECEIVED} ORDER BY timestamp DESC LIMIT ?`,
  list: `SELECT CASE to_user WHEN '' THEN to_server ELSE to_user || '@' || to_server END AS "to", thread, type AS code,
      msg_id AS msgId, timestamp
    FROM smart_markers WHERE lserver = ? AND luser = ?`,
  keepMembers: `DELETE FROM smart_markers WHERE to_server = ? AND to_user = ?
    AND luser || '@' || lserver NOT IN (SELECT value FROM json_each(?))`,
  removeTo: 'DELETE FROM smart_markers WHERE to_server = ? AND to_user = ?',
  removeFrom: 'DELETE FROM smart_markers WHERE lserver = ? AND luser = ?',
  removeFromDomain: `DELETE FROM smart_markers WHERE (lserver, luser, to_server, to_user, thread, type) IN
    (SELECT lserver, luser, to_server, to_user, thread, type FROM smart_markers WHERE lserver = ? LIMIT ?)`,
  removeToDomain: `DELETE FROM smart_markers WHERE (lserver, luser, to_server, to_user, thread, type) IN
    (SELECT lserver, luser, to_server, to_user, thread, type FROM smart_markers WHERE to_server = ? LIMIT ?)`,
} as const;

/** The last chat markers of conversations. */
export class SmartMarkers {
  readonly #removed = new Removed();
  readonly #update;
  readonly #insert;
  readonly #counts;
  readonly #trim;
  readonly #sent;
  readonly #received;
  readonly #list;
  readonly #keepMembers;
  readonly #removeTo;
  readonly #removeFrom;
  readonly #removeFromDomain;
  readonly #removeToDomain;

  constructor(db: Sqlite) {
    this.#update = db.prepare<[object]>(SMART_MARKERS_SQL.update);
    this.#insert = db.prepare<[object]>(SMART_MARKERS_SQL.insert);
    const count = db.prepare<[string, string], { count: number }>(SMART_MARKERS_SQL.count);
    this.#counts = new RowCounts((domain, username) => count.get(domain, username)!.count);
    this.#trim = db.prepare<[string, string, number]>(SMART_MARKERS_SQL.trim);
    this.#sent = db.prepare<[string, string, string, string, string, number, number], StoredMarker>(
      SMART_MARKERS_SQL.sent,
    );
    this.#received = db.prepare<[string, string, string, number, number], StoredMarker>(
      SMART_MARKERS_SQL.received,
    );
    this.#list = db.prepare<[string, string], ExportedMarker>(SMART_MARKERS_SQL.list);
    this.#keepMembers = db.prepare<[string, string, string]>(SMART_MARKERS_SQL.keepMembers);
    this.#removeTo = db.prepare<[string, string]>(SMART_MARKERS_SQL.removeTo);
    this.#removeFrom = db.prepare<[string, string]>(SMART_MARKERS_SQL.removeFrom);
    this.#removeFromDomain = db.prepare<[string, number]>(SMART_MARKERS_SQL.removeFromDomain);
    this.#removeToDomain = db.prepare<[string, number]>(SMART_MARKERS_SQL.removeToDomain);
  }

  /** What the store offers of this. */
  operations(): OperationTable<SmartMarkerOperations> {
    return {
      smart_markers_write: (...args) => this.write(...args),
      smart_markers_get: (...args) => this.get(...args),
      smart_markers_list: (domain, username) => this.#list.all(domain, username),
      smart_markers_keep_members: ([domain, local], members) =>
        this.#keepMembers.run(domain, local, JSON.stringify(members)).changes,
      smart_markers_forget_room: ([domain, local]) => this.#removeTo.run(domain, local).changes,
      smart_markers_remove_user: (domain, username) => {
        this.#removed.note(domain, username);
        return this.#removeFrom.run(domain, username).changes + this.#removeTo.run(domain, username).changes;
      },
      smart_markers_remove_domain: (...args) => this.removeDomain(...args),
    };
  }

  write(...[records]: StoreArgs<'smart_markers_write'>): null {
    for (const [domain, username, toDomain, toLocal, thread, code, msgId, timestamp] of records) {
      if (this.#removed.covers(domain, username, timestamp)) continue;
      if (this.#removed.covers(toDomain, toLocal, timestamp)) continue;
      const record = { domain, username, toDomain, toLocal, thread, code, msgId, timestamp };
      if (this.#update.run(record).changes === 1 || this.#insert.run(record).changes === 0) continue;
      const count = this.#counts.excess(domain, username, MARKERS_MAX);
      if (count > 0) this.#trim.run(domain, username, count + TRIM_MARGIN);
    }
    return null;
  }

  get(...[user, peer, scope, thread, after, limit]: StoreArgs<'smart_markers_get'>): StoredMarker[] {
    const markers =
      scope === 'all'
        ? this.received(peer[0], peer[1], thread, after, limit)
        : this.#sent.all(...user, ...peer, thread, after, limit);
    if (scope === 'both') markers.push(...this.#sent.all(...peer, ...user, thread, after, limit));
    return markers.sort(bySenderAndTime);
  }

  /** The youngest markers of a thread that anybody has sent to a room or user, the last first. */
  received(domain: string, local: string, thread: string, after: number, limit: number): StoredMarker[] {
    return this.#received.all(domain, local, thread, after, limit);
  }

  removeDomain(domain: string, limit: number): number {
    this.#removed.note(domain);
    const from = this.#removeFromDomain.run(domain, limit).changes;
    return from + (from < limit ? this.#removeToDomain.run(domain, limit - from).changes : 0);
  }
}

export function bySenderAndTime(a: StoredMarker, b: StoredMarker): number {
  return a.from < b.from ? -1 : a.from > b.from ? 1 : a.timestamp - b.timestamp;
}
