import {
  type ArchivedMessage,
  DAMAGED_MESSAGE,
  Damage,
  type ModuleContext,
  soundMessage,
  stableIdText,
} from '../module.ts';

/** Messages of archives that were damaged in the database. */
export class ArchiveDamage {
  readonly #damage: Damage;

  constructor(context: ModuleContext) {
    this.#damage = new Damage(context, 'mam_message_damaged');
  }

  /** The bytes of a message, or of one that says that it is damaged. */
  readable(message: ArchivedMessage): Buffer {
    return this.sound(message) ?? DAMAGED_MESSAGE;
  }

  /** The bytes of a message; undefined, and reported, if they are damaged. */
  sound({ id, packet }: ArchivedMessage): Buffer | undefined {
    return soundMessage(packet, false) ?? this.#damage.report({ id: stableIdText(id), row: String(id) });
  }
}
