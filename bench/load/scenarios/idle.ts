import { Peer } from '../peer.ts';
import { counted, type Scenario, sleep } from '../scenario.ts';

const AT_A_TIME = 32;

/** `amount` sessions that are bound and available, and then do nothing. The orchestrator reads the server's memory before and after. */
export const idle: Scenario = async (context) => {
  // The first logins load code and warm caches: they are not what a session costs.
  const warmUp: Peer[] = [];
  for (let n = 0; n < 64; n++) warmUp.push(await Peer.login(n, 'localhost', 'warm', context.port, true));
  for (const peer of warmUp) peer.close();
  await sleep(1_000);
  return await counted(context, async () => {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < context.amount) await Peer.login(next++, 'localhost', 'idle', context.port, true);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    // Garbage of the logins goes.
    await sleep(3_000);
    return { count: context.amount, errors: 0 };
  });
};
