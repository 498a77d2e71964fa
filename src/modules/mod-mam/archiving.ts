import {
  type Accumulator,
  type ArchiveMessage,
  ArchiveSide,
  type C2sParams,
  DROP,
  Flag,
  type Jid,
  type ModuleContext,
  type Outcome,
  STOP,
  type Stanza,
  StanzaKind,
  stableId,
  stableIdNumber,
  stanzaIdXml,
  timeOfStableId,
  type Verdict,
  withoutIdsBy,
} from '../module.ts';
import { Admission } from './admission.ts';
import { archiveMessageOf, type Entry, entryOf, knownId, recordOf } from './entry.ts';
import type { Horizons } from './horizons.ts';
import type { MamOptions, PmOptions } from './options.ts';
import type { Retractions } from './retractions.ts';
import { isArchivable, isConversation, isSimple, originIdOf } from './rules.ts';
import { Slab } from './slab.ts';
import type { Wishes } from './wishes.ts';
import type { ArchiveWriter, OpenRecord } from './writer.ts';

/** Repetitions, copies, and what its maker does not want to be kept. */
const NOT_ARCHIVED = Flag.DELAYED | Flag.CARBON | Flag.NO_STORE;

/**
 * Takes messages into archives: the sender's when the client has sent it, the recipient's when it is delivered to the account. Both happen in the sender's shard, as a rule within
 * the same turn: then it is one record. Of most messages no tree is made.
 */
export class Archiving {
  readonly #context: ModuleContext<MamOptions>;
  readonly #options: PmOptions;
  readonly #writer: ArchiveWriter;
  readonly #wishes: Wishes;
  readonly #retractions: Retractions;
  readonly #horizons: Horizons;
  readonly #admission: Admission;
  readonly #rules: { readonly hasMarkers: boolean };
  /** The stanza of the writer's last record, and when it came. */
  #lastStanza: Stanza | undefined = undefined;
  #lastTimestamp = 0;
  /** Its id. */
  #lastId = '';
  readonly #slab = new Slab();
  /** What the store's handler of `mam_archive_message` has just written. */
  #written: Promise<void> | undefined = undefined;

  constructor(
    context: ModuleContext<MamOptions>,
    options: PmOptions,
    writer: ArchiveWriter,
    wishes: Wishes,
    retractions: Retractions,
    horizons: Horizons,
  ) {
    this.#context = context;
    this.#options = options;
    this.#writer = writer;
    this.#wishes = wishes;
    this.#retractions = retractions;
    this.#horizons = horizons;
    this.#admission = new Admission(context, writer);
    this.#rules = { hasMarkers: options.archive_chat_markers };
  }

  /** A client has sent a message (`user_send_message`): it goes into the archive of its account. */
  outgoing(acc: Accumulator, session: C2sParams): Verdict | Promise<Verdict> {
    const stanza = acc.stanza!;
    if (!isConversation(stanza.type)) return undefined;
    const simple = isSimple(stanza);
    if (!simple && !isArchivable(stanza.element, this.#rules)) return undefined;
    if (acc.trace?.isDryRun) return undefined;
    if (this.#writer.isFull) return this.#admission.refuse(acc, STOP);
    const wanted = this.#wishes.isWanted(session.jid!.bareJid, acc.to);
    if (wanted === false) return undefined;
    if (wanted === true && !this.#writer.isBusy) return this.#archiveOutgoing(acc, simple);
    acc.retain();
    return this.#archiveLater(acc, simple, wanted);
  }

  /** Behind what its sender wants, which must be read, or when the writer is calm: from there on the message goes its whole way within one turn. */
  async #archiveLater(
    acc: Accumulator,
    simple: boolean,
    wanted: boolean | Promise<boolean>,
  ): Promise<Verdict> {
    if (!(await wanted)) return undefined;
    if (this.#writer.isBusy) await this.#admission.pause();
    return await this.#archiveOutgoing(acc, simple);
  }

  #archiveOutgoing(acc: Accumulator, simple: boolean): Verdict | Promise<Verdict> {
    const entry = this.#timely(acc, 'outgoing', simple, acc.timestamp);
    const outcome = this.#write(acc, entry);
    if (outcome instanceof Promise)
      return outcome.then((settled) => this.#afterOutgoing(acc, entry, settled));
    return this.#afterOutgoing(acc, entry, outcome);
  }

  #afterOutgoing(acc: Accumulator, entry: Entry, outcome: Outcome): Verdict {
    if (outcome !== 'ok') return undefined;
    acc.set('mam', 'mam_id', entry.id);
    if (!entry.isSimple) this.#retract(acc, entry);
    return undefined;
  }

  /** A message is delivered to an account (`filter_local_packet`). */
  incoming(acc: Accumulator): Verdict | Promise<Verdict> {
    if (acc.stanza!.kind !== StanzaKind.MESSAGE) return undefined;
    const { from, to } = acc;
    // What somebody writes to himself was archived when he sent it.
    if (to.local === '' || (acc.flags & NOT_ARCHIVED) !== 0 || from.bare === to.bare) return undefined;
    const last = this.#lastOf(acc);
    if (last === undefined) {
      const clean = withoutIdsBy(acc.stanza!, [to.bareJid]);
      if (clean !== undefined) acc.updateStanza(clean);
      if (!this.#isKind(acc)) return undefined;
    }
    const simple = isSimple(acc.stanza!);
    if (last === undefined && !simple && !isArchivable(acc.stanza!.element, this.#rules)) return undefined;
    if (acc.trace?.isDryRun) return undefined;
    const exists = this.#exists(to.bareJid);
    if (exists === true) return this.#toAccount(acc, simple, last !== undefined);
    if (exists === false) return undefined;
    acc.retain();
    return exists.then((known) => (known ? this.#toAccount(acc, simple, false) : undefined));
  }

  /** The record of the message's sender, if nothing came between. */
  #lastOf(acc: Accumulator): OpenRecord | undefined {
    const isSame = this.#lastStanza === acc.stanza && this.#lastTimestamp === acc.timestamp && acc.hops === 0;
    return isSame ? this.#writer.last : undefined;
  }

  /** Messages of rooms are archived for each recipient if the operator wants that; those to rooms are not for users' archives. */
  #isKind({ stanza, to }: Accumulator): boolean {
    const { type } = stanza!;
    if (type !== 'groupchat') return isConversation(type);
    return this.#options.archive_groupchats && this.#context.hosts.includes(to.domain);
  }

  /** Whether the account is there. Who is online need not be asked for: messages to him must not wait for the store. */
  #exists(bare: Jid): boolean | Promise<boolean> {
    const registered = this.#context.accounts.isRegistered(bare);
    if (registered === true) return true;
    return this.#context.sessions(bare).length > 0 ? true : registered;
  }

  #toAccount(acc: Accumulator, simple: boolean, isSent: boolean): Verdict | Promise<Verdict> {
    // A message that the sender's archive has taken on goes into both.
    if (this.#writer.isFull && !isSent) return this.#admission.refuse(acc, DROP);
    const wanted = this.#wishes.isWanted(acc.to.bareJid, acc.from);
    if (wanted === true) return this.#archiveIncoming(acc, simple);
    if (wanted === false) return undefined;
    acc.retain();
    return wanted.then((isWanted) => (isWanted ? this.#archiveIncoming(acc, simple) : undefined));
  }

  #archiveIncoming(acc: Accumulator, simple: boolean): Verdict | Promise<Verdict> {
    const last = this.#lastOf(acc);
    if (last !== undefined && !this.#context.hasOtherHandlers('mam_archive_message')) {
      this.#context.committing(acc, this.#writer.addRecipient(last));
      return this.#stamped(acc, this.#lastId);
    }
    const entry = this.#timely(acc, 'incoming', simple, this.#timeOf(acc));
    const outcome = this.#write(acc, entry);
    if (outcome instanceof Promise)
      return outcome.then((settled) => this.#afterIncoming(acc, entry, settled));
    return this.#afterIncoming(acc, entry, outcome);
  }

  /** The time in the id of a message to an account: what was made because of another message has that one's time; the sender's archive may have given it another. */
  #timeOf(acc: Accumulator): number {
    if (acc.hops > 0) return this.#context.timestamp();
    const given = acc.get<string>('mam', 'mam_id');
    return given === undefined ? acc.timestamp : timeOfStableId(given);
  }

  #afterIncoming(acc: Accumulator, entry: Entry, outcome: Outcome): Verdict | Promise<Verdict> {
    if (outcome !== 'ok') return this.#tell(acc, 'mam_failed');
    // The sender's own archive has seen to it, if he has one here.
    if (!entry.isSimple && !this.#context.hosts.includes(acc.from.domain)) this.#retract(acc, entry);
    return this.#stamped(acc, entry.id);
  }

  /** It is in the recipient's archive: who gets it is told its id, unless mod_stanzaid does that where it is received. */
  #stamped(acc: Accumulator, id: string): Verdict | Promise<Verdict> {
    acc.set('mam', 'mam_id', id);
    if (!this.#options.no_stanzaid_element && knownId(acc) === undefined) {
      acc.updateStanza(acc.stanza!.append(stanzaIdXml(acc.to, id)));
    }
    return this.#tell(acc, 'archived');
  }

  /** What is written for a message; with a new id if somebody who has read beyond its time would never see it. */
  #timely(acc: Accumulator, direction: Entry['direction'], simple: boolean, made: number): Entry {
    const { shard } = this.#context;
    const entry = entryOf(acc, direction, simple, made, shard);
    const horizons = this.#horizons;
    // What goes out is for both archives, as a rule.
    const isLate =
      horizons.isPast(entry.owner.bare, entry.micros) ||
      (direction === 'outgoing' && horizons.isPast(entry.remote.bare, entry.micros));
    if (!isLate) return entry;
    this.#context.count('late');
    const now = this.#context.timestamp();
    if (knownId(acc) !== undefined) acc.set('stable_stanza_id', 'value', stableId(now, shard));
    return entryOf(acc, direction, simple, now, shard);
  }

  /** Rules of the message may forbid that it goes on (XEP-0079). */
  #tell(acc: Accumulator, event: 'archived' | 'mam_failed'): Verdict | Promise<Verdict> {
    if (!this.#context.hasOtherHandlers('amp_event')) return undefined;
    const verdict = this.#context.runHook('amp_event', acc, { event });
    if (verdict instanceof Promise) return verdict.then((settled) => (settled === STOP ? DROP : undefined));
    return verdict === STOP ? DROP : undefined;
  }

  /** Runs `mam_archive_message`; without the detour of the hook where nobody else listens. */
  #write(acc: Accumulator, entry: Entry): Outcome | Promise<Outcome> {
    if (!this.#context.hasOtherHandlers('mam_archive_message')) {
      this.#context.committing(acc, this.#writeOne(acc, entry));
      return 'ok';
    }
    const params = archiveMessageOf(acc, entry, this.#wishes.archiveId(entry.owner));
    this.#written = undefined;
    const outcome = this.#context.foldHook('mam_archive_message', 'ok', params);
    if (this.#written !== undefined) this.#context.committing(acc, this.#written);
    return outcome;
  }

  #writeOne(acc: Accumulator, { id, direction, micros, shard, isSimple: simple }: Entry): Promise<void> {
    const stanza = acc.stanza!;
    const clean = simple ? stanza : cleanOf(acc);
    // Where it is delivered, forged ids must be taken out.
    this.#lastStanza = clean === stanza ? stanza : undefined;
    this.#lastTimestamp = acc.timestamp;
    this.#lastId = id;
    return this.#writer.add({
      micros,
      shard,
      sides: direction === 'outgoing' ? ArchiveSide.SENDER : ArchiveSide.RECIPIENT,
      from: acc.from.full,
      to: acc.to.full,
      packet: this.#slab.write(clean),
      originId: simple ? null : (originIdOf(stanza.element) ?? null),
      isGroupchat: stanza.type === 'groupchat',
      isSearchable: this.#options.full_text_search,
    });
  }

  /** The store's handler of `mam_archive_message`. */
  archive(message: ArchiveMessage): Outcome {
    this.#written = this.#writer.add(recordOf(message, this.#options.full_text_search));
    return 'ok';
  }

  #retract(acc: Accumulator, { micros, shard }: Entry): void {
    if (!this.#options.message_retraction) return;
    const done = this.#retractions.start(acc, stableIdNumber(micros, shard));
    if (done !== undefined) this.#context.committing(acc, done);
  }
}

/** The message as both sides may have it: without ids in the name of either that this server has not given. */
function cleanOf({ stanza, from, to }: Accumulator): Stanza {
  return withoutIdsBy(stanza!, [from.bareJid, to.bareJid]) ?? stanza!;
}
