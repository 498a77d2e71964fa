import { createDirectory, SessionDirectory, SessionList } from '../../src/memory/directory.ts';
import { hashJid } from '../../src/sm/jid-hash.ts';
import { type Jid, parseJid } from '../../src/xmpp/jid.ts';
import { type MicroBench, measure } from '../lib/micro.ts';

/** Looking up sessions, as every message does, and entering and leaving, as every login does. */

const SESSIONS = 100_000;
const SEED = { low: 1_234_567, high: 7_654_321 };

function jid(user: number): Jid {
  const parsed = parseJid(`user${user}@localhost/resource`)!;
  hashJid(parsed, SEED);
  return parsed;
}

export const run: MicroBench = ({ smoke }) =>
  measure(smoke, (add) => {
    const sessions = smoke ? 100 : SESSIONS;
    const directory = new SessionDirectory(createDirectory(SESSIONS * 2), SESSIONS * 2);
    directory.adopt(0);
    const enter = (user: Jid, number: number): number =>
      directory.insert(
        user.bareLow,
        user.bareHigh,
        user.fullLow,
        user.fullHigh,
        0,
        number,
        number,
        user.full,
      );
    const known = Array.from({ length: sessions }, (_unused, i) => jid(i));
    for (const [i, user] of known.entries()) enter(user, i);
    const stranger = jid(sessions);
    const list = new SessionList();
    let next = 0;
    // Another account each time: what lies in the processor's cache would flatter.
    const other = (): Jid => {
      next = (next + 7_919) % sessions;
      return known[next]!;
    };
    const what = `of ${sessions.toLocaleString('en')}`;
    add(`find a full address ${what}`, () => {
      const { bareLow, bareHigh, fullLow, fullHigh } = other();
      return directory.findFull(bareLow, bareHigh, fullLow, fullHigh) ? directory.number : 0;
    });
    add(`find an account's sessions ${what}`, () => {
      const { bareLow, bareHigh } = other();
      return directory.findBare(bareLow, bareHigh, list);
    });
    add('find nobody', () => directory.findBare(stranger.bareLow, stranger.bareHigh, list));
    add('enter and leave', () => {
      const handle = enter(stranger, 1);
      directory.remove(handle);
      return handle;
    });
  });
