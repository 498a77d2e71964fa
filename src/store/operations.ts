/**
 * What can be asked of the store, by name: arguments and result of each operation. This is the whole interface between shards and
 * storage; drivers implement it, `remote.ts` asks for it from a shard.
 *
 * Names of users and domains are prepared. Times are microseconds since the epoch unless the name says otherwise.
 */

/** A message kept for an absent user. */
export interface OfflineMessage {
  readonly id: number;
  readonly timestamp: number;
  /** Sender, full. */
  readonly from: string;
  /** The address it was sent to, bare or full. */
  readonly to: string;
  /** The stanza as UTF-8 XML, without `from` and `to`. */
  readonly packet: Uint8Array;
  /** Permanent keys of its accumulator: name and value. */
  readonly keys: readonly (readonly [string, unknown])[];
}

/** A session that fetches offline messages: shard, number, time. */
export type Claimant = readonly [shard: number, number: number, time: number];

export interface StoreOperations {
  account_get: { args: [domain: string, username: string]; result: string | null };
  account_insert: {
    args: [domain: string, username: string, details: string, now: number];
    result: 'ok' | 'exists';
  };
  account_update: { args: [domain: string, username: string, details: string]; result: boolean };
  account_remove: { args: [domain: string, username: string]; result: boolean };
  account_exists: { args: [domain: string, username: string]; result: boolean };
  account_remove_domain: { args: [domain: string]; result: number };
  /** Usernames after `after` in order, at most `limit`; only of accounts made until `createdMax`, unless that is null. */
  account_list: {
    args: [domain: string, after: string, limit: number, createdMax: number | null];
    result: string[];
  };
  account_count: { args: [domain: string]; result: number };

  /** `full` when the user has `messagesMax` messages or `bytesMax` bytes already (null: no limit); then nothing is stored. */
  offline_append: {
    args: [
      domain: string,
      username: string,
      message: Omit<OfflineMessage, 'id'>,
      expires: number | null,
      messagesMax: number | null,
      bytesMax: number | null,
    ];
    result: 'stored' | 'full';
  };
  /**
   * The oldest messages that are not expired, for the session that asks: at most `limit`, and of several no more than `bytesMax` together. They stay
   * stored until confirmed. `busy` while another session has some in its hands.
   */
  offline_claim: {
    args: [
      domain: string,
      username: string,
      claimant: Claimant,
      now: number,
      limit: number,
      bytesMax?: number,
    ];
    result: OfflineMessage[] | 'busy';
  };
  /** Deletes what a session was given and has delivered. Returns how many are left. */
  offline_confirm: {
    args: [domain: string, username: string, claimant: Claimant, ids: readonly number[]];
    result: number;
  };
  /** Gives up what a session was given and has not delivered. Returns whether there was anything. */
  offline_release: { args: [domain: string, username: string, claimant: Claimant]; result: boolean };
  offline_count: { args: [domain: string, username: string]; result: number };
  /** All messages of a user, for the export of personal data. */
  offline_list: { args: [domain: string, username: string, limit: number]; result: OfflineMessage[] };
  offline_remove_user: { args: [domain: string, username: string]; result: number };
  offline_remove_domain: { args: [domain: string]; result: number };
  /** Deletes expired messages of a domain, at most `limit` a call. */
  offline_remove_expired: { args: [domain: string, now: number, limit: number]; result: number };

  /** Private storage of modules: values by module, scope (a domain or a JID) and key. */
  value_get: { args: [module: string, scope: string, key: string]; result: unknown };
  value_set: { args: [module: string, scope: string, key: string, value: unknown]; result: null };
  value_delete: { args: [module: string, scope: string, key: string]; result: boolean };
  value_list: {
    args: [module: string, scope: string, after: string, limit: number];
    result: [key: string, value: unknown][];
  };
  /** Deletes everything that modules stored under a scope. */
  value_remove_scope: { args: [scope: string]; result: number };
  /** The same for a domain and all its users. */
  value_remove_domain: { args: [domain: string]; result: number };

  /** Gives up everything that sessions of a dead shard had claimed. */
  release_shard: { args: [shard: number]; result: number };
  /** Does nothing but pass through the whole way, a commit included. */
  ping: { args: []; result: null };
}

export type StoreOperation = keyof StoreOperations;
export type StoreArgs<O extends StoreOperation> = StoreOperations[O]['args'];
export type StoreResult<O extends StoreOperation> = StoreOperations[O]['result'];

/** Operations that write nothing: a batch of these needs no transaction. */
export const READ_ONLY: ReadonlySet<StoreOperation> = new Set([
  'account_get',
  'account_exists',
  'account_list',
  'account_count',
  'offline_claim',
  'offline_count',
  'offline_list',
  'value_get',
  'value_list',
  'offline_release',
  'release_shard',
]);

/** Operations that are right even if whoever asked has given up waiting. All others are not run after their deadline. */
export const RUN_LATE: ReadonlySet<StoreOperation> = new Set([
  'offline_confirm',
  'offline_release',
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
  close(): void;
}

/** The store did not do it: it is gone, overloaded, or its disk refuses. The message says which. */
export class StoreUnavailableError extends Error {}
