import type { InboxChange } from '../../src/store/operations.ts';
import { SqliteDriver } from '../../src/store/sqlite/driver.ts';
import { messageTo } from '../load/frames.ts';
import { accountName } from './accounts.ts';

/** Accounts that have inboxes. */
export const INBOX_USERS = 1_000;
/** Conversations of each. */
export const CONVERSATIONS = 100;
/** Changes in one transaction. */
const BATCH = 1_000;

/** Gives {@link INBOX_USERS} users {@link CONVERSATIONS} conversations each, in the storage directory of a server that does not run. */
export function createInboxes(directory: string, domain: string): void {
  const driver = new SqliteDriver(directory, 'normal');
  const start = Date.now() * 1_000 - INBOX_USERS * CONVERSATIONS * 1_000;
  let changes: InboxChange[] = [];
  const flush = (): void => {
    driver.begin();
    driver.run('inbox_write', [changes]);
    driver.commit();
    changes = [];
  };
  for (let n = 0; n < INBOX_USERS * CONVERSATIONS; n++) {
    const user = accountName(n % INBOX_USERS);
    const peer = `${accountName((n * 7) % INBOX_USERS)}.${Math.floor(n / INBOX_USERS)}@${domain}`;
    const text = messageTo(`${user}@${domain}`, n).toString('latin1');
    const content = Buffer.from(
      text.replace('<message', `<message xmlns='jabber:client' from='${peer}/bench'`),
    );
    changes.push(['message', domain, user, peer, start + n * 1_000, `${n}`, content, false, 1]);
    if (changes.length === BATCH) flush();
  }
  if (changes.length > 0) flush();
  driver.close();
}
