import type { ArchiveJids } from './archive-jids.ts';
import type { Sqlite } from './database.ts';

/** Names that may be in use no more, of which it is remembered. With more of them all names are looked at. */
const CANDIDATES_MAX = 10_000;
/** Names that are looked at in one step. */
const STEP = 200;

/**
 * Where a number of `mam_jid` is used. Every message that is in the indexes is found by its sender, by the archive that received it, or as one that none has
 * received; so this may be asked only when no message waits to be indexed.
 */
const IS_USED = `
  EXISTS (SELECT 1 FROM mam_message WHERE sender = j.id AND (sent IS NOT NULL OR received IS NOT NULL))
  OR EXISTS (SELECT 1 FROM mam_message WHERE received = j.id)
  OR EXISTS (SELECT 1 FROM mam_message WHERE recipient = j.id AND received IS NULL AND sent IS NOT NULL)
  OR EXISTS (SELECT 1 FROM mam_config WHERE user_id = j.id)
  OR EXISTS (SELECT 1 FROM mam_removed WHERE owner = j.id)
  OR EXISTS (SELECT 1 FROM mam_muc_message WHERE room_id = j.id)
  OR EXISTS (SELECT 1 FROM mam_muc_message WHERE sender_id = j.id)`;

/**
 * Names go when no archive needs them any more: of users who were removed, and of whoever they talked to. In steps, when there is nothing else to do. Who may be in
 * use no more is noted when messages are deleted; what an earlier process has noted is not known, so all names are looked at once after the start.
 */
export class ArchiveNames {
  readonly #jids: ArchiveJids;
  readonly #unused;
  readonly #next;
  readonly #newest;
  readonly #delete;
  readonly #forgetLast;
  readonly #keepLast;
  readonly #candidates = new Set<number>();
  /** Up to which number all names have been looked at. Undefined: that is not done at present. */
  #sweptTo: number | undefined = 0;
  #hasLooked = false;

  constructor(db: Sqlite, jids: ArchiveJids) {
    this.#jids = jids;
    this.#unused = db
      .prepare<[number], string>(
        `SELECT CASE user_name WHEN '' THEN server ELSE user_name || '@' || server END
         FROM mam_jid j WHERE j.id = ? AND server <> '' AND NOT (${IS_USED})`,
      )
      .pluck(true);
    this.#next = db
      .prepare<[number, number], number>('SELECT id FROM mam_jid WHERE id > ? ORDER BY id LIMIT ?')
      .pluck(true);
    this.#newest = db.prepare<[], number | null>('SELECT max(id) FROM mam_jid').pluck(true);
    this.#delete = db.prepare<[number]>('DELETE FROM mam_jid WHERE id = ?');
    this.#forgetLast = db.prepare<[]>("DELETE FROM mam_jid WHERE server = '' AND user_name = ''");
    this.#keepLast = db.prepare<[number]>("UPDATE mam_jid SET server = '', user_name = '' WHERE id = ?");
    if (this.#newest.get() === null) this.#sweptTo = undefined;
  }

  /** Somebody may be in use no more. */
  note(number: number): void {
    if (this.#candidates.size < CANDIDATES_MAX) this.#candidates.add(number);
    else this.#sweptTo = 0;
  }

  get hasWork(): boolean {
    return this.#candidates.size > 0 || this.#sweptTo !== undefined;
  }

  /** Looks at some names. Writes. Only when no message waits to be indexed. */
  purge(): void {
    let looked = 0;
    this.#hasLooked = true;
    for (const number of this.#candidates) {
      if (looked++ === STEP) return;
      this.#candidates.delete(number);
      this.#look(number);
    }
    if (this.#sweptTo === undefined) return;
    const numbers = this.#next.all(this.#sweptTo, STEP - looked);
    for (const number of numbers) this.#look(number);
    if (looked < STEP) this.#sweptTo = numbers.at(-1);
  }

  #look(number: number): void {
    const name = this.#unused.get(number);
    if (name === undefined) return;
    if (this.#newest.get() === number) {
      // Its number would be given to the next one: but words that are searched for have it before them for a while.
      this.#forgetLast.run();
      this.#keepLast.run(number);
    } else this.#delete.run(number);
    this.#jids.gone(name, number);
  }

  /** A transaction was undone: what was looked at last may have stayed. */
  forget(): void {
    if (this.#hasLooked) this.#sweptTo = 0;
    this.#hasLooked = false;
  }
}
