import { Peer } from '../peer.ts';
import { counted, type Scenario, sleep } from '../scenario.ts';

const GROUPS = 20;
const LISTENERS = 20;
const WARM_UP_MS = 1_000;

/**
 * Fan-out: in each group one session changes its presence, and twenty others of the account hear it, as twenty contacts would. The next change
 * follows when the sender has its own copy back.
 */
export const presence: Scenario = async (context) => {
  let delivered = 0;
  let isRunning = true;
  const senders: Peer[] = [];
  for (let group = 0; group < GROUPS; group++) {
    for (let n = 0; n < LISTENERS; n++) {
      const listener = await Peer.login(group, 'localhost', `listener${n}`, context.port, true);
      listener.onStanza = (buffer, start) => {
        if (buffer[start + 1] === 0x70) delivered++;
      };
    }
    const sender = await Peer.login(group, 'localhost', 'sender', context.port, true);
    const change = Buffer.from(
      '<presence><show>away</show><status>out to lunch, back soon</status></presence>',
    );
    const own = Buffer.from(`from='${sender.jid}'`);
    sender.onStanza = (buffer, start, end) => {
      if (buffer[start + 1] !== 0x70) return;
      delivered++;
      // Only its own copy lets the next one go.
      const at = buffer.indexOf(own, start);
      if (at > 0 && at < end && isRunning) sender.send(change);
    };
    senders.push(sender);
    sender.send(change);
  }
  await sleep(WARM_UP_MS);
  return await counted(context, async () => {
    const before = delivered;
    await sleep(context.seconds * 1_000);
    const count = delivered - before;
    isRunning = false;
    return { count, errors: 0 };
  });
};
