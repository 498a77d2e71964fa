import { type ArchivedMessage, isStored, type ModuleContext, stableIdText } from '../module.ts';
import { DAMAGE_LOG_US } from './limits.ts';

/** What is shown in place of a message that cannot be read any more: an error (RFC 6120 §8.3), which nobody takes for the words of the sender. */
const UNREADABLE = Buffer.from(
  "<message type='error'><error type='cancel'><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" +
    "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>This message is damaged in the archive</text></error></message>",
);

/** Messages that were damaged in the database: their bytes would break the stream of whoever reads them. One for each shard. */
export class Damage {
  readonly #context: ModuleContext;
  #loggedAt = Number.NEGATIVE_INFINITY;
  #unlogged = 0;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  /** The bytes of a message, or of one that says that it is damaged. */
  readable(message: ArchivedMessage): Buffer {
    return this.sound(message) ?? UNREADABLE;
  }

  /** The bytes of a message; undefined, counted, and in the log once a minute, if they are damaged. */
  sound({ id, packet }: ArchivedMessage): Buffer | undefined {
    // Bytes that come out of the store are a plain array there; and the database would take anything else in their place.
    if (packet instanceof Uint8Array) {
      const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
      if (isStored(bytes, 'message')) return bytes;
    }
    this.#report(id);
    return undefined;
  }

  #report(id: bigint): void {
    this.#context.count('damaged');
    this.#unlogged++;
    const now = this.#context.timestamp();
    if (now - this.#loggedAt < DAMAGE_LOG_US) return;
    const fields = {
      what: 'mam_message_damaged',
      id: stableIdText(id),
      row: String(id),
      count: this.#unlogged,
    };
    this.#context.log.error(fields, 'a message in the archive is damaged');
    this.#loggedAt = now;
    this.#unlogged = 0;
  }
}
