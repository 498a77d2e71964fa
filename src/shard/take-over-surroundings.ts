import { encodeFrame } from '../frame/codec.ts';
import type { Frame } from '../frame/kinds.ts';
import type { Logger } from '../observe/log.ts';
import type { SessionManager } from '../sm/session-manager.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { JidCache } from '../xmpp/jid-cache.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import type { MovedSurroundings } from './moved-session.ts';
import type { SessionStates } from './session-states.ts';
import type { Sessions } from './sessions.ts';
import type { Threads } from './threads.ts';

/** What sessions that move need of their shard. */
export interface TakeOversSurroundings extends MovedSurroundings {
  readonly shard: number;
  readonly shards: number;
  readonly sm: SessionManager;
  readonly threads: Threads;
  readonly jids: JidCache;
  readonly sessions: Sessions;
  readonly states: SessionStates;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  /** The name of the host type that serves a domain. */
  hostTypeOf(domain: string): string | undefined;
  /** The server stops: sessions are ended, and this one came too late for that. */
  isDraining(): boolean;
  /** A session was lost on its way: cleans up as after a dead shard. */
  lostSession(jid: Jid, sid: SessionId): void;
}

/** Sends a frame. While the way is full, it is tried again at the end of each turn; until the other one is gone. */
export function sendSurely({ outbox, loop }: Threads, shard: number, frame: Frame): void {
  loop.touch();
  const lane = outbox.lane(shard);
  if (lane === undefined || outbox.send(shard, encodeFrame(frame))) return;
  void loop.whenDone(() => outbox.lane(shard) !== lane || outbox.send(shard, encodeFrame(frame)));
}
