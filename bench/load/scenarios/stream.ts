import { connectPairs, settle, talkers, totals } from '../pairs.ts';
import { counted, type Scenario, type ScenarioContext, type ScenarioResult, sleep } from '../scenario.ts';

const WARM_UP_MS = 2_000;

/** One direction in each pair, with a window of `amount` messages under way: half a window received lets half a window go. */
export const stream: Scenario = (context) => run(context, false);

/** The same with stream management: every message is acknowledged. */
export const streamAcknowledged: Scenario = (context) => run(context, true);

async function run(context: ScenarioContext, isAcknowledged: boolean): Promise<ScenarioResult> {
  const all = talkers(await connectPairs(context, isAcknowledged));
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
    const count = totals(all).received - before;
    isRunning = false;
    return { count, errors: totals(all).errors + (await settle(all)) };
  });
}
