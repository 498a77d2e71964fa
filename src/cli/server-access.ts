import { AdminError } from '../admin/errors.ts';
import { AdminClient } from './client.ts';
import type { Io } from './io.ts';
import { socketPath, type Target } from './target.ts';

/** How a command asks the server something. */
export type Ask = (command: string, args?: Record<string, unknown>) => Promise<unknown>;

/** Runs `work` against the running server. Rejects with `server_unreachable` when there is none. */
export async function withServer<T>(
  target: Target,
  io: Io,
  work: (client: AdminClient) => Promise<T>,
): Promise<T> {
  const client = await AdminClient.connect(socketPath(target, io.env));
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/**
 * The same for what can be done while no server runs, too: then on the storage directory itself. That needs a `--config` (or `MEERKAT_CONFIG`,
 * or a `--data`), so that nobody makes a new directory by mistake.
 */
export async function withServerOrStorage<T>(
  target: Target,
  io: Io,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  try {
    return await withServer(target, io, (client) => work((command, args) => client.request(command, args)));
  } catch (cause) {
    const isGone = cause instanceof AdminError && cause.code === 'server_unreachable';
    if (!isGone || target.socket !== undefined || !isNamed(target, io)) throw cause;
  }
  const { withStorage } = await import('./headless.ts');
  return await withStorage(target, io, work);
}

/** For what works on a storage directory alone: nobody shall make or use another one by mistake. Throws `usage`. */
export function requireNamed(target: Target, io: Io): void {
  if (!isNamed(target, io))
    throw new AdminError('usage', '--config or --data must say which storage directory is meant');
}

function isNamed(target: Target, io: Io): boolean {
  return (target.config ?? target.data ?? io.env['MEERKAT_CONFIG'] ?? io.env['MEERKAT_DATA']) !== undefined;
}
