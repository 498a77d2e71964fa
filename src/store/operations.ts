import { ACCOUNT_READS, type AccountOperations } from './operations/accounts.ts';
import { ARCHIVE_READS, type ArchiveOperations } from './operations/archive.ts';
import { ARCHIVE_PART_READS, type ArchivePartOperations } from './operations/archive-parts.ts';
import { AUTH_TOKEN_READS, type AuthTokenOperations } from './operations/auth-tokens.ts';
import { BLOCKLIST_READS, type BlocklistOperations } from './operations/blocklist.ts';
import { FAST_TOKEN_READS, type FastTokenOperations } from './operations/fast-tokens.ts';
import { INBOX_READS, type InboxOperations } from './operations/inbox.ts';
import { LAST_READS, type LastOperations } from './operations/last.ts';
import { OFFLINE_LATE, OFFLINE_READS, type OfflineOperations } from './operations/offline.ts';
import { OFFLINE_MARKER_READS, type OfflineMarkerOperations } from './operations/offline-markers.ts';
import { PRIVACY_READS, type PrivacyOperations } from './operations/privacy.ts';
import { PRIVATE_READS, type PrivateOperations } from './operations/private.ts';
import { PUSH_READS, type PushOperations } from './operations/push.ts';
import { ROSTER_READS, type RosterOperations } from './operations/rosters.ts';
import { SMART_MARKER_READS, type SmartMarkerOperations } from './operations/smart-markers.ts';
import { VALUE_READS, type ValueOperations } from './operations/values.ts';
import { VCARD_READS, type VcardOperations } from './operations/vcard.ts';
import type { WriteOperations } from './operations/writes.ts';

export { type StoreFailure, StoreUnavailableError } from './failure.ts';
export type * from './operations/archive.ts';
export { ArchiveSide } from './operations/archive.ts';
export type * from './operations/archive-parts.ts';
export type { BlocklistEntry } from './operations/blocklist.ts';
export type { FastToken, FastTokens } from './operations/fast-tokens.ts';
export type * from './operations/inbox.ts';
export type { LastActivity } from './operations/last.ts';
export {
  type Claimant,
  type ClaimedMessages,
  DIGEST_BYTES,
  type ImportedMessage,
  type OfflineMessage,
} from './operations/offline.ts';
export type * from './operations/offline-markers.ts';
export type { PrivacyChange, StoredPrivacyItem, StoredPrivacyList } from './operations/privacy.ts';
export type { PushSubscription } from './operations/push.ts';
export type * from './operations/rosters.ts';
export type * from './operations/smart-markers.ts';
export { VCARD_FIELDS, type VcardCondition, type VcardField, type VcardMatch } from './operations/vcard.ts';

/**
 * What can be asked of the store, by name: arguments and result of each operation, a file for each subject. This is the whole interface between shards and
 * storage; drivers implement it, `remote.ts` asks for it from a shard.
 *
 * Names of users and domains are prepared. Times are microseconds since the epoch unless the name says otherwise.
 */
export interface StoreOperations
  extends AccountOperations,
    ArchiveOperations,
    ArchivePartOperations,
    AuthTokenOperations,
    BlocklistOperations,
    FastTokenOperations,
    InboxOperations,
    LastOperations,
    OfflineMarkerOperations,
    OfflineOperations,
    PrivacyOperations,
    PrivateOperations,
    PushOperations,
    RosterOperations,
    SmartMarkerOperations,
    ValueOperations,
    VcardOperations,
    WriteOperations {
  /** Gives up everything that sessions of a shard had claimed that died then (microseconds); younger ones are of the shard in its place. */
  release_shard: { args: [shard: number, diedAt: number]; result: number };
  /** Does nothing but pass through the whole way, a commit included. */
  ping: { args: []; result: null };
}

export type StoreOperation = keyof StoreOperations;
export type StoreArgs<O extends StoreOperation> = StoreOperations[O]['args'];
export type StoreResult<O extends StoreOperation> = StoreOperations[O]['result'];

/** Operations that write nothing: a batch of these needs no transaction. */
export const READ_ONLY: ReadonlySet<StoreOperation> = new Set<StoreOperation>([
  ...ACCOUNT_READS,
  ...ARCHIVE_READS,
  ...ARCHIVE_PART_READS,
  ...AUTH_TOKEN_READS,
  ...FAST_TOKEN_READS,
  ...INBOX_READS,
  ...LAST_READS,
  ...BLOCKLIST_READS,
  ...OFFLINE_MARKER_READS,
  ...OFFLINE_READS,
  ...PRIVATE_READS,
  ...PRIVACY_READS,
  ...PUSH_READS,
  ...ROSTER_READS,
  ...SMART_MARKER_READS,
  ...VALUE_READS,
  ...VCARD_READS,
  'release_shard',
]);

/** Operations that are right even if whoever asked has given up waiting. All others are not run after their deadline. */
export const RUN_LATE: ReadonlySet<StoreOperation> = new Set<StoreOperation>([
  ...OFFLINE_LATE,
  'release_shard',
]);

/** A store of one kind. One thread owns it; calls are synchronous. */
export interface StoreDriver {
  /** Runs an operation. Throws if it fails. Writes become durable with {@link commit}. */
  run<O extends StoreOperation>(operation: O, args: StoreArgs<O>): StoreResult<O>;
  /** Opens a batch of writes. */
  begin(): void;
  /** Whether a batch is open. An operation that fails may have undone it, with all that was in it. */
  readonly isOpen: boolean;
  /** Makes the batch durable. Throws if it cannot; then the batch is undone. */
  commit(): void;
  /** Whether there is work that may wait until nobody asks for anything. */
  readonly hasWork?: boolean;
  /** Does some of it, in a batch of its own, and makes that durable. Throws if it cannot; then nothing of it is done. */
  work?(): void;
  close(): void;
}
