import { DIGEST_BYTES } from '../operations/offline.ts';
import type { Sqlite } from './database.ts';

/** Messages of one account that are remembered as taken from files. Of more the first are forgotten: a file of that size can be taken in parts. */
const REMEMBERED_MAX = 65_536;

/** Which messages of other servers an account was given: their digests. */
export class Digests {
  readonly #texts: Set<string>;
  isChanged = false;

  constructor(bytes: Buffer | undefined) {
    this.#texts = new Set();
    for (let i = 0; bytes !== undefined && i + DIGEST_BYTES <= bytes.length; i += DIGEST_BYTES)
      this.#texts.add(bytes.latin1Slice(i, i + DIGEST_BYTES));
  }

  has(digest: Uint8Array): boolean {
    return this.#texts.has(textOf(digest));
  }

  add(digest: Uint8Array): void {
    this.isChanged = true;
    this.#texts.add(textOf(digest));
  }

  toBytes(): Buffer {
    return Buffer.from([...this.#texts].slice(-REMEMBERED_MAX).join(''), 'latin1');
  }
}

function textOf(digest: Uint8Array): string {
  return Buffer.from(digest).latin1Slice(0, DIGEST_BYTES);
}

/**
 * What accounts were given of files of other servers (XEP-0227), so that a file which is read again brings nothing twice, although the account's user may have got it
 * meanwhile: 12 bytes for each message.
 */
export class ImportedMessages {
  readonly #get;
  readonly #set;
  readonly #removeUser;
  readonly #removeDomain;

  constructor(db: Sqlite) {
    this.#get = db
      .prepare<[string, string], Buffer>(
        'SELECT digests FROM offline_imported WHERE server = ? AND username = ?',
      )
      .pluck();
    this.#set = db.prepare<[string, string, Buffer]>(
      'INSERT OR REPLACE INTO offline_imported (server, username, digests) VALUES (?, ?, ?)',
    );
    this.#removeUser = db.prepare<[string, string]>(
      'DELETE FROM offline_imported WHERE server = ? AND username = ?',
    );
    this.#removeDomain = db.prepare<[string]>('DELETE FROM offline_imported WHERE server = ?');
  }

  of(domain: string, username: string): Digests {
    return new Digests(this.#get.get(domain, username));
  }

  keep(domain: string, username: string, digests: Digests): void {
    if (digests.isChanged) this.#set.run(domain, username, digests.toBytes());
  }

  removeUser(domain: string, username: string): void {
    this.#removeUser.run(domain, username);
  }

  removeDomain(domain: string): void {
    this.#removeDomain.run(domain);
  }
}
