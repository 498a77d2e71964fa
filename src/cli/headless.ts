import { adminCommands } from '../admin/commands.ts';
import { AdminError } from '../admin/errors.ts';
import type { Caller } from '../admin/socket.ts';
import type { Config } from '../config/config.ts';
import { createLog } from '../observe/log.ts';
import { Server } from '../supervisor/server.ts';
import { ENTRIES } from './entries.ts';
import type { Io } from './io.ts';
import { loadConfigFor } from './load-config.ts';
import { PRODUCT } from './product.ts';
import { archiveLayouts, takeStorage } from './run-server.ts';
import type { Ask } from './server-access.ts';
import type { Target } from './target.ts';

/** Runs commands on the storage directory of a server that does not run. */
export function withStorage<T>(target: Target, io: Io, work: (ask: Ask) => Promise<T>): Promise<T> {
  return withHeadlessServer(loadConfigFor(target, io), (server) => {
    const commands = adminCommands({
      config: server.config,
      product: PRODUCT,
      onAnyShard: (command, args) => server.onAnyShard(command, args),
      onAllShards: (command, args) => server.onAllShards(command, args),
      onShard: refuse,
      stats: refuse,
      trace: refuse,
      backup: (file) => server.backup(file),
      reload: refuse,
      stop: refuse,
    });
    return work(async (command, args = {}) => await commands.get(command)!(args, NOBODY));
  });
}

const NOBODY: Caller = { signal: new AbortController().signal, event: () => false };

function refuse(): never {
  throw new AdminError('server_unreachable', 'this needs a running server');
}

/**
 * Runs a server that listens nowhere, for as long as `work` takes: what changes accounts while no server runs. Its modules run, so that
 * whatever they keep for an account comes and goes with it. Fails if another server uses the storage directory.
 */
async function withHeadlessServer<T>(config: Config, work: (server: Server) => Promise<T>): Promise<T> {
  const release = takeStorage(config.storage.directory);
  const quiet: Config = {
    ...config,
    general: { ...config.general, shards: 1 },
    listen: { c2s: [], http: [] },
  };
  let server: Server | undefined;
  try {
    const log = createLog(config.general.loglevel, 'main');
    server = new Server(quiet, ENTRIES, log, PRODUCT, archiveLayouts(config, true));
    await server.start();
    return await work(server);
  } finally {
    await server?.stop();
    release();
  }
}
