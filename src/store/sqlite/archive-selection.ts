import type { IdRange } from './archive-ids.ts';

/** The messages of one archive that a filter means, by their ids. */
export interface ArchiveSelection {
  /** The first ids of a range, or the last ones from its end. */
  ids(range: IdRange, isBackward: boolean, limit: number): bigint[];
  count(range: IdRange): number;
  /** The id with so many others before it in the range. */
  nth(range: IdRange, skipped: number): bigint | undefined;
}

/** A part of the messages that are meant: entries of one index, in the order of ids, so that parts can be merged. */
interface Part {
  readonly index: string;
  readonly where: string;
}

/** Where messages are looked for: all of an owner's, or only those with a peer. */
export interface Place {
  readonly owner: number;
  readonly peer: number | undefined;
  readonly includeGroupchat: boolean;
}

/** Parameters of all statements made here. */
export interface PlaceParameters {
  readonly owner: number;
  readonly peer: number | null;
  readonly low: bigint;
  readonly high: bigint;
}

export function parametersOf({ owner, peer }: Place, { low, high }: IdRange): PlaceParameters {
  return { owner, peer: peer ?? null, low, high };
}

/** What the owner sent and what he received, each from its index. All conditions are answered by the index alone. */
export function partsOf({ peer, includeGroupchat }: Place): Part[] {
  if (peer !== undefined) {
    const kind = includeGroupchat ? '' : ' AND is_groupchat = 0';
    return [
      {
        where: `sender = :owner AND recipient = :peer AND sent IS NOT NULL${kind}`,
        index: 'mam_conversation',
      },
      {
        where: `sender = :peer AND recipient = :owner AND received IS NOT NULL${kind}`,
        index: 'mam_conversation',
      },
    ];
  }
  // Each kind is a range of its own in the index: together they would not be in the order of ids.
  return (includeGroupchat ? [0, 1] : [0]).flatMap((kind) => [
    { where: `sent = :owner AND is_groupchat = ${kind}`, index: 'mam_sent' },
    { where: `received = :owner AND is_groupchat = ${kind}`, index: 'mam_received' },
  ]);
}

/** Rows of all parts between two ids, in the order of ids: SQLite merges them, reading no further than it has to. */
export function mergeSql(parts: readonly Part[], isBackward: boolean, columns: readonly string[]): string {
  const selects = parts.map(
    ({ index, where }, i) =>
      `SELECT ${columns[i % columns.length]} FROM mam_message INDEXED BY ${index} WHERE ${where} AND id BETWEEN :low AND :high`,
  );
  return `${selects.join(' UNION ALL ')} ORDER BY id ${isBackward ? 'DESC' : 'ASC'}`;
}

/** How many rows all parts have between two ids. */
export function countSql(parts: readonly Part[]): string {
  const counts = parts.map(
    ({ index, where }) =>
      `(SELECT count(*) FROM mam_message INDEXED BY ${index} WHERE ${where} AND id BETWEEN :low AND :high)`,
  );
  return `SELECT ${counts.join(' + ')}`;
}
