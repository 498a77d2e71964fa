import { ARCHIVE_QUERY_MS_MAX } from '../../limits.ts';
import { monotonicMs } from '../../util/monotonic.ts';
import type { IdRange } from './archive-ids.ts';
import { wordsOf } from './archive-search.ts';
import { mergeSql, type Place, type PlaceParameters, parametersOf, partsOf } from './archive-selection.ts';
import type { Statements } from './statements.ts';

/** Messages that are read by one statement: between two of them, the time is looked at. */
const STEP = 128;

type Row = [id: bigint, isMeant: bigint, packet: Buffer];

/**
 * Of the messages whose words may not be indexed yet, those that have certain words: they are read and looked at. Only the owner's are. Their ids, oldest first. Throws
 * if it takes too long.
 */
export function unindexedWith(
  statements: Statements,
  place: Place,
  range: IdRange,
  words: readonly string[],
  resource: string | undefined,
): bigint[] {
  const deadlineMs = monotonicMs() + ARCHIVE_QUERY_MS_MAX;
  const statement = statements.rows<[PlaceParameters & { resource: string | null; limit: number }], Row>(
    sqlOf(place, resource),
  );
  const found: bigint[] = [];
  let rest = range;
  for (;;) {
    const rows = statement.all({ ...parametersOf(place, rest), resource: resource ?? null, limit: STEP });
    for (const [id, isMeant, packet] of rows) if (isMeant === 1n && hasAll(packet, words)) found.push(id);
    if (rows.length < STEP) return found;
    rest = { low: rows.at(-1)![0] + 1n, high: rest.high };
    if (monotonicMs() > deadlineMs) throw new Error('too many messages have not been indexed yet');
  }
}

function sqlOf(place: Place, resource: string | undefined): string {
  // The parts come in this order: what was sent, what was received.
  const columns = ['recipient_resource', 'sender_resource'].map((column) => {
    const isMeant = resource === undefined ? '' : ` AND ${column} IS :resource`;
    return `id, (is_searchable${isMeant}) IS TRUE AS is_meant, packet`;
  });
  return `${mergeSql(partsOf(place), false, columns)} LIMIT :limit`;
}

function hasAll(packet: Buffer, words: readonly string[]): boolean {
  const own = new Set(wordsOf(packet));
  return words.every((word) => own.has(word));
}
