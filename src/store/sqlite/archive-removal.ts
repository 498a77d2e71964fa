import type { ArchiveSweep } from '../operations/archive.ts';
import type { Removed } from '../removed.ts';
import type { ArchiveCounts } from './archive-counts.ts';
import { archiveId, firstIdOf, ID_MAX, type IdRange } from './archive-ids.ts';
import type { ArchiveIndexing } from './archive-indexing.ts';
import type { ArchiveJids } from './archive-jids.ts';
import { partsOf as jidParts } from './archive-jids.ts';
import type { ArchiveNames } from './archive-names.ts';
import type { ArchiveOwners } from './archive-owners.ts';
import type { ArchiveSearch } from './archive-search.ts';
import { mergeSql, type PlaceParameters, parametersOf, partsOf } from './archive-selection.ts';
import type { Sqlite } from './database.ts';
import { Statements } from './statements.ts';

/** Users of a domain that one step looks at. */
const USERS_STEP = 500;
/** Messages that are removed at once when an account is, and in one step of what is left to be done later. */
const STEP = 500;

/** Whose archives have a message, in the language of the table. */
type Row = [id: bigint, sender: bigint, recipient: bigint, sent: bigint | null, received: bigint | null];

const COLUMNS = 'id, sender, recipient, sent, received';

/** Messages leave archives: accounts and domains are removed, messages grow old or too many. A row goes when no archive has it any more. */
export class ArchiveRemoval {
  readonly #jids: ArchiveJids;
  readonly #owners: ArchiveOwners;
  readonly #indexing: ArchiveIndexing;
  readonly #search: ArchiveSearch;
  readonly #counts: ArchiveCounts;
  readonly #removed: Removed;
  readonly #names: ArchiveNames;
  readonly #statements: Statements;
  readonly #users;
  readonly #oldest;
  readonly #keep;
  readonly #delete;
  readonly #deletePrefs;

  constructor(
    db: Sqlite,
    jids: ArchiveJids,
    owners: ArchiveOwners,
    indexing: ArchiveIndexing,
    search: ArchiveSearch,
    counts: ArchiveCounts,
    removed: Removed,
    names: ArchiveNames,
  ) {
    this.#jids = jids;
    this.#owners = owners;
    this.#indexing = indexing;
    this.#search = search;
    this.#counts = counts;
    this.#removed = removed;
    this.#names = names;
    this.#statements = new Statements(db);
    this.#users = db.prepare<[string, string, number], { id: number; user_name: string }>(
      'SELECT id, user_name FROM mam_jid WHERE server = ? AND user_name >= ? ORDER BY user_name LIMIT ?',
    );
    this.#oldest = db
      .prepare<[bigint, bigint, number], Row>(
        `SELECT ${COLUMNS} FROM mam_message WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?`,
      )
      .safeIntegers(true)
      .raw(true);
    this.#keep = db.prepare<[bigint | null, bigint | null, bigint]>(
      'UPDATE mam_message SET sent = ?, received = ? WHERE id = ?',
    );
    this.#delete = db
      .prepare<[bigint], number>('DELETE FROM mam_message WHERE id = ? RETURNING is_searchable')
      .pluck(true);
    this.#deletePrefs = db.prepare<[number]>('DELETE FROM mam_config WHERE user_id = ?');
  }

  /** See `archive_remove_user`. */
  removeUser(bare: string): null {
    const [domain, username] = jidParts(bare);
    // A domain by itself has no account, and its name stands for all of them.
    const micros = username === '' ? 0 : this.#removed.note(domain, username);
    const owner = this.#jids.find(bare);
    if (owner === undefined) return null;
    this.#deletePrefs.run(owner);
    this.#indexing.ensure(owner);
    // Whatever the clock was when they were sent: all that is there now.
    const newest = this.#ids(owner, { low: 0n, high: ID_MAX }, true, 1)[0];
    this.#names.note(owner);
    if (newest === undefined) return null;
    const now = archiveId(micros, 255);
    this.#owners.hide(owner, newest > now ? newest : now);
    this.#purgeStep(owner, STEP);
    return null;
  }

  /** Deletes some of what is hidden of removed accounts. Whether something may be left. */
  purge(): boolean {
    const owner = this.#owners.hidden.keys().next().value;
    if (owner !== undefined) this.#purgeStep(owner, STEP);
    return this.#owners.hidden.size > 0;
  }

  /** Deletes all that is hidden of an owner's archive. */
  purgeAll(owner: number): void {
    while (this.#owners.hidden.has(owner)) this.#purgeStep(owner, STEP);
  }

  /** See `archive_remove_domain`. */
  removeDomain(domain: string, limit: number, cursor: string): ArchiveSweep {
    if (cursor === '') this.#removed.note(domain);
    return this.#sweepUsers(domain, cursor, limit, (owner, left) => {
      this.#deletePrefs.run(owner);
      this.#names.note(owner);
      const removed = this.#leave(owner, { low: 0n, high: ID_MAX }, left);
      if (removed < left) this.#owners.show(owner);
      return removed;
    });
  }

  /** See `archive_trim`. */
  trim(domain: string, keep: number, limit: number, cursor: string): ArchiveSweep {
    return this.#sweepUsers(domain, cursor, limit, (owner, left) => {
      const range = this.#owners.visible(owner, { low: 0n, high: ID_MAX });
      const last = this.#nth(owner, range, keep);
      return last === undefined ? 0 : this.#leave(owner, { low: range.low, high: last }, left);
    });
  }

  /** See `archive_remove_before`. */
  removeBefore(domain: string, micros: number, limit: number, cursor: string): ArchiveSweep {
    this.#indexing.flush();
    const high = firstIdOf(micros) - 1n;
    const low = cursor === '' ? 0n : BigInt(cursor) + 1n;
    const most = Math.max(1, limit);
    const rows = low > high ? [] : this.#oldest.all(low, high, most);
    let removed = 0;
    for (const [id, sender, recipient, sent, received] of rows) {
      const sentLeft = sent !== null && this.#isOf(domain, sender) ? null : sent;
      const receivedLeft = received !== null && this.#isOf(domain, recipient) ? null : received;
      const gone = Number(sentLeft !== sent) + Number(receivedLeft !== received);
      if (gone > 0) {
        this.#names.note(Number(sender));
        this.#names.note(Number(recipient));
        this.#leaveOne(id, sentLeft, receivedLeft);
      }
      removed += gone;
    }
    return { removed, cursor: rows.length < most ? null : rows.at(-1)![0].toString() };
  }

  /** See `archive_part_leave`. */
  leaveUpTo(bare: string, upTo: bigint, limit: number): number {
    const owner = this.#jids.find(bare);
    if (owner === undefined) return 0;
    this.#indexing.ensure(owner);
    return this.#leave(owner, this.#owners.visible(owner, { low: 0n, high: upTo }), Math.max(1, limit));
  }

  /** Goes through the users of a domain, as far as one step goes. `visit` removes at most so many messages of one, and says how many it did. */
  #sweepUsers(
    domain: string,
    cursor: string,
    limit: number,
    visit: (owner: number, left: number) => number,
  ): ArchiveSweep {
    this.#indexing.flush();
    let removed = 0;
    const most = Math.max(1, limit);
    const users = this.#users.all(domain, cursor.slice(1), USERS_STEP);
    for (const { id, user_name } of users) {
      removed += visit(id, most - removed);
      // Whoever may have more comes again.
      if (removed >= most) return { removed, cursor: `=${user_name}` };
    }
    return { removed, cursor: users.length < USERS_STEP ? null : `=${users.at(-1)!.user_name}` };
  }

  #purgeStep(owner: number, limit: number): void {
    this.#indexing.ensure(owner);
    const upTo = this.#owners.hidden.get(owner)!;
    if (this.#leave(owner, { low: 0n, high: upTo }, limit) < limit) {
      this.#owners.show(owner);
      this.#names.note(owner);
    }
  }

  /** Takes the first messages of a range out of an owner's archive. How many. */
  #leave(owner: number, range: IdRange, limit: number): number {
    const place = { owner, peer: undefined, includeGroupchat: true };
    const sql = `${mergeSql(partsOf(place), false, [COLUMNS])} LIMIT :limit`;
    const rows = this.#statements
      .rows<[PlaceParameters & { limit: number }], Row>(sql)
      .all({ ...parametersOf(place, range), limit });
    for (const [id, sender, recipient, sent, received] of rows) {
      this.#names.note(Number(sender));
      this.#names.note(Number(recipient));
      this.#leaveOne(id, Number(sent) === owner ? null : sent, Number(received) === owner ? null : received);
    }
    return rows.length;
  }

  #leaveOne(id: bigint, sent: bigint | null, received: bigint | null): void {
    this.#counts.clear();
    if (sent !== null || received !== null) this.#keep.run(sent, received, id);
    else if (this.#delete.get(id) === 1) this.#search.remove(id);
  }

  #ids(owner: number, range: IdRange, isBackward: boolean, limit: number): bigint[] {
    const place = { owner, peer: undefined, includeGroupchat: true };
    const sql = `${mergeSql(partsOf(place), isBackward, ['id'])} LIMIT :limit`;
    return this.#statements
      .values<[PlaceParameters & { limit: number }], bigint>(sql)
      .all({ ...parametersOf(place, range), limit });
  }

  /** The newest message that has so many newer ones. */
  #nth(owner: number, range: IdRange, newer: number): bigint | undefined {
    const place = { owner, peer: undefined, includeGroupchat: true };
    const sql = `${mergeSql(partsOf(place), true, ['id'])} LIMIT 1 OFFSET :newer`;
    return this.#statements
      .values<[PlaceParameters & { newer: number }], bigint>(sql)
      .get({ ...parametersOf(place, range), newer });
  }

  #isOf(domain: string, jid: bigint): boolean {
    return jidParts(this.#jids.name(Number(jid)))[0] === domain;
  }
}
