import { mkdirSync } from 'node:fs';
import { createLog } from '../observe/log.ts';
import { lockDirectory, StorageInUseError } from '../store/sqlite/database.ts';
import { Server } from '../supervisor/server.ts';
import { type ConfigSource, loadOrReport } from './load-config.ts';
import { PRODUCT } from './product.ts';

const ENTRIES = {
  shard: new URL('../../workers/shard.ts', import.meta.url),
  store: new URL('../../workers/store.ts', import.meta.url),
  task: new URL('../../workers/task.ts', import.meta.url),
};

/** `meerkat start`: runs the server in the foreground until it is told to stop. Resolves to the exit status. */
export async function start(source: ConfigSource): Promise<number> {
  const config = loadOrReport(source);
  if (config === undefined) return 1;
  const { directory } = config.storage;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  let lock: { release(): void };
  try {
    lock = lockDirectory(directory);
  } catch (cause) {
    if (!(cause instanceof StorageInUseError)) throw cause;
    process.stderr.write(`meerkat: ${cause.message}\n`);
    return 1;
  }
  const log = createLog(config.general.loglevel, 'main');
  const server = new Server(config, ENTRIES, log, PRODUCT);
  const listening = await server.start();
  const places = listening.map(({ kind, host, port }) => `${kind}=${host}:${port}`).join(' ');
  process.stdout.write(`meerkat ready pid=${process.pid} ${places}\n`);
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  await server.stop();
  lock.release();
  return 0;
}
