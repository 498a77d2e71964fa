import {
  type MarkerToDeliver,
  MISSED_MAX,
  type MissedConversation,
  type OfflineMarkerOperations,
} from '../operations/offline-markers.ts';
import type { StoreArgs, StoreResult } from '../operations.ts';
import { Removed } from '../removed.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';
import { bySenderAndTime, type SmartMarkers } from './smart-markers.ts';

interface Row {
  thread: string;
  room: string;
  since: number;
  latest: number;
}

/** All statements, for the test of their plans. */
export const OFFLINE_MARKERS_SQL = {
  update: `UPDATE offline_markers SET latest = max(latest, ?)
    WHERE lserver = ? AND luser = ? AND thread = ? AND room = ?`,
  insert: `INSERT INTO offline_markers (lserver, luser, thread, room, timestamp, latest) VALUES (?, ?, ?, ?, ?, ?)`,
  list: 'SELECT thread, room, timestamp AS since, latest FROM offline_markers WHERE lserver = ? AND luser = ?',
  count: 'SELECT count(*) AS count FROM offline_markers WHERE lserver = ? AND luser = ?',
  delivered: `DELETE FROM offline_markers
    WHERE lserver = ? AND luser = ? AND thread = ? AND room = ? AND latest <= ?`,
  removeUser: 'DELETE FROM offline_markers WHERE lserver = ? AND luser = ?',
  removeDomain: `DELETE FROM offline_markers WHERE (lserver, luser, thread, room) IN
    (SELECT lserver, luser, thread, room FROM offline_markers WHERE lserver = ? LIMIT ?)`,
} as const;

/** In which conversations absent users have missed chat markers. */
export class OfflineMarkers {
  readonly #markers: SmartMarkers;
  readonly #removed = new Removed();
  readonly #update;
  readonly #insert;
  readonly #list;
  readonly #count;
  readonly #delivered;
  readonly #removeUser;
  readonly #removeDomain;

  constructor(db: Sqlite, markers: SmartMarkers) {
    this.#markers = markers;
    this.#update = db.prepare<[number, string, string, string, string]>(OFFLINE_MARKERS_SQL.update);
    this.#insert = db.prepare<[string, string, string, string, number, number]>(OFFLINE_MARKERS_SQL.insert);
    this.#list = db.prepare<[string, string], Row>(OFFLINE_MARKERS_SQL.list);
    this.#count = db.prepare<[string, string], { count: number }>(OFFLINE_MARKERS_SQL.count);
    this.#delivered = db.prepare<[string, string, string, string, number]>(OFFLINE_MARKERS_SQL.delivered);
    this.#removeUser = db.prepare<[string, string]>(OFFLINE_MARKERS_SQL.removeUser);
    this.#removeDomain = db.prepare<[string, number]>(OFFLINE_MARKERS_SQL.removeDomain);
  }

  /** What the store offers of this. */
  operations(): OperationTable<OfflineMarkerOperations> {
    return {
      offline_markers_note: (...args) => this.note(...args),
      offline_markers_get: (...args) => this.get(...args),
      offline_markers_delivered: (domain, username, conversations) =>
        conversations.reduce(
          (sum, conversation) => sum + this.#delivered.run(domain, username, ...conversation).changes,
          0,
        ),
      offline_markers_list: (domain, username) =>
        this.#list.all(domain, username).map(({ thread, room, since }) => ({ thread, room, since })),
      offline_markers_remove_user: (domain, username) => {
        this.#removed.note(domain, username);
        return this.#removeUser.run(domain, username).changes;
      },
      offline_markers_remove_domain: (domain, limit) => {
        this.#removed.note(domain);
        return this.#removeDomain.run(domain, limit).changes;
      },
    };
  }

  note(...[missed]: StoreArgs<'offline_markers_note'>): null {
    for (const [domain, username, thread, room, timestamp] of missed) {
      if (this.#removed.covers(domain, username, timestamp)) continue;
      if (this.#update.run(timestamp, domain, username, thread, room).changes === 1) continue;
      if (this.#count.get(domain, username)!.count >= MISSED_MAX) continue;
      this.#insert.run(domain, username, thread, room, timestamp, timestamp);
    }
    return null;
  }

  get(domain: string, username: string, limit: number): StoreResult<'offline_markers_get'> {
    const conversations: MissedConversation[] = [];
    const markers: MarkerToDeliver[] = [];
    const own = `${username}@${domain}`;
    for (const { thread, room, since, latest } of this.#list.all(domain, username)) {
      conversations.push([thread, room, latest]);
      const at = room.indexOf('@');
      const [toDomain, toLocal] = room === '' ? [domain, username] : [room.slice(at + 1), room.slice(0, at)];
      const found = this.#markers.received(toDomain, toLocal, thread, since - 1, limit);
      for (const marker of found.sort(bySenderAndTime)) {
        if (marker.from !== own) markers.push({ thread, room, ...marker });
      }
    }
    return { conversations, markers };
  }
}
