import { isStored } from '../../xmpp/trusted-xml.ts';
import type { ModuleContext } from './context.ts';

/** Damage is logged so often at most; microseconds. */
const LOG_US = 60_000_000;

/** What is shown in place of a message that cannot be read any more: an error (RFC 6120 §8.3), which nobody takes for the words of the sender. */
export const DAMAGED_MESSAGE = Buffer.from(
  "<message type='error'><error type='cancel'><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" +
    "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>This message is damaged in storage</text></error></message>",
);

/** Messages that were damaged in the database: their bytes would break the stream of whoever reads them. One for each module and shard. */
export class Damage {
  readonly #context: Pick<ModuleContext, 'count' | 'timestamp' | 'log'>;
  readonly #what: string;
  #loggedAt = Number.NEGATIVE_INFINITY;
  #unlogged = 0;

  /** `what`: the name of it in the log. */
  constructor(context: Pick<ModuleContext, 'count' | 'timestamp' | 'log'>, what: string) {
    this.#context = context;
    this.#what = what;
  }

  /**
   * The bytes of a message, as they came out of the store; undefined, counted (`damaged`), and in the log once a minute with what `where` returns, if they are damaged. `hasAddresses`: they were
   * stored with `from` and `to`.
   */
  sound(content: unknown, hasAddresses: boolean, where: () => Record<string, unknown>): Buffer | undefined {
    // Bytes that come out of the store are a plain array there; and the database would take anything else in their place.
    if (content instanceof Uint8Array) {
      const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
      if (isStored(bytes, 'message', hasAddresses)) return bytes;
    }
    this.#report(where);
    return undefined;
  }

  #report(where: () => Record<string, unknown>): void {
    this.#context.count('damaged');
    this.#unlogged++;
    const now = this.#context.timestamp();
    if (now - this.#loggedAt < LOG_US) return;
    this.#context.log.error(
      { what: this.#what, ...where(), count: this.#unlogged },
      'a message in the database is damaged',
    );
    this.#loggedAt = now;
    this.#unlogged = 0;
  }
}
