import { openLoop } from '../open-loop.ts';
import { connectPairs, settle, talkers, totals } from '../pairs.ts';
import { counted, type Scenario, sleep } from '../scenario.ts';

const REQUEST = "<r xmlns='urn:xmpp:sm:3'/>";
const WARM_UP_MS = 2_000;

/**
 * Open loop like {@link rate}, but what is measured is how long senders wait for the acknowledgement of a message (XEP-0198), which they ask for behind each: with an archive that is when the
 * message is on the disk.
 */
export const acknowledgedRate: Scenario = async (context) => {
  const peers = await connectPairs(context, true);
  const all = talkers(peers);
  const senders = all.filter((_talker, n) => n % 2 === 0);
  const latencies: number[] = [];
  const waiting = senders.map((sender) => {
    const dueMs: number[] = [];
    let handled = 0;
    sender.peer.onAcknowledged = (h) => {
      const now = performance.now();
      for (const due of dueMs.splice(0, h - handled)) latencies.push(now - due);
      handled = h;
    };
    return dueMs;
  });
  const run = (ms: number): Promise<void> =>
    openLoop(context.amount, ms, (number, due) => {
      const s = number % senders.length;
      waiting[s]!.push(due);
      senders[s]!.send();
      senders[s]!.peer.send(REQUEST);
    });
  const acknowledged = async (): Promise<number> => {
    const until = Date.now() + 5_000;
    const unanswered = (): number => waiting.reduce((sum, { length }) => sum + length, 0);
    while (unanswered() > 0 && Date.now() < until) await sleep(20);
    return unanswered();
  };
  await run(Math.min(WARM_UP_MS, context.seconds * 1_000));
  await acknowledged();
  latencies.length = 0;
  return await counted(context, async () => {
    const before = totals(all).received;
    await run(context.seconds * 1_000);
    const lost = (await settle(all)) + (await acknowledged());
    const sorted = latencies.toSorted((a, b) => a - b);
    return { count: totals(all).received - before, errors: totals(all).errors + lost, latenciesMs: sorted };
  });
};
