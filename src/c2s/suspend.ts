import type { C2s } from './c2s.ts';
import { Pause } from './pause.ts';

/**
 * Goes on with `next` once `work` has settled; until then this stream's input waits, and nobody else's. `next` must not suspend again. Before login
 * the client's time for a step stands still meanwhile: a backend may be slow.
 * Whatever fails costs this client its stream, never the thread.
 */
export function suspendUntil<T>(c2s: C2s, work: Promise<T>, next: (value: T) => void): void {
  const { connection, host, negotiation } = c2s;
  connection.pause(Pause.SUSPENDED);
  negotiation?.serverBusy();
  work
    .then((value) => {
      negotiation?.stepped(host.monotonicMs());
      if (c2s.state !== 'closed') next(value);
    })
    .catch((cause: unknown) => c2s.crashed(cause))
    .finally(() => connection.unpause(Pause.SUSPENDED));
}

/** The session's input waits until `work` on a stanza has settled; other sessions go on. A failure costs the stanza only. */
export function holdInput(c2s: C2s, work: Promise<unknown>): void {
  const { connection, host } = c2s;
  connection.pause(Pause.SUSPENDED);
  const handling = work
    .catch((cause: unknown) => {
      host.log.error({ err: cause, what: 'stanza_failed', jid: c2s.jid.full }, 'handling a stanza failed');
    })
    .finally(() => {
      if (c2s.handling === handling) c2s.handling = undefined;
      connection.unpause(Pause.SUSPENDED);
    });
  c2s.handling = handling;
}
