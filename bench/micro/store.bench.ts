import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Claimant, OfflineMessage } from '../../src/store/operations.ts';
import { SqliteDriver } from '../../src/store/sqlite/driver.ts';
import { type MicroBench, measure } from '../lib/micro.ts';

/** The store thread's work, disk included: messages for absent users, some in one transaction, and their way out again. */

const DOMAIN = 'localhost';
const CLAIMANT: Claimant = [0, 1, 1];
const MESSAGE: Omit<OfflineMessage, 'id'> = {
  timestamp: 1_800_000_000_000_000,
  from: 'romeo@localhost/orchard',
  to: 'juliet@localhost',
  packet: Buffer.from(`<message type='chat'><body>${'x'.repeat(200)}</body></message>`),
  keys: [],
};

/** Stores that many messages in one transaction, for a few users in turns; then they are fetched and deleted, not to grow for ever. */
function commit(driver: SqliteDriver, messages: number): () => number {
  let next = 0;
  return () => {
    driver.begin();
    for (let i = 0; i < messages; i++) {
      const user = `user${next++ % 64}`;
      driver.run('offline_append', [DOMAIN, user, MESSAGE, null, null, null]);
    }
    driver.commit();
    return messages;
  };
}

function storeAndFetch(driver: SqliteDriver, messages: number): () => number {
  return () => {
    driver.begin();
    for (let i = 0; i < messages; i++)
      driver.run('offline_append', [DOMAIN, 'juliet', MESSAGE, null, 500, 8_388_608]);
    driver.commit();
    const claimed = driver.run('offline_claim', [DOMAIN, 'juliet', CLAIMANT, 0, messages]);
    if ('heldBy' in claimed) throw new Error('held by another session');
    const found = claimed.messages;
    driver.begin();
    driver.run('offline_confirm', [DOMAIN, 'juliet', CLAIMANT, found.map(({ id }) => id)]);
    driver.commit();
    return found.length;
  };
}

export const run: MicroBench = async ({ smoke }) => {
  const directories: string[] = [];
  const drivers: SqliteDriver[] = [];
  const open = (durability: 'full' | 'normal'): SqliteDriver => {
    const directory = mkdtempSync(join(tmpdir(), 'mk-bench-'));
    directories.push(directory);
    const driver = new SqliteDriver(directory, durability);
    drivers.push(driver);
    return driver;
  };
  try {
    return await measure(
      smoke,
      (add) => {
        for (const durability of ['full', 'normal'] as const) {
          const driver = open(durability);
          add(`commit of 1 message (${durability})`, commit(driver, 1));
          add(`commit of 64 messages (${durability})`, commit(driver, 64));
          add(`store, fetch, delete 64 messages (${durability})`, storeAndFetch(driver, 64));
        }
        const accounts = open('normal');
        accounts.begin();
        accounts.run('account_insert', [DOMAIN, 'juliet', 'x'.repeat(900), 1]);
        accounts.commit();
        add('read an account', () => accounts.run('account_get', [DOMAIN, 'juliet'])!.length);
      },
      1,
    );
  } finally {
    for (const driver of drivers) driver.close();
    for (const directory of directories) rmSync(directory, { recursive: true });
  }
};
