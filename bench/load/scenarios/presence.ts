import { Peer } from '../peer.ts';
import { counted, type Scenario, type ScenarioContext, sleep } from '../scenario.ts';

const GROUPS = 20;
const LISTENERS = 20;
const WARM_UP_MS = 1_000;
const PRESENCE = '<presence><show>away</show><status>out to lunch, back soon</status></presence>';

function connect({ isRelay, port }: ScenarioContext, group: number, resource: string): Promise<Peer> {
  return isRelay ? Peer.relayGroup(group, port) : Peer.login(group, 'localhost', resource, port, true);
}

/** As the server delivers it: the bare relay cannot add the addresses. */
function stamped(jid: string): string {
  return PRESENCE.replace('<presence', `<presence from='${jid}' to='${jid}'`);
}

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
      const listener = await connect(context, group, `listener${n}`);
      listener.onStanza = (buffer, start) => {
        if (buffer[start + 1] === 0x70) delivered++;
      };
    }
    const sender = await connect(context, group, 'sender');
    const own = Buffer.from(`from='${sender.jid}'`);
    const change = Buffer.from(context.isRelay ? stamped(sender.jid) : PRESENCE);
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
