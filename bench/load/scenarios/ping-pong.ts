import { connectPairs, settle, talkers, totals } from '../pairs.ts';
import { counted, type Scenario, type ScenarioContext, type ScenarioResult, sleep } from '../scenario.ts';

const WARM_UP_MS = 2_000;

/** Every message answers the one before: one is under way in each pair. */
export const pingPong: Scenario = (context) => run(context, false);

/** The same with stream management: every message is acknowledged. */
export const pingPongAcknowledged: Scenario = (context) => run(context, true);

async function run(context: ScenarioContext, isAcknowledged: boolean): Promise<ScenarioResult> {
  const all = talkers(await connectPairs(context, isAcknowledged));
  let isRunning = true;
  for (const talker of all) {
    talker.onMessage = () => {
      if (isRunning) talker.send();
    };
  }
  for (let n = 0; n < all.length; n += 2) all[n]!.send();
  await sleep(Math.min(WARM_UP_MS, context.seconds * 1_000));
  const before = totals(all).received;
  return await counted(context, async () => {
    await sleep(context.seconds * 1_000);
    const count = totals(all).received - before;
    isRunning = false;
    return { count, errors: totals(all).errors + (await settle(all)) };
  });
}
