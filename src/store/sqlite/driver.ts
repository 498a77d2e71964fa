import type { ArchiveOperations } from '../operations/archive.ts';
import type { ArchivePartOperations } from '../operations/archive-parts.ts';
import type { WriteOperations } from '../operations/writes.ts';
import type { StoreArgs, StoreOperation, StoreResult } from '../operations.ts';
import { Accounts } from './accounts.ts';
import { Archive } from './archive.ts';
import { AuthTokens } from './auth-tokens.ts';
import { Blocklist } from './blocklist.ts';
import { type Durability, openDatabase, type Sqlite } from './database.ts';
import { FastTokens } from './fast-tokens.ts';
import { FileDriver } from './file-driver.ts';
import { Inboxes } from './inbox.ts';
import { LastActivities } from './last-activity.ts';
import { ModuleValues } from './module-values.ts';
import { OfflineMarkers } from './offline-markers.ts';
import { OfflineMessages } from './offline-messages.ts';
import { PrivacyLists } from './privacy-lists.ts';
import { PrivateStorage } from './private-storage.ts';
import { PushSubscriptions } from './push-subscriptions.ts';
import { Rosters } from './rosters.ts';
import { SmartMarkers } from './smart-markers.ts';
import { Vcards } from './vcards.ts';

/** Everything that is neither of archives nor of batches, and of every file (`file-driver.ts`). */
type Table = {
  [O in Exclude<
    StoreOperation,
    keyof ArchiveOperations | keyof ArchivePartOperations | keyof WriteOperations | 'ping'
  >]: (...args: StoreArgs<O>) => StoreResult<O>;
};

/** The embedded store: one SQLite file that has all tables. */
export class SqliteDriver extends FileDriver {
  constructor(directory: string, durability: Durability) {
    const db = openDatabase(directory, durability);
    const offline = new OfflineMessages(db);
    super(db, { archive: new Archive(db), offline, operations: tableOf(db, offline) });
  }
}

function tableOf(db: Sqlite, offline: OfflineMessages): Table {
  const markers = new SmartMarkers(db);
  return {
    ...new Accounts(db).operations(),
    ...new AuthTokens(db).operations(),
    ...new FastTokens(db).operations(),
    ...offline.operations(),
    ...new Rosters(db).operations(),
    ...new ModuleValues(db).operations(),
    ...new LastActivities(db).operations(),
    ...new PrivateStorage(db).operations(),
    ...new Vcards(db).operations(),
    ...new PrivacyLists(db).operations(),
    ...new Blocklist(db).operations(),
    ...new Inboxes(db).operations(),
    ...markers.operations(),
    ...new OfflineMarkers(db, markers).operations(),
    ...new PushSubscriptions(db).operations(),
    release_shard: (...args) => offline.claims.releaseShard(...args),
  };
}
