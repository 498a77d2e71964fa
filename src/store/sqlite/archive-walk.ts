import { ARCHIVE_QUERY_MS_MAX } from '../../limits.ts';
import { monotonicMs } from '../../util/monotonic.ts';
import type { IdRange } from './archive-ids.ts';
import {
  type ArchiveSelection,
  mergeSql,
  type Place,
  type PlaceParameters,
  parametersOf,
  partsOf,
} from './archive-selection.ts';
import type { Statements } from './statements.ts';

/** Candidates that are fetched by one statement: between two of them, the time is looked at. */
const STEP = 1_024;

/** A message that may be meant, and whether it is. */
type Candidate = [id: bigint, isMeant: bigint];

/** What is looked for beside the place. */
interface Search {
  /** In the language of FTS5, or undefined. */
  readonly match: string | undefined;
  /** The peer's resource, or undefined. */
  readonly resource: string | undefined;
}

interface Parameters extends PlaceParameters {
  readonly match: string | null;
  readonly resource: string | null;
  readonly limit: number;
}

/**
 * Messages that have to be looked at one by one: those with certain words, or of one resource of a peer. Only the owner's are looked at; if he has too many of them, the
 * query fails after a while (threat T64).
 */
export class WalkedSelection implements ArchiveSelection {
  readonly #statements: Statements;
  readonly #place: Place;
  readonly #search: Search;
  readonly #deadlineMs = monotonicMs() + ARCHIVE_QUERY_MS_MAX;

  constructor(statements: Statements, place: Place, search: Search) {
    this.#statements = statements;
    this.#place = place;
    this.#search = search;
  }

  ids(range: IdRange, isBackward: boolean, limit: number): bigint[] {
    const ids: bigint[] = [];
    this.#walk(range, isBackward, (id) => {
      if (ids.length < limit) ids.push(id);
      return ids.length < limit;
    });
    return ids;
  }

  count(range: IdRange): number {
    let count = 0;
    this.#walk(range, false, () => {
      count++;
      return true;
    });
    return count;
  }

  nth(range: IdRange, skipped: number): bigint | undefined {
    let left = skipped;
    let found: bigint | undefined;
    this.#walk(range, false, (id) => {
      if (left-- > 0) return true;
      found = id;
      return false;
    });
    return found;
  }

  /** Shows each message that is meant, until told to stop. */
  #walk(range: IdRange, isBackward: boolean, visit: (id: bigint) => boolean): void {
    const { match = null, resource = null } = this.#search;
    const sql = match === null ? this.#conversationSql(isBackward) : this.#wordsSql(isBackward);
    const statement = this.#statements.rows<[Parameters], Candidate>(sql);
    let rest = range;
    for (;;) {
      const step = statement.all({ ...parametersOf(this.#place, rest), match, resource, limit: STEP });
      for (const [id, isMeant] of step) if (isMeant === 1n && !visit(id)) return;
      if (step.length < STEP) return;
      const last = step.at(-1)![0];
      rest = isBackward ? { low: rest.low, high: last - 1n } : { low: last + 1n, high: rest.high };
      if (monotonicMs() > this.#deadlineMs)
        throw new Error('too many messages would have to be looked at for this query');
    }
  }

  #conversationSql(isBackward: boolean): string {
    // The parts come in this order: what was sent, what was received.
    const columns = [
      'id, recipient_resource IS :resource AS is_meant',
      'id, sender_resource IS :resource AS is_meant',
    ];
    return `${mergeSql(partsOf(this.#place), isBackward, columns)} LIMIT :limit`;
  }

  #wordsSql(isBackward: boolean): string {
    const { peer, includeGroupchat } = this.#place;
    const { resource } = this.#search;
    const to = resource === undefined ? '' : ' AND m.recipient_resource IS :resource';
    const from = resource === undefined ? '' : ' AND m.sender_resource IS :resource';
    const isWith =
      peer === undefined
        ? ''
        : ` AND ((m.sender = :owner AND m.recipient = :peer${to}) OR (m.sender = :peer AND m.recipient = :owner${from}))`;
    const kind = includeGroupchat ? '' : ' AND m.is_groupchat = 0';
    // No join may go the other way round, and the index gives the order.
    return `SELECT s.rowid, ((m.sent = :owner OR m.received = :owner)${isWith}${kind}) IS TRUE
      FROM mam_search AS s CROSS JOIN mam_message AS m ON m.id = s.rowid
      WHERE s.mam_search MATCH :match AND s.rowid BETWEEN :low AND :high
      ORDER BY s.rowid ${isBackward ? 'DESC' : 'ASC'} LIMIT :limit`;
  }
}
