import { join } from 'node:path';
import { AdminClient } from '../../src/cli/client.ts';
import type { TestServer } from './server.ts';

/** One request over the admin socket of a server. Its error becomes `{ error: CODE }`. */
export async function askAdmin(
  server: TestServer,
  command: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  const client = await AdminClient.connect(join(server.directory, 'data', 'meerkat.sock'));
  try {
    return await client.request(command, args);
  } catch (cause) {
    return { error: (cause as { code?: string }).code };
  } finally {
    client.close();
  }
}
