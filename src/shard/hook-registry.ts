import type { Config } from '../config/config.ts';
import { Accumulator } from '../hooks/accumulator.ts';
import { HookRegistry } from '../hooks/registry.ts';
import { Counter } from '../memory/counters.ts';
import type { Logger } from '../observe/log.ts';

/** The hooks of a shard. Handlers that fail or answer later are counted, failures logged with module, hook and stanza. */
export function createHookRegistry(counters: Float64Array, log: Logger, config: () => Config): HookRegistry {
  return new HookRegistry(
    {
      get deadlineMs() {
        return config().general.hookTimeoutMs;
      },
      suspended: () => {
        counters[Counter.hook_suspended]!++;
      },
      failed: (hook, { module, priority }, acc, cause) => {
        counters[Counter.hook_failed]!++;
        const ref = acc instanceof Accumulator ? acc.ref : undefined;
        log.error({ err: cause, what: 'hook_failed', hook, module, priority, ref }, 'a hook handler failed');
      },
    },
    (message, fields) => log.warn({ what: message, ...fields }, message),
  );
}
