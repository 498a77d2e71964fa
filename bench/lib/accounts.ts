import { makePasswordDetails } from '../../src/auth/derive.ts';
import { openDatabase } from '../../src/store/sqlite/database.ts';

export const BENCH_PASSWORD = 'secret';

/** Contacts of each user where rosters are made. */
export const CONTACTS = 20;

/** The name of account number `n`. */
export function accountName(n: number): string {
  return `u${String(n).padStart(6, '0')}`;
}

/**
 * Puts accounts straight into the storage directory of a server that does not run. All share one salt, so that making ten thousand takes no
 * longer than making one.
 */
export function createAccounts(directory: string, domain: string, count: number): void {
  const details = makePasswordDetails(BENCH_PASSWORD, ['sha', 'sha256'], 4096)!;
  const db = openDatabase(directory, 'normal');
  const insert = db.prepare(
    'INSERT OR IGNORE INTO users (server, username, pass_details, created_at) VALUES (?, ?, ?, ?)',
  );
  db.transaction(() => {
    for (let n = 0; n < count; n++) insert.run(domain, accountName(n), details, Date.now() * 1000);
  })();
  db.close();
}

/** Makes {@link CONTACTS} contacts for each of so many accounts: those whose numbers are next to its own. All see each other. */
export function createRosters(directory: string, domain: string, count: number): void {
  const db = openDatabase(directory, 'normal');
  const insert = db.prepare(
    `INSERT INTO roster_item (server, username, jid, nick, subscription, ask, askmessage, approved, listed, groups, xs, created_at)
     VALUES (?, ?, ?, 'A contact', 'B', 'N', '', 0, 1, '[]', '', ?)`,
  );
  db.transaction(() => {
    for (let n = 0; n < count; n++) {
      for (let step = 1; step <= CONTACTS / 2; step++) {
        for (const other of [n + step, n - step + count]) {
          insert.run(domain, accountName(n), `${accountName(other % count)}@${domain}`, Date.now() * 1000);
        }
      }
    }
  })();
  db.close();
}
