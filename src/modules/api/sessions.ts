import type { Accumulator } from '../../hooks/accumulator.ts';
import type { StreamLogin } from '../../hooks/login.ts';
import type { C2sParams } from '../../hooks/session.ts';
import type { SessionRef } from '../../sm/session-manager.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { SessionId } from '../../xmpp/session-id.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { SessionHandle } from './session-handle.ts';
import type { TakeOverResult } from './take-over.ts';

/** A session of any shard that has flags. */
export interface FlaggedSession extends SessionId {
  readonly flags: number;
  /** Its full JID. */
  readonly jid: Jid;
}

/** Sessions: of an account on all shards, and those of this shard. */
export interface SessionsApi {
  /** The number under which this module keeps its state in sessions. */
  readonly slot: number;
  /** All sessions of an account, on all shards. */
  sessions(bare: Jid): SessionRef[];
  /** The full JIDs of an account's available sessions, on all shards. */
  availableResources(bare: Jid): Promise<Jid[]>;
  /**
   * The sessions of an account but `except` that have any of these flags (`SessionFlag`), on all shards. Where no session of the account has one, that costs
   * one read, and nothing is allocated. A promise only where an address is longer than the directory keeps.
   */
  flaggedSessions(
    bare: Jid,
    flags: number,
    except?: SessionId,
  ): readonly FlaggedSession[] | Promise<readonly FlaggedSession[]>;
  /** Gives one of this shard's sessions a flag that all shards can see, or takes it away. */
  setFlag(session: C2sParams, flag: number, isSet: boolean): void;
  /** Whether `reader` is the user, or may see the user's presence: asks `roster_get_jid_info`. */
  isSubscribed(reader: Jid, user: Jid): boolean | Promise<boolean>;
  /** A session of this shard by its full JID. */
  session(full: Jid): SessionHandle | undefined;
  /** A session of this shard by the parameters that its hooks give. */
  handle(session: C2sParams): SessionHandle;
  /** Makes a session available with a priority, and runs `set_presence`. */
  setPresence(params: C2sParams, acc: Accumulator, priority: number, presence: Stanza): void;
  /** Makes a session unavailable, and runs `unset_presence`. */
  unsetPresence(params: C2sParams, acc: Accumulator, status: string): void;
  /** Runs `resend_offline_messages` for a session, and routes what it gives. */
  resendOffline(params: C2sParams, acc: Accumulator): void;
  /** What a client sent is being stored: until that is done the stanza does not count as handled (XEP-0198). */
  committing(acc: Accumulator, until: Promise<unknown>): void;
  /** Sends an event to sessions of an account: their `foreign_event` handlers get it with this module's name as tag. Returns to how many. */
  sendEvent(bare: Jid, content: unknown, wanted?: (session: SessionRef) => boolean): number;
  /** Ends all sessions of an account, on all shards, with the stream error `conflict` and a text. Returns how many. */
  closeSessions(bare: Jid, text: string): number;
  /** Resolves when the other shards have handled all that this one has sent them so far. */
  whenHandled(): Promise<void>;
  /** The stream behind the parameters of a hook while it has no session, for a module that logs its client in. */
  login(params: C2sParams): StreamLogin;
  /** Whether the stream's user may have a session on it: the listener's access rule and `session_opening_allowed_for_user`. */
  mayOpenSession(stream: C2sParams): boolean | Promise<boolean>;
  /**
   * Looks for a session that `stream`, which has logged in and bound nothing, may take over: asks the {@link onTakeOver} of this module on this shard, then on those
   * that have sessions of the account (on all, if `isEverywhere`). Input waits meanwhile. `done` is called once; not if the stream ends before a session is found,
   * nor after the returned function was called, which gives it up: a session that is on its way then ends.
   */
  takeOver(
    stream: C2sParams,
    content: unknown,
    isEverywhere: boolean,
    done: (result: TakeOverResult) => void,
  ): () => void;
}
