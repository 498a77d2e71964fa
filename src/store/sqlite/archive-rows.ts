import type { ArchivedMessage } from '../operations/archive.ts';
import type { ArchiveJids } from './archive-jids.ts';
import type { Sqlite } from './database.ts';

/** A message as the table has it, integers as bigint. */
type Row = [
  id: bigint,
  sender: bigint,
  recipient: bigint,
  sent: bigint | null,
  received: bigint | null,
  senderResource: string | null,
  recipientResource: string | null,
  packet: Buffer,
];

/** Single messages. */
export class ArchiveRows {
  readonly #jids: ArchiveJids;
  readonly #get;
  readonly #owners;
  readonly #newest;

  constructor(db: Sqlite, jids: ArchiveJids) {
    this.#jids = jids;
    this.#get = db
      .prepare<[bigint], Row>(
        `SELECT id, sender, recipient, sent, received, sender_resource, recipient_resource, packet
         FROM mam_message WHERE id = ?`,
      )
      .safeIntegers(true)
      .raw(true);
    this.#owners = db
      .prepare<[bigint], [sent: number | null, received: number | null]>(
        'SELECT sent, received FROM mam_message WHERE id = ?',
      )
      .raw(true);
    this.#newest = db
      .prepare<[], bigint | null>('SELECT max(id) FROM mam_message')
      .safeIntegers(true)
      .pluck(true);
  }

  /** The newest message of all archives. */
  get newest(): bigint | undefined {
    return this.#newest.get() ?? undefined;
  }

  /** Whether the archive of an owner has a message. */
  has(owner: number, id: bigint): boolean {
    return this.#owners.get(id)?.includes(owner) === true;
  }

  /** A message, of the archive of one owner, or of any. */
  get(id: bigint, owner?: number): ArchivedMessage | undefined {
    const row = this.#get.get(id);
    if (row === undefined) return undefined;
    const [, sender, recipient, sent, received, senderResource, recipientResource, packet] = row;
    if (owner !== undefined && Number(sent) !== owner && Number(received) !== owner) return undefined;
    return {
      id,
      from: this.#full(Number(sender), senderResource),
      to: this.#full(Number(recipient), recipientResource),
      packet,
    };
  }

  #full(number: number, resource: string | null): string {
    const bare = this.#jids.name(number);
    return resource === null ? bare : `${bare}/${resource}`;
  }
}
