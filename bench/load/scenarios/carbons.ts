import { messageTo } from '../frames.ts';
import { Peer } from '../peer.ts';
import { counted, type Scenario, sleep } from '../scenario.ts';

const PAIRS = 20;
/** Devices of an account beside the one that talks; each wants carbons. */
const OTHERS = 4;
const WARM_UP_MS = 1_000;
const ENABLE = "<iq type='set' id='carbons'><enable xmlns='urn:xmpp:carbons:2'/></iq>";

/** An account: the device that talks, and how many copies each of the others has got. */
interface Account {
  readonly talker: Peer;
  readonly copies: number[];
}

async function connect(number: number, port: number): Promise<Account> {
  const talker = await Peer.login(number, 'localhost', 'talker', port, true);
  const copies: number[] = [];
  for (let n = 0; n < OTHERS; n++) {
    const device = await Peer.login(number, 'localhost', `device${n}`, port, true);
    copies.push(0);
    let isEnabled: () => void = () => {};
    const enabled = new Promise<void>((resolve) => {
      isEnabled = resolve;
    });
    device.onStanza = (buffer, start) => {
      if (buffer[start + 1] === 0x6d) copies[n]!++;
      else if (buffer[start + 1] === 0x69) isEnabled();
    };
    device.send(ENABLE);
    await enabled;
  }
  return { talker, copies };
}

/**
 * Fan-out of carbons: pairs of accounts, of which one device each talks to the other, answering every message with one of its own; four more devices of each
 * account get a copy of both sides. Counted is each delivery: the message and its eight copies.
 */
export const carbons: Scenario = async ({ port, seconds, ...context }) => {
  let isRunning = true;
  let messages = 0;
  const pairs: { readonly accounts: readonly [Account, Account]; count: number }[] = [];
  for (let n = 0; n < PAIRS; n++) {
    const accounts = [await connect(n * 2, port), await connect(n * 2 + 1, port)] as const;
    const pair = { accounts, count: 0 };
    pairs.push(pair);
    accounts.forEach(({ talker }, i) => {
      const answer = messageTo(accounts[1 - i]!.talker.jid, n);
      talker.onStanza = (buffer, start) => {
        if (buffer[start + 1] !== 0x6d) return;
        messages++;
        pair.count++;
        if (isRunning) talker.send(answer);
      };
    });
  }
  for (const { accounts } of pairs) accounts[0].talker.send(messageTo(accounts[1].talker.jid, 0));
  await sleep(Math.min(WARM_UP_MS, seconds * 1_000));
  return await counted({ ...context, port, seconds }, async () => {
    const delivered = (): number => {
      const copies = pairs.flatMap(({ accounts }) => accounts.flatMap((account) => account.copies));
      return messages + copies.reduce((sum, count) => sum + count, 0);
    };
    const before = delivered();
    await sleep(seconds * 1_000);
    const count = delivered() - before;
    isRunning = false;
    // What is under way arrives; then every device has every message of its pair once.
    await sleep(500);
    let errors = 0;
    for (const pair of pairs) {
      for (const copies of pair.accounts.flatMap((account) => account.copies))
        errors += Math.abs(copies - pair.count);
    }
    return { count, errors };
  });
};
