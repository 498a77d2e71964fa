import { ID_MAX, type IdRange } from './archive-ids.ts';
import type { ArchiveRows } from './archive-rows.ts';
import type { Sqlite } from './database.ts';

/**
 * Which messages their owners may see. Those of an account that was removed are hidden at once, however many there are; they are deleted little by little
 * (`archive-removal.ts`), also if the process ends meanwhile.
 */
export class ArchiveOwners {
  readonly #rows: ArchiveRows;
  readonly #hide;
  readonly #show;
  readonly #list;
  /** Up to which id the messages of an owner are hidden. Nearly always empty. Undefined: not read yet. */
  #hidden: Map<number, bigint> | undefined;

  constructor(db: Sqlite, rows: ArchiveRows) {
    this.#rows = rows;
    this.#hide = db.prepare<[number, bigint]>(
      `INSERT INTO mam_removed (owner, up_to) VALUES (?, ?)
       ON CONFLICT (owner) DO UPDATE SET up_to = max(up_to, excluded.up_to)`,
    );
    this.#show = db.prepare<[number]>('DELETE FROM mam_removed WHERE owner = ?');
    this.#list = db
      .prepare<[], [owner: bigint, upTo: bigint]>('SELECT owner, up_to FROM mam_removed')
      .safeIntegers(true)
      .raw(true);
  }

  /** The part of a range that an owner sees. */
  visible(owner: number, range: IdRange): IdRange {
    const upTo = this.hidden.get(owner);
    return upTo === undefined || upTo < range.low ? range : { low: upTo + 1n, high: range.high };
  }

  /** Whether a message is in an owner's archive. */
  sees(owner: number, id: bigint): boolean {
    if (id < 0n || id > ID_MAX) return false;
    const upTo = this.hidden.get(owner);
    return (upTo === undefined || id > upTo) && this.#rows.has(owner, id);
  }

  /** Owners with hidden messages. */
  get hidden(): ReadonlyMap<number, bigint> {
    this.#hidden ??= new Map(this.#list.all().map(([owner, upTo]) => [Number(owner), upTo]));
    return this.#hidden;
  }

  hide(owner: number, upTo: bigint): void {
    this.#hide.run(owner, upTo);
    this.#hidden = undefined;
  }

  /** The hidden messages are gone. */
  show(owner: number): void {
    this.#show.run(owner);
    this.#hidden = undefined;
  }

  /** A transaction was undone. */
  forget(): void {
    this.#hidden = undefined;
  }
}
