import type { C2sListenerConfig, Config, HttpListenerConfig, ListenerConfig } from '../config/config.ts';

/**
 * The configuration that a running server can take over: `wanted`, with everything that counts only from the next start on left as it is. The
 * plan of a reload (`config/reload.ts`) tells the operator about the difference.
 */
export function applicable(running: Config, wanted: Config): Config {
  const { shards, maxSessions, routingModules } = running.general;
  return {
    ...wanted,
    general: { ...wanted.general, shards, maxSessions, routingModules },
    listen: {
      c2s: mergeListeners<C2sListenerConfig>(running.listen.c2s, wanted.listen.c2s),
      http: mergeListeners<HttpListenerConfig>(running.listen.http, wanted.listen.http).map(
        (listener, i) => ({
          ...listener,
          handlers: running.listen.http[i]!.handlers,
        }),
      ),
    },
    storage: running.storage,
    admin: running.admin,
  };
}

/** Listeners stay where they listen. Each takes over what the file says now about its address, if it still does. */
function mergeListeners<L extends ListenerConfig>(running: readonly L[], wanted: readonly L[]): L[] {
  return running.map((before, i) => {
    const after = wanted.find((other, j) => isSamePlace(before, i, other, j));
    if (after === undefined) return before;
    const { name, port, ipAddress, backlog } = before;
    // Encryption can be changed, but neither begun nor ended on a listener that clients know.
    const tls = (before.tls === undefined) === (after.tls === undefined) ? after.tls : before.tls;
    return { ...after, name, port, ipAddress, backlog, tls };
  });
}

/** Port 0 stands for any, so there the order has to tell listeners apart. */
function isSamePlace(a: ListenerConfig, i: number, b: ListenerConfig, j: number): boolean {
  return a.port === b.port && a.ipAddress === b.ipAddress && (a.port !== 0 || i === j);
}
