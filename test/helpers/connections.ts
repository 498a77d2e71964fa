import { TestClient } from './client.ts';
import { header } from './xml.ts';

/** Fewer than the shortest `backlog` of a test's listener. */
const AT_ONCE = 8;

/**
 * Opens streams on `count` new connections, which stay open. Returns how many were answered; the others were closed: for want of a
 * free place under `max_connections`, say.
 *
 * A few at a time: of more than the backlog has room for the kernel repeats some a second later, or three, or seven; by then those who were served first may
 * have run out of time to log in, and their places are free again.
 */
export async function countServed(port: number, count: number): Promise<number> {
  let served = 0;
  for (let first = 0; first < count; first += AT_ONCE) {
    const answers = await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, count - first) }, async () => {
        const client = await TestClient.connect(port);
        client.send(header());
        return (await client.next()).kind;
      }),
    );
    served += answers.filter((kind) => kind === 'open').length;
  }
  return served;
}
