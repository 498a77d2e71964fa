import { CONVERSATIONS, INBOX_USERS } from '../../lib/inboxes.ts';
import { Peer } from '../peer.ts';
import { counted, type Scenario } from '../scenario.ts';

/** Clients that read at a time. */
const READERS = 20;
const QUESTION = "<iq type='set' id='inbox'><inbox xmlns='erlang-solutions.com:xmpp:inbox:0'/></iq>";

/** Clients read their whole inboxes, one after the other. Counted: inboxes. */
export const inbox: Scenario = async (context) => {
  const readers: Peer[] = [];
  for (let n = 0; n < READERS; n++) {
    readers.push(await Peer.login((n * 31) % INBOX_USERS, 'localhost', 'reader', context.port, false));
  }
  let errors = 0;

  /** One reader reads so often. */
  const read = (reader: Peer, times: number): Promise<void> =>
    new Promise((resolve) => {
      let left = times;
      let shown = 0;
      reader.onStanza = (buffer, start) => {
        if (buffer[start + 1] === 0x6d) {
          shown++;
          return;
        }
        if (shown !== CONVERSATIONS) errors++;
        shown = 0;
        if (--left === 0) resolve();
        else reader.send(QUESTION);
      };
      reader.send(QUESTION);
    });

  const times = Math.max(1, Math.floor(context.amount / READERS));
  const readAll = async (): Promise<number> => {
    await Promise.all(readers.map((reader) => read(reader, times)));
    return times * READERS;
  };
  // The first pass lets the code get warm.
  await readAll();
  return await counted(context, async () => ({ count: await readAll(), errors }));
};
