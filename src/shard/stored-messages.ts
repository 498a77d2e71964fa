import type { C2s } from '../c2s/c2s.ts';
import { holdReceiving } from '../c2s/receive.ts';
import type { Accumulator } from '../hooks/accumulator.ts';
import { runHook } from '../hooks/run.ts';
import type { OfflineRoute } from '../hooks/values.ts';
import { OFFLINE_HOLD_MS_MAX } from '../limits.ts';

export interface StoredMessagesSurroundings {
  /** Routes one stanza; the promise, if there is one, settles when routing is over. */
  route(acc: Accumulator): undefined | Promise<unknown>;
  /** Work happens outside of a read: complete the turn. */
  touch(): void;
}

/** Brings a session what was stored for its user, before live stanzas go on (`resend_offline_messages`). */
export class StoredMessages {
  readonly #around: StoredMessagesSurroundings;

  constructor(around: StoredMessagesSurroundings) {
    this.#around = around;
  }

  /** Runs the hook for a session and routes what its handlers gave; never rejects, and returns at once. */
  resend(c2s: C2s, acc: Accumulator): void {
    const verdict = runHook(c2s.hostType, 'resend_offline_messages', acc, { jid: c2s.jid });
    if (!(verdict instanceof Promise)) {
      this.#routeAll(acc);
      return;
    }
    const done = verdict.then(() => this.#routeAll(acc));
    // Live stanzas wait behind the stored ones, but not for a store that does not answer.
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, OFFLINE_HOLD_MS_MAX).unref();
    holdReceiving(
      c2s,
      Promise.race([done, patience.promise]).finally(() => clearTimeout(timer)),
    );
  }

  #routeAll(acc: Accumulator): undefined | Promise<void> {
    const messages = acc.get<readonly OfflineRoute[]>('offline', 'messages') ?? [];
    acc.delete('offline', 'messages');
    this.#around.touch();
    return this.#routeOneByOne(messages, 0);
  }

  #routeOneByOne(messages: readonly OfflineRoute[], first: number): undefined | Promise<void> {
    for (let i = first; i < messages.length; i++) {
      const { acc, routed } = messages[i]!;
      const routing = this.#around.route(acc);
      if (routing !== undefined) {
        return routing.then(() => {
          routed?.();
          return this.#routeOneByOne(messages, i + 1);
        });
      }
      routed?.();
    }
    return undefined;
  }
}
