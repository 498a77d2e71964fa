import { openLoop } from '../open-loop.ts';
import { connectPairs, settle, talkers, totals } from '../pairs.ts';
import { counted, type Scenario } from '../scenario.ts';

/**
 * Open loop: `amount` messages a second over all pairs, sent when their time has come whether or not the ones before have arrived.
 * Latency counts from the time a message was due, so that a server that stalls cannot hide it.
 */
export const rate: Scenario = async (context) => {
  const all = talkers(await connectPairs(context));
  const senders = all.filter((_talker, n) => n % 2 === 0);
  const dueMs = senders.map((): number[] => []);
  const latencies: number[] = [];
  senders.forEach((sender, s) => {
    all[sender.peer.number + 1]!.onMessage = (sequence) => {
      latencies.push(performance.now() - dueMs[s]![sequence]!);
    };
  });
  const run = (ms: number): Promise<void> =>
    openLoop(context.amount, ms, (number, due) => {
      const s = number % senders.length;
      dueMs[s]!.push(due);
      senders[s]!.send();
    });
  await run(1_000);
  await settle(all);
  latencies.length = 0;
  return await counted(context, async () => {
    const before = totals(all).received;
    await run(context.seconds * 1_000);
    const lost = await settle(all);
    const sorted = latencies.toSorted((a, b) => a - b);
    return { count: totals(all).received - before, errors: totals(all).errors + lost, latenciesMs: sorted };
  });
};
