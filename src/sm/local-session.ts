import type { Accumulator } from '../hooks/accumulator.ts';
import type { ConnectionInfo } from '../hooks/session.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { SessionId } from '../xmpp/session-id.ts';

/** A bound session of this shard, as the session manager sees it. */
export interface LocalSession {
  readonly jid: Jid;
  readonly sid: SessionId;
  readonly info: ConnectionInfo;
  /** Its entry in the session directory. */
  readonly directoryHandle: number;
  /** Runs the stanza through the session's receive pipeline. */
  deliver(acc: Accumulator): void;
  /** Ends the session with the stream error `conflict`. `reason` is what `sm_remove_connection` hears. */
  closeWithConflict(reason: string, text: string, by: SessionId | undefined): void;
  /** Runs `foreign_event` with this tag and payload. */
  event(tag: string, payload: unknown): void;
}

/**
 * Whether the session that has a number now is the one that somebody wants to end: numbers are used again, and the next session may be of the same
 * JID. `time` is that of its identity, or 0 for whichever it is; `jid` is full or bare.
 */
export function isMeant(session: LocalSession, time: number, jid: string): boolean {
  if (time !== 0 && session.sid.time !== time) return false;
  return session.jid.full === jid || session.jid.bare === jid;
}
