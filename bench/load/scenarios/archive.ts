import { accountName } from '../../lib/accounts.ts';
import { ARCHIVED_USERS } from '../../lib/archives.ts';
import { connectPairs, settle, talkers, totals } from '../pairs.ts';
import { Peer } from '../peer.ts';
import { counted, type Scenario, type ScenarioContext, type ScenarioResult, sleep } from '../scenario.ts';

const NS_MAM = 'urn:xmpp:mam:2';
const NS_RSM = 'http://jabber.org/protocol/rsm';
const WARM_UP_MS = 2_000;
const PAGE = 50;
const READERS = 20;

/** Like the stream with a window, to a server that archives: it counts until all is archived. */
export const archivedStream: Scenario = (context) => run(context, false);

/** The same with stream management: every message is acknowledged, which is when it is on the disk. */
export const archivedStreamAcknowledged: Scenario = (context) => run(context, true);

async function run(context: ScenarioContext, isAcknowledged: boolean): Promise<ScenarioResult> {
  const peers = await connectPairs(context, isAcknowledged);
  const all = talkers(peers);
  const half = Math.max(1, context.amount >> 1);
  let isRunning = true;
  for (let n = 0; n < all.length; n += 2) {
    const sender = all[n]!;
    const receiver = all[n + 1]!;
    receiver.onMessage = () => {
      if (isRunning && receiver.received % half === 0) sender.sendMany(half);
    };
  }
  for (let n = 0; n < all.length; n += 2) all[n]!.sendMany(half * 2);
  await sleep(Math.min(WARM_UP_MS, context.seconds * 1_000));
  const before = totals(all).received;
  return await counted(context, async () => {
    await sleep(context.seconds * 1_000);
    isRunning = false;
    const lost = await settle(all);
    const count = totals(all).received - before;
    // The store answers behind everything that it was given before.
    await Promise.all(peers.map((peer) => peer.request(`<metadata xmlns='${NS_MAM}'/>`)));
    return { count, errors: totals(all).errors + lost };
  });
}

/** `amount` pages of fifty, the first of archives of about a thousand messages each: counted is each page. */
export const firstPages: Scenario = (context) => readPages(context, 2, ARCHIVED_USERS - 2, {});

/** The same from the deep archives of two users, page after page. */
export const deepPages: Scenario = (context) => readPages(context, 0, 2, { goesOn: true });

/** The same from the deep archive of one user, who has written to many; and of what he has written to one of them. */
export const widePages: Scenario = (context) => readPages(context, 0, 1, { goesOn: true });
export const pagesWithOne: Scenario = (context) => readPages(context, 0, 1, { goesOn: true, peer: 1 });

/** What pages are read. */
interface Reading {
  /** Page after page, rather than the first one again and again. */
  readonly goesOn?: boolean;
  /** Only those with this user. */
  readonly peer?: number;
}

async function readPages(
  context: ScenarioContext,
  firstUser: number,
  users: number,
  reading: Reading,
): Promise<ScenarioResult> {
  const readers: Reader[] = [];
  for (let n = 0; n < READERS; n++) {
    const user = firstUser + (n % users);
    readers.push(new Reader(await Peer.login(user, 'localhost', `reader${n}`, context.port, false), reading));
  }
  const each = Math.max(1, Math.floor(context.amount / READERS));
  await Promise.all(readers.map((reader) => reader.read(Math.min(each, 20))));
  return await counted(context, async () => {
    const errors = await Promise.all(readers.map((reader) => reader.read(each)));
    return { count: each * READERS, errors: errors.reduce((sum, one) => sum + one, 0) };
  });
}

/** Reads page after page, or the first one again and again. */
class Reader {
  readonly #peer: Peer;
  readonly #reading: Reading;
  #after = '';
  #results = 0;

  constructor(peer: Peer, reading: Reading) {
    this.#peer = peer;
    this.#reading = reading;
    peer.onStanza = (buffer, start) => {
      if (buffer[start + 1] === 0x6d) this.#results++;
    };
  }

  /** Reads so many pages; returns how many were not full and not the last. */
  async read(pages: number): Promise<number> {
    let errors = 0;
    for (let n = 0; n < pages; n++) {
      this.#results = 0;
      const answer = await this.#peer.request(this.#query(), 'set');
      const isLast = answer.includes("complete='true'");
      if (this.#results !== PAGE && !isLast) errors++;
      this.#after = isLast || this.#reading.goesOn !== true ? '' : (/<last>([^<]*)</.exec(answer)?.[1] ?? '');
    }
    return errors;
  }

  #form(): string {
    const { peer } = this.#reading;
    if (peer === undefined) return '';
    const type = `<field var='FORM_TYPE' type='hidden'><value>${NS_MAM}</value></field>`;
    const name = `<field var='with'><value>${accountName(peer)}@localhost</value></field>`;
    return `<x xmlns='jabber:x:data' type='submit'>${type}${name}</x>`;
  }

  #query(): string {
    const after = this.#after === '' ? '' : `<after>${this.#after}</after>`;
    return `<query xmlns='${NS_MAM}'>${this.#form()}<set xmlns='${NS_RSM}'><max>${PAGE}</max>${after}</set></query>`;
  }
}
