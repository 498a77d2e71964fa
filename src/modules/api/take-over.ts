import type { C2sParams } from '../../hooks/session.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { SessionId } from '../../xmpp/session-id.ts';

/** What the module of a session says to a stream that wants to take it over. */
export type TakeOverVerdict =
  /** There is no such session on this shard. `content`: what is remembered of one that was here. */
  | { readonly kind: 'none'; readonly content?: unknown }
  | { readonly kind: 'refused'; readonly content: unknown }
  | { readonly kind: 'offered'; readonly session: C2sParams };

/** How it ended. `taken`: `session` has the stream's connection now; if that was lost meanwhile its state is `external`. */
export type TakeOverResult =
  | { readonly kind: 'none' | 'refused'; readonly content: unknown }
  | { readonly kind: 'taken'; readonly session: C2sParams };

/** The part of a module on the shard that has the session. */
export interface TakeOverJudge {
  /**
   * Whether a stream that has logged in as `bare` may have a session of that account. May be asked again for the same stream, after something that the session
   * was doing is done; changes nothing.
   */
  judge(bare: Jid, content: unknown): TakeOverVerdict;
  /** The session was lost on its way to another shard. `state`: what the module keeps in it, as `encode` made it. */
  salvage(state: unknown, jid: Jid): void;
}

/** How a module's state in a session goes with it to another shard. Without this, only strings, numbers and booleans do. */
export interface StateCodec<State = never> {
  /** Plain data; undefined: nothing need go. */
  encode(state: State, session: C2sParams): unknown;
  decode(data: unknown, session: C2sParams): State | undefined;
  /**
   * Another connection is about to take the session over, on this shard or another: what waits in `state` for the client goes out now, and so becomes part of
   * what the client has not acknowledged. May be called several times before that happens.
   */
  beforeTakeOver?(state: State, session: C2sParams): void;
  /** The session has left: `state` is of no more use here. */
  left?(state: State, session: C2sParams, to: SessionId): void;
  /** It has arrived, with the state of all modules, and its client has been told. */
  arrived?(state: State, session: C2sParams): void;
}
