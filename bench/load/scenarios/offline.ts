import { messageTo } from '../frames.ts';
import { Peer } from '../peer.ts';
import { counted, type Scenario } from '../scenario.ts';

const SENDERS = 20;
const RECIPIENTS = 100;
const FIRST_RECIPIENT = 1_000;

/** Messages are stored for absent users, then the users come and get them. Counted: both, per message. */
export const offline: Scenario = async (context) => {
  const perRecipient = Math.max(1, Math.floor(context.amount / RECIPIENTS));
  const total = perRecipient * RECIPIENTS;
  const senders: Peer[] = [];
  for (let n = 0; n < SENDERS; n++)
    senders.push(await Peer.login(n, 'localhost', 'sender', context.port, true));
  const recipients: Peer[] = [];
  for (let n = 0; n < RECIPIENTS; n++) {
    recipients.push(await Peer.login(FIRST_RECIPIENT + n, 'localhost', 'recipient', context.port, false));
  }
  let received = 0;
  let errors = 0;
  let awaited = 0;
  let allReceived: () => void = () => {};
  for (const recipient of recipients) {
    recipient.onStanza = (buffer, start) => {
      if (buffer[start + 1] !== 0x6d) return;
      if (++received === awaited) allReceived();
    };
  }
  for (const sender of senders) {
    sender.onStanza = (buffer, start, end) => {
      const text = buffer.latin1Slice(start, end);
      if (text.includes("type='error'")) errors++;
    };
  }

  const storeAndFetch = async (): Promise<number> => {
    received = 0;
    awaited = total;
    const done = new Promise<void>((resolve) => {
      allReceived = resolve;
    });
    for (let i = 0; i < perRecipient; i++) {
      const waits: Promise<unknown>[] = [];
      recipients.forEach((recipient, n) => {
        const sender = senders[n % SENDERS]!;
        sender.send(messageTo(recipient.jid.split('/')[0]!, i));
      });
      // A request that is answered behind them keeps senders from running ahead without bound.
      for (const sender of senders) waits.push(sender.ping());
      await Promise.all(waits);
    }
    for (const recipient of recipients) recipient.send('<presence/>');
    const timer = setTimeout(allReceived, 20_000);
    await done;
    clearTimeout(timer);
    for (const recipient of recipients) recipient.send("<presence type='unavailable'/>");
    await Promise.all(recipients.map((recipient) => recipient.ping()));
    return total - received;
  };

  // The first pass lets the code get warm: it is not what a message costs a server that runs.
  errors += await storeAndFetch();
  return await counted(context, async () => {
    errors += await storeAndFetch();
    return { count: total, errors };
  });
};
