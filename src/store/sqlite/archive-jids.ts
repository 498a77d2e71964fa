import { GenerationCache } from '../../util/generation-cache.ts';
import type { Sqlite } from './database.ts';

/** JIDs whose numbers are remembered, and numbers whose JIDs are. */
const JIDS_MAX = 65_536;

/** Bare JIDs as numbers (`mam_jid`). */
export class ArchiveJids {
  readonly #numbers = new GenerationCache<string, number>(JIDS_MAX);
  readonly #names = new GenerationCache<number, string>(JIDS_MAX);
  readonly #find;
  readonly #insert;
  readonly #name;

  constructor(db: Sqlite) {
    this.#find = db.prepare<[string, string], { id: number }>(
      'SELECT id FROM mam_jid WHERE server = ? AND user_name = ?',
    );
    this.#insert = db.prepare<[string, string]>('INSERT INTO mam_jid (server, user_name) VALUES (?, ?)');
    this.#name = db.prepare<[number], { server: string; user_name: string }>(
      'SELECT server, user_name FROM mam_jid WHERE id = ?',
    );
  }

  /** The number of a bare JID, if it ever got one. */
  find(bare: string): number | undefined {
    const known = this.#numbers.get(bare);
    if (known !== undefined) return known;
    const found = this.#find.get(...partsOf(bare))?.id;
    if (found !== undefined) this.#numbers.set(bare, found);
    return found;
  }

  /** The number of a bare JID; it gets one if it has none. */
  number(bare: string): number {
    const known = this.find(bare);
    if (known !== undefined) return known;
    const made = Number(this.#insert.run(...partsOf(bare)).lastInsertRowid);
    this.#numbers.set(bare, made);
    return made;
  }

  /** The bare JID of a number that {@link number} gave. */
  name(number: number): string {
    const known = this.#names.get(number);
    if (known !== undefined) return known;
    const row = this.#name.get(number);
    if (row === undefined) throw new Error(`the archive has no JID ${number}`);
    const name = row.user_name === '' ? row.server : `${row.user_name}@${row.server}`;
    this.#names.set(number, name);
    return name;
  }

  /** Nobody uses a number any more, and it was taken away. */
  gone(bare: string, number: number): void {
    this.#numbers.delete(bare);
    this.#names.delete(number);
  }

  /** A transaction was undone: numbers that it gave may be given to others. */
  forget(): void {
    this.#numbers.clear();
    this.#names.clear();
  }
}

/** The bare JID in a full one: the first slash begins the resource (RFC 7622 §3.1). */
export function bareOf(jid: string): string {
  const slash = jid.indexOf('/');
  return slash < 0 ? jid : jid.slice(0, slash);
}

/** The resource of a JID; null without one. */
export function resourceOf(jid: string): string | null {
  const slash = jid.indexOf('/');
  return slash < 0 ? null : jid.slice(slash + 1);
}

/** Domain and local part (empty: none) of a bare JID. */
export function partsOf(bare: string): [server: string, username: string] {
  const at = bare.indexOf('@');
  return at < 0 ? [bare, ''] : [bare.slice(at + 1), bare.slice(0, at)];
}
