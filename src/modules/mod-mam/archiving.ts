import {
  type Accumulator,
  type ArchiveMessage,
  ArchiveSide,
  type C2sParams,
  DROP,
  Flag,
  type Jid,
  type ModuleContext,
  microsOfId,
  type Outcome,
  STOP,
  type Stanza,
  StanzaError,
  StanzaKind,
  stableIdNumber,
  stanzaIdXml,
  type Verdict,
  withoutIdsBy,
} from '../module.ts';
import { archiveMessageOf, type Entry, entryOf, knownId } from './entry.ts';
import type { Job } from './job.ts';
import { PACE_MS_MAX } from './limits.ts';
import type { MamOptions, PmOptions } from './options.ts';
import type { Retractions } from './retractions.ts';
import { isArchivable, isConversation, isSimple, originIdOf } from './rules.ts';
import type { Wishes } from './wishes.ts';
import type { ArchiveWriter, OpenRecord } from './writer.ts';

const FULL = 'The archive cannot take your message now';

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
  readonly #rules: { readonly hasMarkers: boolean };
  /** The stanza of the writer's last record, and when it came. */
  #lastStanza: Stanza | undefined = undefined;
  #lastTimestamp = 0;
  /** What the store's handler of `mam_archive_message` has just written. */
  #job: Job | undefined = undefined;

  constructor(
    context: ModuleContext<MamOptions>,
    options: PmOptions,
    writer: ArchiveWriter,
    wishes: Wishes,
    retractions: Retractions,
  ) {
    this.#context = context;
    this.#options = options;
    this.#writer = writer;
    this.#wishes = wishes;
    this.#retractions = retractions;
    this.#rules = { hasMarkers: options.archive_chat_markers };
  }

  /** A client has sent a message (`user_send_message`): it goes into the archive of its account. */
  outgoing(acc: Accumulator, session: C2sParams): Verdict | Promise<Verdict> {
    const stanza = acc.stanza!;
    if (!isConversation(stanza.type)) return undefined;
    const simple = isSimple(stanza);
    if (!simple && !isArchivable(stanza.element, this.#rules)) return undefined;
    if (acc.trace?.isDryRun) return undefined;
    if (this.#writer.isFull) return this.#refuse(acc, STOP);
    const wanted = this.#wishes.isWanted(session.jid!.bareJid, acc.to);
    if (wanted === true) return this.#archiveOutgoing(acc, simple);
    if (wanted === false) return undefined;
    acc.retain();
    return wanted.then((isWanted) => (isWanted ? this.#archiveOutgoing(acc, simple) : undefined));
  }

  #archiveOutgoing(acc: Accumulator, simple: boolean): Verdict | Promise<Verdict> {
    const entry = entryOf(acc, 'outgoing', simple, acc.timestamp, this.#context.shard);
    const outcome = this.#write(acc, entry);
    if (outcome instanceof Promise)
      return outcome.then((settled) => this.#afterOutgoing(acc, entry, settled));
    return this.#afterOutgoing(acc, entry, outcome);
  }

  #afterOutgoing(acc: Accumulator, entry: Entry, outcome: Outcome): Verdict | Promise<Verdict> {
    if (outcome !== 'ok') return undefined;
    acc.set('mam', 'mam_id', entry.id);
    if (!entry.isSimple) this.#retract(acc, entry);
    return this.#writer.isBusy ? this.#paced() : undefined;
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
    if (this.#writer.isFull && !isSent) return this.#refuse(acc, DROP);
    const wanted = this.#wishes.isWanted(acc.to.bareJid, acc.from);
    if (wanted === true) return this.#archiveIncoming(acc, simple);
    if (wanted === false) return undefined;
    acc.retain();
    return wanted.then((isWanted) => (isWanted ? this.#archiveIncoming(acc, simple) : undefined));
  }

  #archiveIncoming(acc: Accumulator, simple: boolean): Verdict | Promise<Verdict> {
    // What was made because of another message has that one's time.
    const made = acc.hops === 0 ? acc.timestamp : this.#context.timestamp();
    const entry = entryOf(acc, 'incoming', simple, made, this.#context.shard);
    const outcome = this.#write(acc, entry);
    if (outcome instanceof Promise)
      return outcome.then((settled) => this.#afterIncoming(acc, entry, settled));
    return this.#afterIncoming(acc, entry, outcome);
  }

  #afterIncoming(acc: Accumulator, entry: Entry, outcome: Outcome): Verdict | Promise<Verdict> {
    if (outcome !== 'ok') return this.#tell(acc, 'mam_failed');
    acc.set('mam', 'mam_id', entry.id);
    // The sender's own archive has seen to it, if he has one here.
    if (!entry.isSimple && !this.#context.hosts.includes(acc.from.domain)) this.#retract(acc, entry);
    // mod_stanzaid tells the id where the message is received.
    if (!this.#options.no_stanzaid_element && knownId(acc) === undefined) {
      acc.updateStanza(acc.stanza!.append(stanzaIdXml(entry.owner, entry.id)));
    }
    return this.#tell(acc, 'archived');
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
      this.#context.committing(acc, this.#writeOne(acc, entry).done);
      return 'ok';
    }
    const params = archiveMessageOf(acc, entry, this.#wishes.archiveId(entry.owner));
    this.#job = undefined;
    const outcome = this.#context.foldHook('mam_archive_message', 'ok', params);
    if (this.#job !== undefined) this.#context.committing(acc, (this.#job as Job).done);
    return outcome;
  }

  #writeOne(acc: Accumulator, { direction, micros, shard, isSimple: simple }: Entry): Job {
    const stanza = acc.stanza!;
    const last = direction === 'incoming' ? this.#lastOf(acc) : undefined;
    if (last !== undefined) return this.#writer.addRecipient(last);
    const clean = simple ? stanza : cleanOf(acc);
    // Where it is delivered, forged ids must be taken out.
    this.#lastStanza = clean === stanza ? stanza : undefined;
    this.#lastTimestamp = acc.timestamp;
    return this.#writer.add({
      micros,
      shard,
      sides: direction === 'outgoing' ? ArchiveSide.SENDER : ArchiveSide.RECIPIENT,
      from: acc.from.full,
      to: acc.to.full,
      packet: clean.toBuffer('', ''),
      originId: simple ? null : (originIdOf(stanza.element) ?? null),
      isGroupchat: stanza.type === 'groupchat',
      isSearchable: this.#options.full_text_search,
    });
  }

  /** The store's handler of `mam_archive_message`. */
  archive(message: ArchiveMessage): Outcome {
    const { messageId, localJid, remoteJid, sourceJid, direction, packet, isGroupchat, originId } = message;
    const isOutgoing = direction === 'outgoing';
    this.#job = this.#writer.add({
      micros: microsOfId(messageId),
      shard: Number(messageId & 255n),
      sides: isOutgoing ? ArchiveSide.SENDER : ArchiveSide.RECIPIENT,
      from: sourceJid.full,
      to: isOutgoing ? remoteJid.full : localJid.full,
      packet: (withoutIdsBy(packet, [localJid.bareJid, remoteJid.bareJid]) ?? packet).toBuffer('', ''),
      originId: originId ?? null,
      isGroupchat,
      isSearchable: this.#options.full_text_search,
    });
    return 'ok';
  }

  #retract(acc: Accumulator, { micros, shard }: Entry): void {
    if (!this.#options.message_retraction) return;
    const job = this.#retractions.start(acc, stableIdNumber(micros, shard));
    if (job !== undefined) this.#context.committing(acc, job.done);
  }

  #refuse<V extends Verdict>(acc: Accumulator, verdict: V): V {
    this.#context.count('refused');
    const reply = acc.errorReply(new StanzaError('resource-constraint', FULL));
    this.#context.outcome(acc, reply === undefined ? 'dropped' : 'bounced');
    if (reply !== undefined) void this.#context.route(reply);
    return verdict;
  }

  /** The store is behind: the sender goes on when it has caught up, or after a moment. */
  async #paced(): Promise<undefined> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#context.after(PACE_MS_MAX, resolve);
    await Promise.race([this.#writer.settled(), promise]);
    cancel();
    return undefined;
  }
}

/** The message as both sides may have it: without ids in the name of either that this server has not given. */
function cleanOf({ stanza, from, to }: Accumulator): Stanza {
  return withoutIdsBy(stanza!, [from.bareJid, to.bareJid]) ?? stanza!;
}
