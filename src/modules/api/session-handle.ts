import type { Accumulator } from '../../hooks/accumulator.ts';
import type { Acknowledger } from '../../hooks/acknowledger.ts';
import type { C2sParams } from '../../hooks/session.ts';
import type { SessionId } from '../../xmpp/session-id.ts';

/** A session of this shard, as far as modules steer it. */
export interface SessionHandle {
  readonly params: C2sParams;
  /**
   * Calls back when all stanzas so far have reached the client as surely as its stream can tell: it has acknowledged them, if it acknowledges (XEP-0198); otherwise
   * the kernel has taken them, be it after the end of the session. With false when that is not going to happen: the session, or without acknowledgements
   * its connection, has ended before.
   */
  afterDelivery(callback: (isDelivered: boolean) => void): void;
  /** Messages out of storage that its client has not acknowledged; none for one that does not acknowledge. */
  readonly unacknowledgedStored: number;
  /** Calls back for each of these, in order, like {@link afterDelivery} right after it. For a session that has come from another shard. */
  afterEachStored(callback: (isDelivered: boolean) => void): void;
  /** How many more stanzas its client may leave unacknowledged; infinite for one that does not acknowledge. */
  readonly room: number;
  /**
   * Keeps what arrives for the session waiting, in order, until the promise settles. A session that is resumed on another shard goes there after that; with `isForOrder`
   * at once, and what waits goes with it: where `sessionState` decodes, it must be held again.
   */
  holdReceiving(until: Promise<unknown>, isForOrder?: boolean): void;
  /** Gives a stanza that was kept back to the last step, just before the socket. */
  flush(acc: Accumulator): void;
  /** Ends the session; handlers of `user_stop_request` may keep it. */
  stop(reason: string): void;
  /** Ends the session with a conflict, in favour of another one. */
  replace(by: SessionId): void;
  /** Ends the session in any case; `lastWords` (a stream error) come before the closing tag. */
  end(reason: string, lastWords?: string): void;
  /** Writes XML that is no routed stanza: no hook sees it. */
  write(xml: string): void;
  /** Writes a stanza that this session has received before, as it is: of the hooks only `xmpp_send_element` sees it. */
  writeStanza(acc: Accumulator): void;
  /** Has XML stand behind everything else of this turn's output; one such text per turn, another one takes its place. */
  writeLast(xml: string): void;
  /** Whether something that the client has sent is being stored, or may wait for room on its way to another shard. */
  readonly isCommitting: boolean;
  /** Whether something that the client has sent is on its way: what it leads to, and whether that must be stored, is not decided. There is one such thing at most. */
  readonly isHandling: boolean;
  /**
   * Settles when what the client has sent so far and is being stored is stored, or is not going to be, what waits for room on its way to another shard is there, and what is on its way
   * has come to where that is decided; undefined when there is no such thing.
   */
  whenCommitted(): Promise<unknown> | undefined;
  /** Says that the client acknowledges what it gets, and how one waits for that. */
  acknowledges(acknowledger: Acknowledger | undefined): void;
  /** The session that has taken this one's resource. */
  readonly replacedBy: SessionId | undefined;
}
