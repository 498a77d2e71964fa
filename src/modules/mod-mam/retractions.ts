import {
  type Accumulator,
  type ArchivedMessage,
  type ArchiveMessage,
  type Jid,
  type ModuleContext,
  type Retraction,
  Stanza,
  StoreUnavailableError,
} from '../module.ts';
import type { ArchiveDamage } from './archive-damage.ts';
import { type RetractionRequest, retractionIn, tombstone } from './retraction-xml.ts';
import { originIdOf } from './rules.ts';
import type { ArchiveWriter } from './writer.ts';

/** A message that takes another one back. */
interface Retractor {
  readonly request: RetractionRequest;
  readonly from: Jid;
  readonly to: Jid;
  /** Its number in the archive, its `id` attribute, and when it came. */
  readonly messageId: bigint;
  readonly id: string | undefined;
  readonly timestamp: number;
  readonly stanza: Stanza;
}

/** Puts tombstones in place of messages that their senders take back (XEP-0424 §5), in both archives at once. */
export class Retractions {
  readonly #context: ModuleContext;
  readonly #writer: ArchiveWriter;
  readonly #damage: ArchiveDamage;

  constructor(context: ModuleContext, writer: ArchiveWriter, damage: ArchiveDamage) {
    this.#context = context;
    this.#damage = damage;
    this.#writer = writer;
  }

  /**
   * Looks for the message that this one takes back, behind what was archived before. The promise resolves when it is taken back, or that is given up. Undefined if it takes none
   * back.
   */
  start(acc: Accumulator, messageId: bigint): Promise<void> | undefined {
    const stanza = acc.stanza!;
    if (!stanza.mayContain('retract')) return undefined;
    const request = retractionIn(stanza.element);
    if (request === undefined) return undefined;
    const { from, to, timestamp } = acc;
    stanza.retain();
    const retractor = { request, from, to, messageId, id: stanza.id, timestamp, stanza };
    this.#writer.flush();
    const done = this.#writer.kept.run(() => this.#retract(retractor));
    const lost = (cause: unknown): void => this.#lost(retractor, cause);
    if (done !== undefined) return done.catch(lost);
    lost(new StoreUnavailableError('too many writes wait', 'undone'));
    return undefined;
  }

  #lost({ from, to, timestamp }: Retractor, cause: unknown): void {
    this.#context.count('lost');
    const fields = { what: 'mam_retraction_lost', from: from.full, to: to.full, micros: timestamp };
    this.#context.log.error({ err: cause, ...fields }, 'the message that it takes back stays in the archive');
  }

  async #retract(retractor: Retractor): Promise<void> {
    const { request, from, to, messageId, timestamp } = retractor;
    const { by, id } = request;
    const found = await this.#context.store.request('archive_find_retracted', {
      from: from.full,
      to: to.full,
      by,
      id,
    });
    // It does not take itself back, should it have the same id.
    if (found === null || found.id === messageId) return;
    // Of one that is damaged nothing is left but that it was there.
    const original = Stanza.ofStored(this.#damage.sound(found) ?? Buffer.from('<message/>'));
    const retraction = await this.#announce(retractor, found, original);
    const stamp = new Date(timestamp / 1000).toISOString();
    const element = tombstone(original.element, retraction, request.ns, retractor.id, stamp);
    const packet = Stanza.of(element).toBuffer('', '');
    if (await this.#context.store.request('archive_replace', found.id, packet))
      this.#context.count('retracted');
  }

  /** Runs `mam_retraction`: others hear of it, and may change how the message is named. */
  async #announce(
    { request, from, to, messageId, stanza }: Retractor,
    { id }: ArchivedMessage,
    packet: Stanza,
  ): Promise<Retraction> {
    const retraction: Retraction = {
      retractOn: request.by,
      id: request.id,
      messageId: id,
      originId: originIdOf(packet.element),
      packet,
    };
    const params: ArchiveMessage = {
      messageId,
      archiveId: undefined,
      localJid: from,
      remoteJid: to,
      sourceJid: from,
      originId: originIdOf(stanza.element),
      direction: 'outgoing',
      packet: stanza,
      isGroupchat: false,
      senderId: undefined,
    };
    return await this.#context.foldHook('mam_retraction', retraction, params);
  }
}
