import type { MarkerCode } from './smart-markers.ts';

/** Chat markers were sent to somebody who was not there: in a thread (empty: in none), of a room (a bare JID; empty: by users). */
export type MissedMarker = readonly [
  domain: string,
  username: string,
  thread: string,
  room: string,
  timestamp: number,
];

/** A conversation in which a user has missed markers, and the time of the last one. */
export type MissedConversation = readonly [thread: string, room: string, latest: number];

/** A marker that is to be delivered now. */
export interface MarkerToDeliver {
  readonly thread: string;
  /** Empty: it was sent to the user himself. */
  readonly room: string;
  /** Bare JID. */
  readonly from: string;
  readonly code: MarkerCode;
  readonly msgId: string;
  readonly timestamp: number;
}

/** In which conversations absent users have missed chat markers. The markers themselves are those of `smart-markers.ts`. */
export interface OfflineMarkerOperations {
  /** Notes conversations; from when on markers are missed stays as it was noted first. Beyond the limit for each user nothing is noted. */
  offline_markers_note: { args: [missed: readonly MissedMarker[]]; result: null };
  /** The last markers that a user has missed, by conversation and sender; of more than `limit` in a conversation the youngest. */
  offline_markers_get: {
    args: [domain: string, username: string, limit: number];
    result: { readonly conversations: MissedConversation[]; readonly markers: MarkerToDeliver[] };
  };
  /** Forgets conversations in which nothing was missed after `latest`. Returns how many. */
  offline_markers_delivered: {
    args: [domain: string, username: string, conversations: readonly MissedConversation[]];
    result: number;
  };
  /** For the export of personal data. */
  offline_markers_list: {
    args: [domain: string, username: string];
    result: { readonly thread: string; readonly room: string; readonly since: number }[];
  };
  offline_markers_remove_user: { args: [domain: string, username: string]; result: number };
  /** Deletes at most `limit`. Returns how many. */
  offline_markers_remove_domain: { args: [domain: string, limit: number]; result: number };
}

/** Those that write nothing. */
export const OFFLINE_MARKER_READS = [
  'offline_markers_get',
  'offline_markers_list',
] as const satisfies readonly (keyof OfflineMarkerOperations)[];

/** Conversations of one user in which markers are missed. */
export const MISSED_MAX = 1_000;
