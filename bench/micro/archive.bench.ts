import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArchivePageQuery, ArchiveRecord } from '../../src/store/operations.ts';
import { SqliteDriver } from '../../src/store/sqlite/driver.ts';
import { type MicroBench, measure } from '../lib/micro.ts';

/** Archives in the store thread, disk included: messages of 283 bytes between any two of a thousand users, and pages of 50. */

const USERS = 1_000;
/** Somebody with an archive of a thousand pages and more. */
const TALKATIVE = 'mercutio@localhost';
const TEXT =
  'but soft what light through yonder window breaks it is the east and juliet is the sun arise fair sun';
const BYTES = 283;

/** Whose messages go to whom is the same in every run. */
class Senders {
  #state = 1;
  #micros = 1_800_000_000_000_000;

  next(fields: Partial<ArchiveRecord> = {}): ArchiveRecord {
    // An archive of a thousand pages has taken its time.
    this.#micros += fields.from === TALKATIVE ? 1_000_000 : 40;
    return {
      micros: this.#micros,
      shard: this.#below(2),
      sides: 3,
      from: `user${this.#below(USERS)}@localhost/orchard`,
      to: `user${this.#below(USERS)}@localhost`,
      packet: packet(this.#below(5_000)),
      originId: null,
      isGroupchat: false,
      ...fields,
    };
  }

  #below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (this.#state >>> 8) % limit;
  }
}

function packet(n: number): Buffer {
  const start = `<message type='chat' id='m${n}'><body>${TEXT} ${n}`;
  const end = "</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>";
  return Buffer.from(start.padEnd(BYTES - end.length) + end);
}

function append(
  driver: SqliteDriver,
  senders: Senders,
  count: number,
  fields?: Partial<ArchiveRecord>,
): void {
  driver.begin();
  driver.run('archive_append', [Array.from({ length: count }, () => senders.next(fields))]);
  driver.commit();
}

function archive(driver: SqliteDriver, count: number, isSearchable: boolean): () => number {
  const senders = new Senders();
  return () => {
    append(driver, senders, count, { isSearchable });
    if (isSearchable) while (driver.hasWork) driver.work();
    return count;
  };
}

/** An archive to read from: every user's, and the talkative one's. Returns an id a thousand pages into his. */
function fill(driver: SqliteDriver, messages: number, pages: number): bigint {
  const senders = new Senders();
  for (let i = 0; i < messages; i += 500) append(driver, senders, 500);
  for (let i = 0; i < pages; i++) append(driver, senders, 50, { from: TALKATIVE });
  while (driver.hasWork) driver.work();
  const last = driver.run('archive_page', [query({ owner: TALKATIVE, isBackward: true })]);
  return last.messages[0]!.id;
}

function query(fields: Partial<ArchivePageQuery>): ArchivePageQuery {
  return {
    owner: 'user1@localhost',
    includeGroupchat: true,
    isBackward: false,
    limit: 50,
    isCounted: false,
    ...fields,
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
        for (const size of [16, 64, 256])
          add(`archive ${size} messages (full)`, archive(open('full'), size, false));
        add('archive 64 messages (normal)', archive(open('normal'), 64, false));
        add('archive 64 messages and their words (normal)', archive(open('normal'), 64, true));
        const driver = open('normal');
        const anchor = fill(driver, smoke ? 2_000 : 200_000, smoke ? 20 : 1_002);
        const pages: [string, Partial<ArchivePageQuery>][] = [
          ['first page of 50', {}],
          ['first page of 50, counted', { isCounted: true }],
          ['last page of 50', { isBackward: true }],
          ['page with somebody', { with: { bare: 'user2@localhost' } }],
          ['first of 1,000 pages', { owner: TALKATIVE }],
          ['thousandth page', { owner: TALKATIVE, pageAfter: anchor }],
          ['thousandth page, counted', { owner: TALKATIVE, pageAfter: anchor, isCounted: true }],
        ];
        for (const [name, fields] of pages)
          add(name, () => driver.run('archive_page', [query(fields)]).messages.length);
      },
      1,
    );
  } finally {
    for (const driver of drivers) driver.close();
    for (const directory of directories) rmSync(directory, { recursive: true });
  }
};
