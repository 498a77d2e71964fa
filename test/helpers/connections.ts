import { TestClient } from './client.ts';
import { header } from './xml.ts';

/**
 * Opens streams on `count` new connections at once, which stay open. Returns how many were answered; the others were closed: for want of a
 * free place under `max_connections`, say.
 */
export async function countServed(port: number, count: number): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: count }, async () => {
      const client = await TestClient.connect(port);
      client.send(header());
      return (await client.next()).kind;
    }),
  );
  return answers.filter((kind) => kind === 'open').length;
}
