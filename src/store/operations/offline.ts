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

/** What a session is given of its user's messages. */
export interface ClaimedMessages {
  readonly messages: readonly OfflineMessage[];
  /** Nothing else was stored. */
  readonly areAll: boolean;
}

/** A message that another server had kept. */
export interface ImportedMessage {
  readonly message: Omit<OfflineMessage, 'id'>;
  readonly expires: number | null;
  /** {@link DIGEST_BYTES} bytes. */
  readonly digest: Uint8Array;
}

export const DIGEST_BYTES = 12;

/** Messages for absent users. */
export interface OfflineOperations {
  /**
   * Nothing is stored when the answer is `full`: the user has `messagesMax` messages or `bytesMax` bytes already (null: no limit); or `gone`: the account was
   * removed after the message was sent.
   */
  offline_append: {
    args: [
      domain: string,
      username: string,
      message: Omit<OfflineMessage, 'id'>,
      expires: number | null,
      messagesMax: number | null,
      bytesMax: number | null,
    ];
    result: 'stored' | 'full' | 'gone';
  };
  /**
   * The oldest messages that are not expired, for the session that asks: at most `limit`, and of several no more than `bytesMax` together. They stay
   * stored until confirmed. `heldBy`: another session has them in its hands.
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
    result: ClaimedMessages | { readonly heldBy: Claimant };
  };
  /** Deletes what a session was given and has delivered. Returns how many are left. */
  offline_confirm: {
    args: [domain: string, username: string, claimant: Claimant, ids: readonly number[]];
    result: number;
  };
  /** Gives up what a session was given and has not delivered. Returns whether there was anything. */
  offline_release: { args: [domain: string, username: string, claimant: Claimant]; result: boolean };
  /** A session that has messages in hand goes on as another claimant. False if it had none. */
  offline_pass: { args: [domain: string, username: string, from: Claimant, to: Claimant]; result: boolean };
  offline_count: { args: [domain: string, username: string]; result: number };
  /** All messages of a user, the expired ones among them, in the order of delivery: behind `after` (null: from the first on), at most `limit`, and of several no more than `bytesMax` together. */
  offline_page: {
    args: [
      domain: string,
      username: string,
      after: readonly [timestamp: number, id: number] | null,
      limit: number,
      bytesMax: number,
    ];
    result: OfflineMessage[];
  };
  /**
   * Messages that another server had kept, within the limits of `offline_append`. What was taken once is not taken again (`known`), also when it has been delivered
   * meanwhile: the digest says whether two are the same.
   */
  offline_import: {
    args: [
      domain: string,
      username: string,
      messages: readonly ImportedMessage[],
      messagesMax: number | null,
      bytesMax: number | null,
    ];
    result: ('stored' | 'known' | 'full')[];
  };
  offline_remove_user: { args: [domain: string, username: string]; result: number };
  offline_remove_domain: { args: [domain: string]; result: number };
  /** Deletes expired messages of a domain, at most `limit` a call. */
  offline_remove_expired: { args: [domain: string, now: number, limit: number]; result: number };
  /** Deletes messages of a domain that were sent before a time, of at most `limit` users whose names come behind `after`. `next`: the last of these; null if there are no more. */
  offline_remove_old: {
    args: [domain: string, after: string, before: number, limit: number];
    result: { removed: number; next: string | null };
  };
}

/** Those that write nothing. */
export const OFFLINE_READS = [
  'offline_claim',
  'offline_count',
  'offline_page',
  'offline_release',
  'offline_pass',
] as const satisfies readonly (keyof OfflineOperations)[];

/** Those that are right even if whoever asked has given up waiting. */
export const OFFLINE_LATE = [
  'offline_confirm',
  'offline_release',
  'offline_pass',
] as const satisfies readonly (keyof OfflineOperations)[];
