import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';

/** Threat T10: many stanzas in one read. Whoever sends them gets all answers in order; whoever sends few does not wait for them. */

const FLOODERS = 20;
const PER_SEGMENT = 1_300;
const SEGMENTS = 8;

/** Reads answers without parsing them, which would cost more than making them; resolves when all have come, in order. */
function count(socket: Socket, total: number, answered: () => void): Promise<void> {
  socket.removeAllListeners('data');
  let rest = '';
  let next = 0;
  return new Promise((resolve, reject) => {
    socket.on('data', (data) => {
      const text = rest + data.toString('latin1');
      let end = 0;
      for (const match of text.matchAll(/<iq [^>]*\bid='(\d+)'/g)) {
        if (Number(match[1]) !== next++) reject(new Error(`answer ${match[1]} in place of ${next - 1}`));
        answered();
        end = match.index + match[0].length;
      }
      rest = text.slice(Math.max(end, text.length - 200));
      if (next === total) resolve();
    });
    socket.on('close', () => reject(new Error('the server closed a flooder')));
  });
}

describe.each([1, 2])('floods on %i shards', (shards) => {
  let server: TestServer;
  let quiet: TestClient;
  let peer: TestClient;
  let flooders: TestClient[];

  beforeAll(async () => {
    const users = Array.from({ length: FLOODERS }, (_, i) => `flood${i}`);
    server = await TestServer.start({ shards, users: [...users, 'quiet', 'peer'] });
    quiet = await TestClient.login(server.port(), 'quiet@localhost/q');
    peer = await TestClient.login(server.port(), 'peer@localhost/p');
    flooders = await Promise.all(
      users.map((user) => TestClient.login(server.port(), `${user}@localhost/f`, { isAvailable: false })),
    );
  });

  afterAll(() => server.stop());

  /** A segment as T10 has it: as many of the smallest requests as fit into one read. */
  function segment(first: number): string {
    let text = '';
    for (let i = 0; i < PER_SEGMENT; i++) text += `<iq type='get' id='${first + i}'><a xmlns='a'/></iq>`;
    return text;
  }

  it('answers everything in order, and lets a quiet session through in between', async () => {
    let answered = 0;
    const total = FLOODERS * SEGMENTS * PER_SEGMENT;
    const done = Promise.all(
      flooders.map(async (client) => {
        const all = count(client.socket, SEGMENTS * PER_SEGMENT, () => answered++);
        for (let s = 0; s < SEGMENTS; s++) client.send(segment(s * PER_SEGMENT));
        await all;
      }),
    );
    let isOver = false;
    void done.then(() => {
      isOver = true;
    });
    let rounds = 0;
    while (!isOver) {
      quiet.send("<message to='peer@localhost/p' type='chat'><body>calm</body></message>");
      expect((await peer.message()).childText('body')).toBe('calm');
      await quiet.nothingElse();
      if (answered > 0 && answered < total) rounds++;
    }
    await done;
    expect(answered).toBe(total);
    // It was served many times while the flood was on: not only before or after.
    expect(rounds).toBeGreaterThan(5);
  });

  it('keeps the order of a flood of messages to one recipient', async () => {
    const sender = await TestClient.login(server.port(), 'quiet@localhost/sender', { isAvailable: false });
    let text = '';
    for (let i = 0; i < PER_SEGMENT; i++) {
      text += `<message to='peer@localhost/p' id='${i}'><body>m</body></message>`;
    }
    sender.send(text);
    for (let i = 0; i < PER_SEGMENT; i++) expect((await peer.message()).attribute('id')).toBe(String(i));
  });
});
