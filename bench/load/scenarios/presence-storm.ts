import { CONTACTS } from '../../lib/accounts.ts';
import { Peer } from '../peer.ts';
import { counted, type Scenario, sleep } from '../scenario.ts';

const AT_A_TIME = 32;
/** Users that become available before any of them has heard everything. */
const WAVE = 25;
const PATIENCE_MS = 60_000;

/**
 * `amount` users, each with twenty contacts among the others, become available: each is shown the presence of those who are there, and is shown to them.
 * Counted is each delivered presence. They are logged in already, so that it is presence alone that is measured; and they have done it all once before.
 */
export const presenceStorm: Scenario = async (context) => {
  const users = await logIn(context.amount, context.port);
  await comeAndWait(users);
  await leave(users);
  return await counted(context, async () => {
    for (const user of users) user.begin();
    await comeAndWait(users);
    return {
      count: users.reduce((sum, user) => sum + user.delivered, 0),
      errors: users.filter((user) => !user.isComplete).length,
    };
  });
};

class User {
  readonly #peer: Peer;
  readonly #seen = new Set<string>();
  delivered = 0;

  constructor(peer: Peer) {
    this.#peer = peer;
    peer.onStanza = (buffer, start) => {
      if (buffer[start + 1] !== 0x70) return;
      this.delivered++;
      const from = buffer.indexOf("from='", start, 'latin1') + 6;
      this.#seen.add(buffer.latin1Slice(from, buffer.indexOf(0x27, from)));
    };
  }

  begin(): void {
    this.delivered = 0;
    this.#seen.clear();
  }

  /** Whether all contacts were seen, and the user himself. */
  get isComplete(): boolean {
    return this.#seen.size > CONTACTS;
  }

  send(text: string): void {
    this.#peer.send(text);
  }

  ping(): Promise<void> {
    return this.#peer.ping();
  }
}

async function logIn(count: number, port: number): Promise<User[]> {
  const users: User[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const n = next++;
      users[n] = new User(await Peer.login(n, 'localhost', 'storm', port, false));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return users;
}

async function comeAndWait(users: readonly User[]): Promise<void> {
  for (let i = 0; i < users.length; i += WAVE) {
    const wave = users.slice(i, i + WAVE);
    for (const user of wave) user.send('<presence><priority>1</priority></presence>');
    await Promise.all(wave.map((user) => user.ping()));
  }
  const until = performance.now() + PATIENCE_MS;
  while (users.some((user) => !user.isComplete) && performance.now() < until) await sleep(20);
}

async function leave(users: readonly User[]): Promise<void> {
  for (const user of users) user.send("<presence type='unavailable'/>");
  await Promise.all(users.map((user) => user.ping()));
  await sleep(1_000);
}
