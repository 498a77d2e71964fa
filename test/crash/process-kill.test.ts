import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { messagesUntilNow } from '../scenario/modules/support.ts';

/**
 * The process is killed at random moments while messages are stored and delivered. What was acknowledged as stored must come once, in order; what was
 * not may be there or not, but leaves no gap. `MEERKAT_KILL_ROUNDS` asks for more rounds.
 */

const ROUNDS = Number(process.env['MEERKAT_KILL_ROUNDS'] ?? 4);
const PAIRS = 4;
const EVENT = "<x xmlns='jabber:x:event'><offline/></x>";

let server: TestServer;

beforeAll(async () => {
  const names = Array.from({ length: PAIRS }, (_unused, i) => [`sender${i}`, `reader${i}`]).flat();
  server = await TestServer.start({
    shards: 2,
    users: names,
    toml: '[access]\n  max_user_offline_messages = [{ acl = "all", value = "infinity" }]\n[modules.mod_presence]\n[modules.mod_offline]\n',
  });
});

afterAll(() => server.stop());

/** One sender: numbers of what it has sent, and how many of these it was told are stored. */
interface Sender {
  sent: number;
  acknowledged: number;
}

/** Sends numbered messages, a few at a time, until the connection breaks. They are acknowledged in the order they were sent. */
async function sendUntilKilled(pair: number, state: Sender): Promise<void> {
  const client = await TestClient.login(server.port(), `sender${pair}@localhost/s`);
  for (;;) {
    while (state.sent < state.acknowledged + 20) {
      const id = state.sent++;
      client.send(
        `<message to='reader${pair}@localhost' type='chat' id='${id}'><body>x</body>${EVENT}</message>`,
      );
    }
    const heard = await client.next();
    if (heard.kind === 'disconnected') return;
    if (heard.kind !== 'element' || heard.element.name !== 'message') continue;
    expect(heard.element.attribute('type')).not.toBe('error');
    const event = heard.element.child('x', 'jabber:x:event')!;
    expect(event.childText('id')).toBe(String(state.acknowledged++));
  }
}

async function received(pair: number): Promise<number[]> {
  const client = await TestClient.login(server.port(), `reader${pair}@localhost/r`, { isAvailable: false });
  client.send('<presence/>');
  const messages = await messagesUntilNow(client);
  await client.close();
  return messages.map((message) => Number(message.attribute('id')));
}

describe('kill -9 under load', () => {
  it.each(Array.from({ length: ROUNDS }, (_unused, round) => round))(
    'loses nothing that was acknowledged, and delivers nothing twice (round %i)',
    async () => {
      const afterMs = 100 + Math.floor(Math.random() * 900);
      const senders = Array.from({ length: PAIRS }, (): Sender => ({ sent: 0, acknowledged: 0 }));
      const done = Promise.all(senders.map((state, pair) => sendUntilKilled(pair, state)));
      while (senders.some(({ acknowledged }) => acknowledged === 0)) await new Promise(setImmediate);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await server.kill();
      await done;
      await server.launch();
      for (const [pair, { sent, acknowledged }] of senders.entries()) {
        const ids = await received(pair);
        const what = `killed after ${afterMs} ms, ${acknowledged} of ${sent} acknowledged`;
        expect(ids.length, what).toBeGreaterThanOrEqual(acknowledged);
        expect(ids.length, what).toBeLessThanOrEqual(sent);
        expect(ids, what).toEqual(ids.map((_unused, i) => i));
        // Delivered and confirmed: they are not there a second time.
        expect(await received(pair), what).toEqual([]);
      }
    },
    60_000,
  );
});
