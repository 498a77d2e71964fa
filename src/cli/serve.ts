import { AdminError } from '../admin/errors.ts';
import { createLog, type Logger } from '../observe/log.ts';
import type { Listening } from '../supervisor/client-listeners.ts';
import type { Io } from './io.ts';
import { checkOwnModules, loadConfigFor, readTarget } from './load-config.ts';
import { wantsInspector } from './protect.ts';
import { RunningServer } from './run-server.ts';
import type { Target } from './target.ts';

/** `meerkat start`: runs the server in the foreground until it is told to stop. Resolves to the exit status. */
export async function serve(target: Target, io: Io): Promise<number> {
  if (io.env['NODE_ENV'] === 'production' && wantsInspector()) {
    throw new AdminError(
      'inspector_refused',
      'the inspector of Node.js gives everything away and is refused with NODE_ENV=production',
    );
  }
  const config = loadConfigFor(target, io);
  await checkOwnModules(config);
  const log = createLog(config.general.loglevel, 'main');
  const server = new RunningServer(config, () => readTarget(target, io.env), log);
  listenToSignals(server, log);
  endOnBugs(log);
  // Told to stop before it was up, the server does not come up.
  const listening = await Promise.race([server.start(), server.stopped]);
  if (typeof listening === 'number') process.exit(listening);
  io.out(`${readinessLine(listening)}\n`);
  process.exit(await server.stopped);
}

/** What scripts wait for: `meerkat ready pid=4711 c2s=127.0.0.1:5222 http=127.0.0.1:5280`. */
export function readinessLine(listening: readonly Listening[]): string {
  const places = listening.map(
    ({ kind, host, port }) => ` ${kind}=${host.includes(':') ? `[${host}]` : host}:${port}`,
  );
  return `meerkat ready pid=${process.pid}${places.join('')}`;
}

function listenToSignals(server: RunningServer, log: Logger): void {
  let hasBegun = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (hasBegun) {
      log.warn({ what: 'stop_forced', signal }, 'a second signal: the process ends at once');
      process.exit(1);
    }
    hasBegun = true;
    void server.stop();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => void server.reload());
  // Where Node was not told otherwise, this signal would open the inspector (threat T74); by default it would end the process.
  process.on('SIGUSR1', () => log.warn({ what: 'signal_ignored', signal: 'SIGUSR1' }, 'ignored'));
}

/** A bug on the main thread: what is left cannot be trusted. Whoever supervises the process starts it again. */
function endOnBugs(log: Logger): void {
  const end = (cause: unknown): void => {
    log.fatal({ err: cause, what: 'main_crashed' }, 'the main thread crashed; the process ends');
    process.exit(1);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}
