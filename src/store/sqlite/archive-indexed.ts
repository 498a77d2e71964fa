import type { IdRange } from './archive-ids.ts';
import {
  type ArchiveSelection,
  countSql,
  mergeSql,
  type Place,
  type PlaceParameters,
  parametersOf,
  partsOf,
} from './archive-selection.ts';
import type { Statements } from './statements.ts';

/** Messages that indexes alone can tell: everything, or what was exchanged with a peer. */
export class IndexedSelection implements ArchiveSelection {
  readonly #statements: Statements;
  readonly #place: Place;

  constructor(statements: Statements, place: Place) {
    this.#statements = statements;
    this.#place = place;
  }

  ids(range: IdRange, isBackward: boolean, limit: number): bigint[] {
    const sql = `${mergeSql(partsOf(this.#place), isBackward, ['id'])} LIMIT :limit`;
    return this.#values(sql).all({ ...parametersOf(this.#place, range), limit });
  }

  count(range: IdRange): number {
    return Number(this.#values(countSql(partsOf(this.#place))).get(parametersOf(this.#place, range)));
  }

  nth(range: IdRange, skipped: number): bigint | undefined {
    const sql = `${mergeSql(partsOf(this.#place), false, ['id'])} LIMIT 1 OFFSET :limit`;
    return this.#values(sql).get({ ...parametersOf(this.#place, range), limit: skipped });
  }

  #values(sql: string) {
    return this.#statements.values<[PlaceParameters & { limit?: number }], bigint>(sql);
  }
}
