import {
  type Accumulator,
  type ArchiveBehaviour,
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
  StanzaError,
  StanzaKind,
  shardOfStableId,
  stableId,
  stableIdNumber,
  stanzaIdXml,
  timeOfStableId,
  type Verdict,
  withoutIdsBy,
} from '../module.ts';
import type { Job } from './job.ts';
import { PACE_MS_MAX } from './limits.ts';
import type { MamOptions, PmOptions } from './options.ts';
import type { Preferences } from './prefs.ts';
import type { Retractions } from './retractions.ts';
import { isArchivable, isConversation, isSimple, originIdOf } from './rules.ts';
import type { ArchiveWriter, OpenRecord } from './writer.ts';

/** How a message is archived: with one id in both archives. */
interface Entry {
  readonly id: string;
  readonly micros: number;
  readonly shard: number;
  readonly direction: ArchiveMessage['direction'];
  readonly owner: Jid;
  readonly remote: Jid;
  /** Its bytes alone tell that it is archived, see {@link isSimple}. */
  readonly isSimple: boolean;
}

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
  readonly #prefs: Preferences | undefined;
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
    prefs: Preferences | undefined,
    retractions: Retractions,
  ) {
    this.#context = context;
    this.#options = options;
    this.#writer = writer;
    this.#prefs = prefs;
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
    const owner = session.jid!.bareJid;
    const wanted = this.#isWanted(owner, acc.to);
    if (wanted === true) return this.#archiveOutgoing(acc, owner, simple);
    if (wanted === false) return undefined;
    acc.retain();
    return wanted.then((isWanted) => (isWanted ? this.#archiveOutgoing(acc, owner, simple) : undefined));
  }

  #archiveOutgoing(acc: Accumulator, owner: Jid, simple: boolean): Verdict | Promise<Verdict> {
    const known = acc.get<string>('stable_stanza_id', 'value');
    const { shard } = this.#context;
    const id = known ?? stableId(acc.timestamp, shard);
    const entry: Entry = {
      id,
      micros: known === undefined ? acc.timestamp : timeOfStableId(known),
      shard: known === undefined ? shard : shardOfStableId(known),
      direction: 'outgoing',
      owner,
      remote: acc.to,
      isSimple: simple,
    };
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
    const owner = acc.to.bareJid;
    const wanted = this.#isWanted(owner, acc.from);
    if (wanted === true) return this.#archiveIncoming(acc, owner, simple);
    if (wanted === false) return undefined;
    acc.retain();
    return wanted.then((isWanted) => (isWanted ? this.#archiveIncoming(acc, owner, simple) : undefined));
  }

  #archiveIncoming(acc: Accumulator, owner: Jid, simple: boolean): Verdict | Promise<Verdict> {
    const known = acc.get<string>('stable_stanza_id', 'value');
    const { shard } = this.#context;
    // What was made because of another message has that one's time.
    const made = acc.hops === 0 ? acc.timestamp : this.#context.timestamp();
    const entry: Entry = {
      id: known ?? stableId(made, shard),
      micros: known === undefined ? made : timeOfStableId(known),
      shard: known === undefined ? shard : shardOfStableId(known),
      direction: 'incoming',
      owner,
      remote: acc.from,
      isSimple: simple,
    };
    const outcome = this.#write(acc, entry);
    if (outcome instanceof Promise) {
      return outcome.then((settled) => this.#afterIncoming(acc, entry, settled, known !== undefined));
    }
    return this.#afterIncoming(acc, entry, outcome, known !== undefined);
  }

  #afterIncoming(
    acc: Accumulator,
    entry: Entry,
    outcome: Outcome,
    isStampedLater: boolean,
  ): Verdict | Promise<Verdict> {
    if (outcome !== 'ok') return this.#tell(acc, 'mam_failed');
    acc.set('mam', 'mam_id', entry.id);
    // The sender's own archive has seen to it, if he has one here.
    if (!entry.isSimple && !this.#context.hosts.includes(acc.from.domain)) this.#retract(acc, entry);
    // mod_stanzaid tells the id where the message is received.
    if (!isStampedLater && !this.#options.no_stanzaid_element) {
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

  /** Whether the owner of an archive wants messages of a conversation in it. */
  #isWanted(owner: Jid, remote: Jid): boolean | Promise<boolean> {
    const behaviour = this.#behaviour(owner, remote);
    if (behaviour instanceof Promise)
      return behaviour.then((settled) => this.#decide(settled, owner, remote));
    return this.#decide(behaviour, owner, remote);
  }

  /** Runs `mam_get_behaviour`; without the detour of the hook where nobody else listens. */
  #behaviour(owner: Jid, remote: Jid): ArchiveBehaviour | Promise<ArchiveBehaviour> {
    if (!this.#context.hasOtherHandlers('mam_get_behaviour')) {
      return this.#prefs === undefined ? 'always' : this.#prefs.behaviour(owner, remote);
    }
    const params = { archiveId: this.#archiveId(owner), owner, remote };
    return this.#context.foldHook('mam_get_behaviour', 'always', params);
  }

  #decide(behaviour: ArchiveBehaviour, owner: Jid, remote: Jid): boolean | Promise<boolean> {
    if (behaviour === 'roster') return this.#context.isSubscribed(remote, owner);
    return behaviour === 'always';
  }

  /** The store numbers no archives; others may. */
  #archiveId(owner: Jid): number | undefined {
    if (!this.#context.hasOtherHandlers('mam_archive_id')) return undefined;
    const id = this.#context.foldHook('mam_archive_id', undefined, { owner });
    return id instanceof Promise ? undefined : id;
  }

  /** Runs `mam_archive_message`; without the detour of the hook where nobody else listens. */
  #write(acc: Accumulator, entry: Entry): Outcome | Promise<Outcome> {
    if (!this.#context.hasOtherHandlers('mam_archive_message')) {
      this.#context.committing(acc, this.#writeOne(acc, entry).done);
      return 'ok';
    }
    const { owner, remote, direction, isSimple: simple, micros, shard } = entry;
    const stanza = acc.stanza!;
    const params: ArchiveMessage = {
      messageId: stableIdNumber(micros, shard),
      archiveId: this.#archiveId(owner),
      localJid: direction === 'outgoing' ? acc.from : acc.to,
      remoteJid: remote,
      sourceJid: acc.from,
      originId: simple ? undefined : originIdOf(stanza.element),
      direction,
      packet: stanza,
      isGroupchat: stanza.type === 'groupchat',
      senderId: undefined,
    };
    this.#job = undefined;
    const outcome = this.#context.foldHook('mam_archive_message', 'ok', params);
    if (this.#job !== undefined) this.#context.committing(acc, (this.#job as Job).done);
    return outcome;
  }

  #writeOne(acc: Accumulator, entry: Entry): Job {
    const { direction, micros, shard, isSimple: simple } = entry;
    const stanza = acc.stanza!;
    const last = direction === 'incoming' ? this.#lastOf(acc) : undefined;
    if (last !== undefined) return this.#writer.addRecipient(last);
    this.#lastStanza = stanza;
    this.#lastTimestamp = acc.timestamp;
    return this.#writer.add({
      micros,
      shard,
      sides: direction === 'outgoing' ? ArchiveSide.SENDER : ArchiveSide.RECIPIENT,
      from: acc.from.full,
      to: acc.to.full,
      packet: simple ? stanza.toBuffer('', '') : this.#clean(acc).toBuffer('', ''),
      originId: simple ? null : (originIdOf(stanza.element) ?? null),
      isGroupchat: stanza.type === 'groupchat',
      isSearchable: this.#options.full_text_search,
    });
  }

  /** The message as both sides may have it: without ids in the name of either that this server has not given. */
  #clean({ stanza, from, to }: Accumulator): Stanza {
    return withoutIdsBy(stanza!, [from.bareJid, to.bareJid]) ?? stanza!;
  }

  /** The store's handler of `mam_archive_message`. */
  archive(message: ArchiveMessage): Outcome {
    const { messageId, localJid, remoteJid, sourceJid, direction, packet, isGroupchat, originId } = message;
    const isOutgoing = direction === 'outgoing';
    this.#job = this.#writer.add({
      micros: Number(messageId >> 8n),
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
