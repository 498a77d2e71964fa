import { NO_PRIORITY, type SessionDirectory, SessionList } from '../memory/directory.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import { type HashSeed, hashJid } from './jid-hash.ts';
import { isMeant, type LocalSession } from './local-session.ts';
import { MovedSenders } from './moved-senders.ts';
import type { RemoteSessions } from './outbox.ts';
import { SessionTable } from './session-table.ts';

/** A session anywhere in the server, as the directory tells it. */
export interface SessionRef {
  readonly shard: number;
  readonly number: number;
  /** Undefined before available presence and after unavailable presence. */
  readonly priority: number | undefined;
  readonly time: number;
}

/** A session that has flags. */
export interface FlaggedSession extends SessionRef {
  readonly flags: number;
  /** For {@link SessionDirectory.textOf}. */
  readonly handle: number;
  /** The full JID; undefined where it is too long for the directory. Another account may have the same hash. */
  readonly jid: string | undefined;
}

const NO_SESSIONS: readonly FlaggedSession[] = [];

/**
 * Knows which sessions exist, on all shards, and reaches them. Who gets what is decided in `delivery.ts`.
 */
export class SessionManager {
  readonly shard: number;
  readonly table: SessionTable;
  readonly remote: RemoteSessions;
  readonly directory: SessionDirectory;
  readonly movedSenders = new MovedSenders();
  readonly #seed: HashSeed;
  readonly #list = new SessionList();

  constructor(shard: number, directory: SessionDirectory, seed: HashSeed, remote: RemoteSessions) {
    this.shard = shard;
    this.directory = directory;
    this.table = new SessionTable(directory.sessionsMax);
    this.#seed = seed;
    this.remote = remote;
  }

  /**
   * Enters a session (RFC 6120 §7): first it is made visible, then conflicts are looked for, so that of two simultaneous binds
   * of one resource on different shards at least one sees the other. Returns its directory handle, or -1 when the
   * directory is full.
   */
  enter(jid: Jid, sid: SessionId): number {
    hashJid(jid, this.#seed);
    return this.directory.insert(
      jid.bareLow,
      jid.bareHigh,
      jid.fullLow,
      jid.fullHigh,
      sid.shard,
      sid.number,
      sid.time,
      jid.full,
    );
  }

  /** Enters a session in place of the entry that it had on another shard; see `SessionDirectory.replace`. */
  enterInPlaceOf(old: number, jid: Jid, sid: SessionId, priority: number | undefined, flags: number): number {
    hashJid(jid, this.#seed);
    return this.directory.replace(
      old,
      jid.bareLow,
      jid.bareHigh,
      jid.fullLow,
      jid.fullHigh,
      sid.shard,
      sid.number,
      sid.time,
      jid.full,
      priority ?? NO_PRIORITY,
      flags,
    );
  }

  leave(session: LocalSession): void {
    this.directory.remove(session.directoryHandle);
    this.table.remove(session.sid.number);
  }

  /** Nothing for a session that has left: there is no entry to write into. */
  setPriority(session: LocalSession, priority: number | undefined): void {
    if (session.directoryHandle < 0) return;
    this.directory.setPriority(session.directoryHandle, priority ?? NO_PRIORITY);
  }

  setFlags(session: LocalSession, flags: number): void {
    this.directory.setFlags(session.directoryHandle, flags);
  }

  /** The sessions of an account but `except` that have any of these flags. Where none has, that costs one read. */
  flagged(bare: Jid, flags: number, except?: SessionId): readonly FlaggedSession[] {
    hashJid(bare, this.#seed);
    if (!this.directory.mayHaveFlags(bare.bareHigh)) return NO_SESSIONS;
    const handles: number[] = [];
    const list = this.#list;
    this.directory.findBare(bare.bareLow, bare.bareHigh, list, handles);
    const result: FlaggedSession[] = [];
    for (let i = 0; i < list.length; i++) {
      if ((list.flags[i]! & flags) === 0) continue;
      if (list.number[i] === except?.number && list.shard[i] === except?.shard) continue;
      const priority = list.priority[i]!;
      result.push({
        shard: list.shard[i]!,
        number: list.number[i]!,
        priority: priority === NO_PRIORITY ? undefined : priority,
        time: list.time[i]!,
        flags: list.flags[i]!,
        handle: handles[i]!,
        jid: this.directory.textOf(handles[i]!),
      });
    }
    return result;
  }

  /** All sessions of an account. The list is the caller's. */
  sessionsOf(bare: Jid): SessionRef[] {
    const list = this.#find(bare);
    const result: SessionRef[] = [];
    for (let i = 0; i < list.length; i++) {
      const priority = list.priority[i]!;
      result.push({
        shard: list.shard[i]!,
        number: list.number[i]!,
        priority: priority === NO_PRIORITY ? undefined : priority,
        time: list.time[i]!,
      });
    }
    return result;
  }

  /** The handles of an account's available sessions, with their full JIDs as far as the directory has them. Other accounts may be among them. */
  availableHandles(bare: Jid): { readonly handle: number; readonly jid: string | undefined }[] {
    hashJid(bare, this.#seed);
    const handles: number[] = [];
    const length = this.directory.findBare(bare.bareLow, bare.bareHigh, this.#list, handles);
    const { priority } = this.#list;
    return handles
      .slice(0, length)
      .filter((_handle, i) => priority[i] !== NO_PRIORITY)
      .map((handle) => ({ handle, jid: this.directory.textOf(handle) }));
  }

  /** The sessions of an account in a list that is valid until the next call. */
  find(bare: Jid): SessionList {
    return this.#find(bare);
  }

  /** Finds the newest session of a full JID; the directory's result fields are filled. */
  findFull(jid: Jid): boolean {
    hashJid(jid, this.#seed);
    return this.directory.findFull(jid.bareLow, jid.bareHigh, jid.fullLow, jid.fullHigh);
  }

  /** Sessions of exactly this full JID other than `except`. */
  resourceSessions(jid: Jid, except: SessionId): SessionId[] {
    hashJid(jid, this.#seed);
    const list = this.#find(jid);
    const result: SessionId[] = [];
    for (let i = 0; i < list.length; i++) {
      if (list.fullLow[i] !== jid.fullLow || list.fullHigh[i] !== jid.fullHigh) continue;
      const sid = { time: list.time[i]!, shard: list.shard[i]!, number: list.number[i]! };
      if (sid.shard === except.shard && sid.number === except.number) continue;
      result.push(sid);
    }
    return result;
  }

  /** Ends a session wherever it is. */
  closeSession(target: SessionId, jid: string, reason: string, text: string, by?: SessionId): void {
    if (target.shard !== this.shard) {
      this.remote.closeSession(target, jid, reason, text, by);
      return;
    }
    const session = this.table.get(target.number);
    if (session !== undefined && isMeant(session, target.time, jid))
      session.closeWithConflict(reason, text, by);
  }

  /** Delivers an event to all sessions of an account that `wanted` accepts. */
  sendEvent(
    bare: Jid,
    tag: string,
    payload: unknown,
    wanted: (session: SessionRef) => boolean = () => true,
  ): number {
    const targets = this.sessionsOf(bare).filter(wanted);
    const byShard = Map.groupBy(targets, (target) => target.shard);
    for (const [shard, sessions] of byShard) {
      const numbers = sessions.map((session) => session.number);
      if (shard === this.shard) this.eventHere(numbers, bare.bare, tag, payload);
      else this.remote.sendEvent(shard, numbers, bare.bare, tag, payload);
    }
    return targets.length;
  }

  /** Delivers an event to sessions of this shard. */
  eventHere(numbers: readonly number[], jid: string, tag: string, payload: unknown): void {
    for (const number of numbers) {
      const session = this.table.get(number);
      if (session !== undefined && (session.jid.bare === jid || session.jid.full === jid)) {
        session.event(tag, payload);
      }
    }
  }

  /**
   * The session of this shard that a stanza was meant for; undefined when it is gone, or its number is somebody else's by now. A stanza
   * that went to an account's sessions (`isByAccount`) may carry the full JID of one that does not exist.
   */
  here(number: number, to: Jid, isByAccount: boolean): LocalSession | undefined {
    const session = this.table.get(number);
    if (session === undefined) return undefined;
    const isMeant = isByAccount
      ? session.jid.bare === to.bare
      : session.jid === to || session.jid.full === to.full;
    return isMeant ? session : undefined;
  }

  #find(bare: Jid): SessionList {
    hashJid(bare, this.#seed);
    this.directory.findBare(bare.bareLow, bare.bareHigh, this.#list);
    return this.#list;
  }
}
