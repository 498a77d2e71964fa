import type { Jid } from '../xmpp/jid.ts';

type Handler = (jid: Jid) => Promise<unknown>;

/** Who hears that everything an account can log in with besides its password is to end, by host type. */
export class Revocations {
  readonly #handlers = new Map<string, Set<Handler>>();

  /** Returns how to stop hearing. */
  on(hostType: string, handler: Handler): () => void {
    const own = this.#handlers.get(hostType) ?? new Set<Handler>();
    this.#handlers.set(hostType, own);
    own.add(handler);
    return () => own.delete(handler);
  }

  /** Resolves when it has ended. Rejects when some of it may still be there. */
  async revoke(hostType: string, jid: Jid): Promise<void> {
    const results = await Promise.allSettled(
      [...(this.#handlers.get(hostType) ?? [])].map((handler) => handler(jid)),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}
