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
