import { ArchiveSide } from '../../src/store/operations.ts';
import { SqliteDriver } from '../../src/store/sqlite/driver.ts';
import { Stanza } from '../../src/xmpp/stanza.ts';
import { parseElement } from '../../src/xmpp/trusted-xml.ts';
import { messageTo } from '../load/frames.ts';
import { accountName } from './accounts.ts';

/** Accounts that have archives. */
export const ARCHIVED_USERS = 1_000;
/** The share of all messages that are between the first two users: their archives are deep. */
const DEEP_SHARE = 0.1;
/** Messages in one transaction. */
const BATCH = 1_000;
/** Time between two messages, in microseconds. */
const STEP = 1_000_000;

/** Puts `count` messages of {@link ARCHIVED_USERS} users into the storage directory of a server that does not run. */
export function createArchives(directory: string, domain: string, count: number): void {
  const driver = new SqliteDriver(directory, 'normal');
  const start = Date.now() * 1_000 - count * STEP;
  const bytes = messageTo(`${accountName(0)}@${domain}`, 0);
  const packet = Stanza.of(parseElement(bytes, 0, bytes.length)).toBuffer('', '');
  for (let done = 0; done < count; done += BATCH) {
    driver.begin();
    const records = Array.from({ length: Math.min(BATCH, count - done) }, (_unused, i) => {
      const [from, to] = pairOf(done + i);
      return {
        micros: start + (done + i) * STEP,
        shard: 0,
        sides: ArchiveSide.SENDER | ArchiveSide.RECIPIENT,
        from: `${accountName(from)}@${domain}/bench`,
        to: `${accountName(to)}@${domain}/bench`,
        packet,
        originId: null,
        isGroupchat: false,
      };
    });
    driver.run('archive_append', [records]);
    driver.commit();
  }
  driver.close();
}

/** Who writes to whom: a tenth the first two users, the others all in turn. */
function pairOf(n: number): [number, number] {
  if (n % Math.round(1 / DEEP_SHARE) === 0) return [0, 1];
  const from = 2 + (n % (ARCHIVED_USERS - 2));
  return [from, 2 + ((from * 7 + n) % (ARCHIVED_USERS - 2))];
}
