/** Kinds of chat markers (XEP-0333), as they are kept: received, displayed, acknowledged. */
export type MarkerCode = 'R' | 'D' | 'A';

/** A user, or a room, by domain and localpart. */
export type MarkerParty = readonly [domain: string, local: string];

/** The last marker of a kind that a user has sent to a peer in a thread (empty: in none). */
export type MarkerRecord = readonly [
  domain: string,
  username: string,
  toDomain: string,
  toLocal: string,
  thread: string,
  code: MarkerCode,
  msgId: string,
  timestamp: number,
];

export interface StoredMarker {
  /** Bare JID. */
  readonly from: string;
  readonly code: MarkerCode;
  readonly msgId: string;
  readonly timestamp: number;
}

/** A marker with where it was sent to, for the export of personal data. */
export interface ExportedMarker extends Omit<StoredMarker, 'from'> {
  readonly to: string;
  readonly thread: string;
}

/** Whose markers are wanted: the user's own to the peer, those of both, or those of everybody to the peer (a room). */
export type MarkerScope = 'own' | 'both' | 'all';

/** The last chat markers of conversations. */
export interface SmartMarkerOperations {
  /** Keeps markers; of two in the same place the later one. */
  smart_markers_write: { args: [records: readonly MarkerRecord[]]; result: null };
  /** Markers of a thread that are younger than `after`, by sender and time; of more than `limit` the youngest. */
  smart_markers_get: {
    args: [
      user: MarkerParty,
      peer: MarkerParty,
      scope: MarkerScope,
      thread: string,
      after: number,
      limit: number,
    ];
    result: StoredMarker[];
  };
  /** All that a user has sent, for the export of personal data. */
  smart_markers_list: { args: [domain: string, username: string]; result: ExportedMarker[] };
  /** Deletes what was sent to a room by anybody but these (bare JIDs). */
  smart_markers_keep_members: { args: [room: MarkerParty, members: readonly string[]]; result: number };
  /** Deletes all that was sent to a room. */
  smart_markers_forget_room: { args: [room: MarkerParty]; result: number };
  /** Deletes what a user has sent, and what others have sent to him. */
  smart_markers_remove_user: { args: [domain: string, username: string]; result: number };
  /** The same for all users of a domain; at most `limit`. Returns how many. */
  smart_markers_remove_domain: { args: [domain: string, limit: number]; result: number };
}

/** Those that write nothing. */
export const SMART_MARKER_READS = [
  'smart_markers_get',
  'smart_markers_list',
] as const satisfies readonly (keyof SmartMarkerOperations)[];

/** Markers of one user that are kept. With more, the oldest go. */
export const MARKERS_MAX = 10_000;
