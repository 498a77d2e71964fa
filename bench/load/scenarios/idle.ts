import { atATime } from '../at-a-time.ts';
import type { Channel } from '../channel.ts';
import { Peer } from '../peer.ts';
import { counted, type Scenario, type ScenarioContext, type ScenarioResult, sleep } from '../scenario.ts';

const AT_A_TIME = 32;
/**
 * Sessions that are there before memory is read for the first time. Their logins load code, warm caches, start the threads that derive keys and let
 * allocators take their reserves: about 180 MiB in all, the same for ten thousand sessions as for three. That is not what a session costs. They stay,
 * so that nothing is given back which those that are counted could use.
 */
const WARM_UP_SESSIONS = 3_000;

/** `amount` sessions that are bound and available, and then do nothing. The orchestrator reads the server's memory before and after. */
export const idle: Scenario = (context) => run(context, false, 'plain');

/** The same with stream management enabled. */
export const idleAcknowledged: Scenario = (context) => run(context, true, 'plain');

/** The same over TLS. */
export const idleTls: Scenario = (context) => run(context, false, 'tls');

/** The same over TLS whose keys are agreed on by X25519MLKEM768. */
export const idlePostQuantum: Scenario = (context) => run(context, false, 'tls-post-quantum');

async function run(
  context: ScenarioContext,
  isAcknowledged: boolean,
  channel: Channel,
): Promise<ScenarioResult> {
  const login = async (n: number, resource: string): Promise<void> => {
    const peer = await Peer.login(n, 'localhost', resource, context.port, true, 'PLAIN', channel);
    if (isAcknowledged) await peer.enable();
  };
  await atATime(Math.min(WARM_UP_SESSIONS, context.amount), AT_A_TIME, (n) => login(n, 'warm'));
  await sleep(3_000);
  return await counted(context, async () => {
    await atATime(context.amount, AT_A_TIME, (n) => login(n, 'idle'));
    // Garbage of the logins goes.
    await sleep(3_000);
    return { count: context.amount, errors: 0 };
  });
}
