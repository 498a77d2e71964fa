import { ArchiveSide } from '../../src/store/operations.ts';
import { partitionOf } from '../../src/store/partitions/pair.ts';
import { prepareArchive } from '../../src/store/sqlite/archive-layout.ts';
import { openDriver } from '../../src/store/sqlite/open-driver.ts';
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
export function createArchives(
  directory: string,
  domain: string,
  count: number,
  { partitions = 1, deepPeers = 1 }: { readonly partitions?: number; readonly deepPeers?: number } = {},
): void {
  prepareArchive(directory, partitions, 'normal');
  const drivers = Array.from({ length: partitions }, (_unused, i) => openDriver(directory, 'normal', i));
  const start = Date.now() * 1_000 - count * STEP;
  const bytes = messageTo(`${accountName(0)}@${domain}`, 0);
  const packet = Stanza.of(parseElement(bytes, 0, bytes.length)).toBuffer('', '');
  for (let done = 0; done < count; done += BATCH) {
    const records = Array.from({ length: Math.min(BATCH, count - done) }, (_unused, i) => {
      const [from, to] = pairOf(done + i, deepPeers);
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
    for (const [partition, driver] of drivers.entries()) {
      driver.begin();
      const own = records.filter(
        ({ from, to }) => partitionOf(bare(from), bare(to), partitions) === partition,
      );
      driver.run('archive_append', [own]);
      driver.commit();
    }
  }
  for (const driver of drivers) driver.close();
}

function bare(jid: string): string {
  return jid.split('/', 1)[0]!;
}

/** Who writes to whom: a tenth the first user, to so many others, the others all in turn. */
function pairOf(n: number, deepPeers: number): [number, number] {
  const turn = Math.round(1 / DEEP_SHARE);
  if (n % turn === 0) return [0, 1 + ((n / turn) % deepPeers)];
  const from = 2 + (n % (ARCHIVED_USERS - 2));
  return [from, 2 + ((from * 7 + n) % (ARCHIVED_USERS - 2))];
}
