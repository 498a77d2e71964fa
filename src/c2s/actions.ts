import type { Accumulator } from '../hooks/accumulator.ts';
import type { Action } from '../hooks/action.ts';
import type { C2s } from './c2s.ts';
import { presend, receive } from './receive.ts';
import { stopRequest } from './terminate.ts';

/**
 * Does what handlers asked for in a hook of this session (`hooks/action.ts`): an immediate end cancels everything else; direct writes come
 * first; then stanzas, events and stop requests in the order of asking.
 */
export function applyActions(c2s: C2s, actions: readonly Action[] | undefined): void {
  if (actions === undefined || c2s.state === 'closed') return;
  const hardStop = actions.find((action) => action.kind === 'hard_stop');
  if (hardStop !== undefined) {
    c2s.end(hardStop.reason, hardStop.lastWords);
    return;
  }
  for (const action of actions) if (action.kind === 'socket_send') c2s.write(action.xml);
  for (const action of actions) {
    if (action.kind === 'route') receive(c2s, action.acc);
    else if (action.kind === 'flush') flush(c2s, action.acc);
    else if (action.kind === 'stop') stopRequest(c2s, action.reason);
  }
}

/** The session may have ended meanwhile, for one of the stanzas before: whoever kept this one has looked after it then. */
function flush(c2s: C2s, acc: Accumulator): void {
  if (c2s.state !== 'closed') presend(c2s, acc);
}
