import { SEARCH_QUEUE_MAX } from '../../limits.ts';
import type { ArchiveOperations } from '../operations/archive.ts';
import type { ArchivePartOperations } from '../operations/archive-parts.ts';
import { Removed } from '../removed.ts';
import { ArchiveAppend } from './archive-append.ts';
import { ArchiveCounts } from './archive-counts.ts';
import { ArchiveIndexing } from './archive-indexing.ts';
import { ArchiveJids } from './archive-jids.ts';
import { ArchiveNames } from './archive-names.ts';
import { ArchiveOwners } from './archive-owners.ts';
import { ArchivePages } from './archive-pages.ts';
import { ArchiveParts } from './archive-parts.ts';
import { ArchivePrefs } from './archive-prefs.ts';
import { ArchiveRemoval } from './archive-removal.ts';
import { ArchiveRetractions } from './archive-retraction.ts';
import { ArchiveRows } from './archive-rows.ts';
import { ArchiveSearch } from './archive-search.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

/** Archives of users' messages (XEP-0313): see `operations/archive.ts`. */
export class Archive {
  readonly #jids: ArchiveJids;
  readonly #owners: ArchiveOwners;
  readonly #indexing: ArchiveIndexing;
  readonly #search: ArchiveSearch;
  readonly #names: ArchiveNames;
  readonly #append: ArchiveAppend;
  readonly #pages: ArchivePages;
  readonly #parts: ArchiveParts;
  readonly #prefs: ArchivePrefs;
  readonly #removal: ArchiveRemoval;
  readonly #retractions: ArchiveRetractions;

  constructor(db: Sqlite, searchQueueMax = SEARCH_QUEUE_MAX) {
    const removed = new Removed();
    const jids = new ArchiveJids(db);
    const rows = new ArchiveRows(db, jids);
    const owners = new ArchiveOwners(db, rows);
    const counts = new ArchiveCounts();
    const indexing = new ArchiveIndexing(db, counts);
    const search = new ArchiveSearch(db, indexing, searchQueueMax);
    const names = new ArchiveNames(db, jids);
    const removal = new ArchiveRemoval(db, jids, owners, indexing, search, counts, removed, names);
    this.#jids = jids;
    this.#owners = owners;
    this.#indexing = indexing;
    this.#search = search;
    this.#names = names;
    this.#removal = removal;
    this.#append = new ArchiveAppend(db, jids, owners, indexing, search, removed, (owner) =>
      removal.purgeAll(owner),
    );
    this.#pages = new ArchivePages(db, jids, owners, rows, indexing, search, counts);
    this.#parts = new ArchiveParts(db, this.#pages);
    this.#prefs = new ArchivePrefs(db, jids);
    this.#retractions = new ArchiveRetractions(db, jids, rows, search, indexing);
  }

  /** What the store offers of this. */
  operations(): OperationTable<ArchiveOperations & ArchivePartOperations> {
    return {
      archive_append: (records) => this.#append.append(records),
      archive_page: (query) => this.#pages.page(query),
      archive_get: (owner, ids) => this.#pages.get(owner, ids),
      archive_range: (owner) => this.#pages.range(owner),
      archive_size: (owner) => this.#pages.size(owner),
      archive_export: (owner, afterId, limit) => this.#pages.export(owner, afterId, limit),
      archive_find_retracted: (retraction) => this.#retractions.find(retraction),
      archive_replace: (id, packet) => this.#retractions.replace(id, packet),
      archive_get_prefs: (owner) => this.#prefs.get(owner),
      archive_set_prefs: (owner, prefs) => this.#prefs.set(owner, prefs),
      archive_remove_user: (owner) => this.#removal.removeUser(owner),
      archive_remove_domain: (...args) => this.#removal.removeDomain(...args),
      archive_remove_before: (...args) => this.#removal.removeBefore(...args),
      archive_trim: (...args) => this.#removal.trim(...args),
      archive_part_page: (query) => this.#parts.page(query),
      archive_part_marks: (...args) => this.#parts.marks(...args),
      archive_part_owners: (...args) => this.#parts.owners(...args),
      archive_part_leave: (...args) => this.#removal.leaveUpTo(...args),
    };
  }

  /** Whether there is work that may wait. */
  get hasWork(): boolean {
    return (
      this.#indexing.hasWork || this.#search.hasWork || this.#owners.hidden.size > 0 || this.#names.hasWork
    );
  }

  /** Does some of the work that may wait. Writes. */
  work(): void {
    if (this.#search.hasWork) this.#search.index();
    else if (this.#indexing.hasWork) this.#indexing.flush();
    else if (this.#owners.hidden.size > 0) this.#removal.purge();
    else this.#names.purge();
  }

  /** Forgets what is known of the tables: a transaction was undone. */
  forget(): void {
    this.#jids.forget();
    this.#owners.forget();
    this.#indexing.forget();
    this.#search.forget();
    this.#names.forget();
  }
}
