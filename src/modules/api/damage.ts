import { isStored } from '../../xmpp/trusted-xml.ts';
import type { ModuleContext } from './context.ts';

/** Damage is logged so often at most; microseconds. */
const LOG_US = 60_000_000;

/** What is shown in place of a message that cannot be read any more: an error (RFC 6120 §8.3), which nobody takes for the words of the sender. */
export const DAMAGED_MESSAGE = Buffer.from(
  "<message type='error'><error type='cancel'><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" +
    "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>This message is damaged in storage</text></error></message>",
);

/**
 * The bytes of a message, as they came out of the store; undefined if they were damaged there: they would break the stream of whoever reads them. `hasAddresses`: they may have been stored with
 * `from` and `to`.
 */
export function soundMessage(content: unknown, hasAddresses: boolean): Buffer | undefined {
  // Bytes that come out of the store are a plain array there; and the database would take anything else in their place.
  if (!(content instanceof Uint8Array)) return undefined;
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  return isStored(bytes, 'message', hasAddresses) ? bytes : undefined;
}

/** Counts messages that were found damaged, and logs some. One for each module and shard. */
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

  /** One was found: it is counted (`damaged`), and logged once a minute with these fields. */
  report(where: Readonly<Record<string, unknown>>): undefined {
    this.#context.count('damaged');
    this.#unlogged++;
    const now = this.#context.timestamp();
    if (now - this.#loggedAt < LOG_US) return;
    const fields = { what: this.#what, ...where, count: this.#unlogged };
    this.#context.log.error(fields, 'a message in the database is damaged');
    this.#loggedAt = now;
    this.#unlogged = 0;
  }
}
