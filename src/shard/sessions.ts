import { C2s } from '../c2s/c2s.ts';
import type { OpenResult } from '../c2s/c2s-host.ts';
import { eventAccumulator } from '../c2s/session-event.ts';
import { foldHook, runHook } from '../hooks/run.ts';
import type { ConnectionInfo } from '../hooks/session.ts';
import { Counter } from '../memory/counters.ts';
import { DIRECTORY_TEXT_BYTES } from '../memory/directory.ts';
import type { Logger } from '../observe/log.ts';
import type { FlaggedSession, SessionManager } from '../sm/session-manager.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { JidCache } from '../xmpp/jid-cache.ts';
import { isOlder, isSameSession, type SessionId } from '../xmpp/session-id.ts';

/** A session with flags, and its full JID. */
export interface Flagged extends SessionId {
  readonly flags: number;
  readonly jid: Jid;
}

const NONE_FLAGGED: readonly Flagged[] = [];

export interface SessionsSurroundings {
  readonly shard: number;
  readonly sm: SessionManager;
  readonly counters: Float64Array;
  timestamp(): number;
  /** `max_user_sessions` for a JID. */
  sessionsMax(jid: Jid, domain: string): number;
  /** The directory has no room for this JID's text: somebody else must remember it. */
  longJid(handle: number, jid: string | undefined): void;
  askLongJid(handle: number): Promise<string | undefined>;
  readonly jids: JidCache;
  /** `replaced_wait_timeout` of a domain. */
  replacedWaitMs(domain: string): number;
  readonly log: Pick<Logger, 'warn'>;
}

/** Opening and closing sessions. */
export class Sessions {
  readonly #around: SessionsSurroundings;

  constructor(around: SessionsSurroundings) {
    this.#around = around;
  }

  newId(): SessionId {
    const { shard, sm } = this.#around;
    return { time: this.#around.timestamp(), shard, number: sm.table.reserve() };
  }

  cancelId(sid: SessionId): void {
    this.#around.sm.table.cancel(sid.number);
  }

  /**
   * Makes the session visible, then settles conflicts: older sessions of the resource are replaced; if a newer one is there already, this one is.
   * Over the limit of the account the oldest goes.
   */
  open(c2s: C2s, jid: Jid, sid: SessionId): OpenResult {
    const { sm, counters } = this.#around;
    const handle = sm.enter(jid, sid);
    if (handle < 0) return 'full';
    c2s.directoryHandle = handle;
    sm.table.set(sid.number, c2s);
    // Set before binding (XEP-0386), or taken over with a resumed session.
    if (c2s.flags !== 0) sm.setFlags(c2s, c2s.flags);
    if (jid.full.length * 3 > DIRECTORY_TEXT_BYTES) this.#noteLongJid(handle, jid.full);
    counters[Counter.sessions] = sm.table.count;
    counters[Counter.sm_session_logins]!++;
    this.#replaceOthers(c2s, jid, sid);
    this.#limitSessions(jid, sid);
    void foldHook(c2s.hostType, 'sm_register_connection', undefined, { sid, jid, info: c2s.info });
    return 'opened';
  }

  /** A session came from another shard: its entry in the directory has its handle already. */
  adopted(c2s: C2s): void {
    const { sm, counters } = this.#around;
    const { jid, sid, info } = c2s;
    sm.table.set(sid.number, c2s);
    this.#noteLongJid(c2s.directoryHandle, jid.full);
    sm.movedSenders.came(jid.full);
    counters[Counter.sessions] = sm.table.count;
    this.#replaceOthers(c2s, jid, sid);
    void foldHook(c2s.hostType, 'sm_register_connection', undefined, { sid, jid, info });
  }

  /** A session of this shard goes on with another connection. Whoever keeps books about connections hears the same as if it had moved. */
  resumed(c2s: C2s, before: ConnectionInfo): void {
    const { jid, sid, info, hostType } = c2s;
    const reason = 'resumed';
    void runHook(hostType, 'sm_remove_connection', eventAccumulator(c2s), { sid, jid, info: before, reason });
    void foldHook(hostType, 'sm_register_connection', undefined, { sid, jid, info });
  }

  /** Frees the directory entry of a session that another shard has taken over. */
  freeEntry(jid: Jid, handle: number): void {
    this.#forgetLongJid(jid, handle);
    this.#around.sm.movedSenders.left(jid.full);
    this.#around.sm.directory.remove(handle);
  }

  /** Nothing can come for this number any more. */
  forget(number: number): void {
    const { sm, counters } = this.#around;
    sm.table.remove(number);
    counters[Counter.sessions] = sm.table.count;
  }

  close(c2s: C2s): void {
    const { sm, counters } = this.#around;
    if (c2s.directoryHandle < 0) return;
    this.#forgetLongJid(c2s.jid, c2s.directoryHandle);
    sm.leave(c2s);
    sm.movedSenders.left(c2s.jid.full);
    c2s.directoryHandle = -1;
    counters[Counter.sessions] = sm.table.count;
    counters[Counter.sm_session_logouts]!++;
  }

  /** The session of a full JID, if it is one of this shard. */
  local(full: Jid): C2s | undefined {
    const { sm } = this.#around;
    if (!sm.findFull(full) || sm.directory.shard !== sm.shard) return undefined;
    const session = sm.here(sm.directory.number, full, false);
    return session instanceof C2s ? session : undefined;
  }

  /** Sessions of this shard that have lost their connection and wait for another. */
  *detached(): IterableIterator<C2s> {
    for (const session of this.#around.sm.table)
      if (session instanceof C2s && session.state === 'external') yield session;
  }

  /** The full JIDs of an account's available sessions, on all shards. */
  async availableResources(bare: Jid): Promise<Jid[]> {
    const { sm, jids } = this.#around;
    const found = sm.availableHandles(bare);
    const texts = await Promise.all(
      found.map(({ handle, jid }) => jid ?? this.#around.askLongJid(handle).catch(() => undefined)),
    );
    // Another account may have the same hash.
    return texts
      .filter((text) => text !== undefined)
      .map((text) => jids.trusted(text))
      .filter((jid) => jid.bare === bare.bare && !jid.isBare);
  }

  /** Gives a session flags or takes them away; one that is not bound yet has them from then on. */
  setFlags(c2s: C2s, flags: number): void {
    c2s.flags = flags;
    if (c2s.directoryHandle >= 0) this.#around.sm.setFlags(c2s, flags);
  }

  /** The sessions of an account but `except` that have any of these flags, on all shards. A promise only where an address is very long. */
  flagged(bare: Jid, flags: number, except?: SessionId): readonly Flagged[] | Promise<readonly Flagged[]> {
    const found = this.#around.sm.flagged(bare, flags, except);
    if (found.length === 0) return NONE_FLAGGED;
    if (found.every(({ jid }) => jid !== undefined)) return this.#withJids(bare, found);
    return this.#longFlagged(bare, found);
  }

  async #longFlagged(bare: Jid, found: readonly FlaggedSession[]): Promise<readonly Flagged[]> {
    const texts = await Promise.all(
      found.map(({ handle, jid }) => jid ?? this.#around.askLongJid(handle).catch(() => undefined)),
    );
    return this.#withJids(
      bare,
      found.map((session, i) => ({ ...session, jid: texts[i] })),
    );
  }

  #withJids(bare: Jid, found: readonly FlaggedSession[]): readonly Flagged[] {
    const flagged: Flagged[] = [];
    for (const { shard, number, time, flags, jid: text } of found) {
      const jid = text === undefined ? undefined : this.#around.jids.trusted(text);
      // Another account may have the same hash.
      if (jid?.bare === bare.bare) flagged.push({ shard, number, time, flags, jid });
    }
    return flagged;
  }

  /** Ends all sessions of an account, wherever they are. Returns how many. */
  closeAll(jid: Jid, text: string): number {
    const { sm } = this.#around;
    const sessions = sm.sessionsOf(jid.bareJid);
    for (const { shard, number, time } of sessions) {
      sm.closeSession({ shard, number, time }, jid.bare, 'kicked', text);
    }
    return sessions.length;
  }

  #noteLongJid(handle: number, jid: string): void {
    if (Buffer.byteLength(jid) > DIRECTORY_TEXT_BYTES) this.#around.longJid(handle, jid);
  }

  #forgetLongJid(jid: Jid, handle: number): void {
    if (Buffer.byteLength(jid.full) > DIRECTORY_TEXT_BYTES) this.#around.longJid(handle, undefined);
  }

  #replaceOthers(c2s: C2s, jid: Jid, sid: SessionId): void {
    const { sm } = this.#around;
    const replaced: SessionId[] = [];
    for (const other of sm.resourceSessions(jid, sid)) {
      if (isOlder(other, sid)) {
        replaced.push(other);
        sm.closeSession(other, jid.full, 'replaced', 'Replaced by new connection', sid);
      } else queueMicrotask(() => c2s.closeWithConflict('replaced', 'Replaced by new connection', other));
    }
    if (replaced.length > 0) this.#watchReplaced(jid, sid, replaced);
  }

  /** A replaced session is gone at once, unless its shard hangs. Somebody should know. */
  #watchReplaced(jid: Jid, sid: SessionId, replaced: readonly SessionId[]): void {
    const { sm, log } = this.#around;
    setTimeout(() => {
      const left = sm.resourceSessions(jid, sid).filter((one) => replaced.some((r) => isSameSession(r, one)));
      if (left.length === 0) return;
      log.warn(
        { what: 'replaced_wait_timeout', jid: jid.full, sessions: left.length },
        'a replaced session is still there',
      );
    }, this.#around.replacedWaitMs(jid.domain)).unref();
  }

  #limitSessions(jid: Jid, sid: SessionId): void {
    const { sm } = this.#around;
    const limit = this.#around.sessionsMax(jid, jid.domain);
    const list = sm.find(jid.bareJid);
    if (list.length <= limit) return;
    let oldest: SessionId | undefined;
    let count = 0;
    for (let i = 0; i < list.length; i++) {
      // Sessions of this very resource are going already.
      const isReplaced = list.fullLow[i] === jid.fullLow && list.fullHigh[i] === jid.fullHigh;
      const other = { time: list.time[i]!, shard: list.shard[i]!, number: list.number[i]! };
      const isSelf = other.shard === sid.shard && other.number === sid.number;
      if (isReplaced && !isSelf) continue;
      count++;
      if (!isSelf && (oldest === undefined || isOlder(other, oldest))) oldest = other;
    }
    if (count <= limit || oldest === undefined) return;
    sm.closeSession(oldest, jid.bare, 'replaced', 'Replaced by new connection', sid);
  }
}
