import type { SessionId } from '../xmpp/session-id.ts';
import type { StanzaKind } from '../xmpp/stanza.ts';

/**
 * What crosses from thread to thread, as `codec.ts` writes it. Only values cross: no trees, no handles, nothing shared by reference.
 */
export const FrameKind = {
  /** A stanza for sessions of the receiving shard. */
  ROUTE: 1,
  /** A session of the receiving shard shall end (replaced, kicked). */
  CLOSE_SESSION: 2,
  /** An event for sessions of the receiving shard; their `foreign_event` handlers get it. */
  SESSION_EVENT: 3,
  /** An answer to a request that a client was asked by the server on the receiving shard. */
  IQ_ANSWER: 4,
  /** A fact for all shards (an account was removed, …). */
  NOTICE: 5,
  /** A question: is everything that was sent to the receiving shard before, for an account, done with? */
  FENCE: 6,
  /** Its answer: yes. */
  FENCE_PASSED: 7,
  /** Where a stanza went that had come through the receiving shard, and was routed again. */
  REROUTED: 8,
  /** A question: a stream of the sending shard wants to take over a session of the receiving one. */
  TAKE_OVER: 9,
  /** Its answer: the session, or why not. */
  TAKEN_OVER: 10,
  /** A session that was handed over has arrived: it is found on its new shard from now on. */
  ARRIVED: 11,
  STORE_REQUEST: 16,
  STORE_REPLY: 17,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** Version of all frames. Threads of one process always agree; machines of a cluster may not. */
export const FRAME_VERSION = 1;

/** Accumulator and stanza, as far as they travel. */
export interface RouteFrame {
  readonly kind: typeof FrameKind.ROUTE;
  /** Numbers of the sessions on the receiving shard; with `TO_MANY` for each account how many, then their numbers. */
  readonly targets: readonly number[];
  readonly ref: number;
  readonly timestamp: number;
  readonly origin: number;
  readonly hostType: string | undefined;
  readonly lserver: string;
  readonly from: string;
  /** A JID; with `TO_MANY` bare JIDs, one a line. */
  readonly to: string;
  readonly stanzaKind: StanzaKind;
  readonly type: string | undefined;
  /** Already stamped with `from` and `to`; with `TO_MANY` without both. In the receiver: a view of the ring, gone after the frame is handled. */
  readonly stanza: Buffer;
  readonly originSid: SessionId | undefined;
  /** The full JID behind `originSid`. */
  readonly originJid: string | undefined;
  readonly receiverSid: SessionId | undefined;
  readonly flags: number;
  readonly hops: number;
  readonly visits: number;
  /** Bit set of the shards that the stanza came through, the sending one among them. */
  readonly via: number;
  /** Permanent keys whose modules registered a codec: name and encoded value. */
  readonly keys: readonly (readonly [string, unknown])[] | undefined;
  readonly isTraced: boolean;
}

export interface CloseSessionFrame {
  readonly kind: typeof FrameKind.CLOSE_SESSION;
  readonly number: number;
  /** When the session was bound: the number may have been given to a later one meanwhile, of the same JID even. 0 means whichever has it. */
  readonly time: number;
  /** Full or bare; checked by the owner, too. */
  readonly jid: string;
  readonly reason: string;
  /** Text for the client. */
  readonly text: string;
  readonly by: SessionId | undefined;
}

export interface SessionEventFrame {
  readonly kind: typeof FrameKind.SESSION_EVENT;
  readonly targets: readonly number[];
  /** The bare or full JID that the targets must have. */
  readonly jid: string;
  /** The module that the event is for. */
  readonly tag: string;
  readonly payload: unknown;
}

export interface IqAnswerFrame {
  readonly kind: typeof FrameKind.IQ_ANSWER;
  readonly from: string;
  readonly to: string;
  readonly stanza: Buffer;
}

export interface NoticeFrame {
  readonly kind: typeof FrameKind.NOTICE;
  readonly notice: string;
  readonly payload: unknown;
}

export interface FenceFrame {
  readonly kind: typeof FrameKind.FENCE;
  readonly id: number;
  /** The shard that asks. */
  readonly shard: number;
  /** The account (bare JID) that the stanzas were for. */
  readonly to: string;
  /** Only stanzas of this sender (full JID); undefined for all. */
  readonly from: string | undefined;
  /** Only those sent before this time, in microseconds since the epoch; undefined for all. */
  readonly before: number | undefined;
  /** Also the stanza of that very time, if it came with at least so many visits. */
  readonly visits: number | undefined;
}

export interface FencePassedFrame {
  readonly kind: typeof FrameKind.FENCE_PASSED;
  readonly id: number;
}

export interface ReroutedFrame {
  readonly kind: typeof FrameKind.REROUTED;
  /** The address (full or bare JID) that it was sent to. */
  readonly to: string;
  /** Its sender (full JID). */
  readonly from: string;
  /** Bit set of the shards that it went to. */
  readonly shards: number;
}

export interface TakeOverFrame {
  readonly kind: typeof FrameKind.TAKE_OVER;
  readonly id: number;
  /** What the session will be on the shard that asks. */
  readonly sid: SessionId;
  /** The account (bare JID) that the stream has logged in as. */
  readonly bare: string;
  readonly module: string;
  /** What the stream knows of the session, for its module to judge. */
  readonly content: unknown;
}

export interface TakenOverFrame {
  readonly kind: typeof FrameKind.TAKEN_OVER;
  readonly id: number;
  /** The shard that had the session, if it had. */
  readonly shard: number;
  readonly sid: SessionId;
  /** Undefined when there is no such session, or it is refused; `content` says why. */
  readonly session: SessionRecord | undefined;
  readonly content: unknown;
}

/** A session as plain data. */
export interface SessionRecord {
  /** Its full JID. */
  readonly jid: string;
  /** Its identity and its entry in the directory, on the shard that it comes from. */
  readonly sid: SessionId;
  readonly handle: number;
  readonly priority: number | undefined;
  /** What all shards see of it (`SessionFlag`). */
  readonly flags: number;
  /** What modules keep in it: name and data. */
  readonly states: readonly (readonly [module: string, data: unknown])[];
}

export interface ArrivedFrame {
  readonly kind: typeof FrameKind.ARRIVED;
  /** The number that it had on the receiving shard. */
  readonly number: number;
}

export interface StoreRequestFrame {
  readonly kind: typeof FrameKind.STORE_REQUEST;
  readonly id: number;
  readonly operation: string;
  readonly args: readonly unknown[];
  /** When whoever asks counts it as failed (`util/monotonic.ts`). */
  readonly deadlineMs: number;
}

export interface StoreReplyFrame {
  readonly kind: typeof FrameKind.STORE_REPLY;
  readonly id: number;
  /** Undefined on success; otherwise why it failed. */
  readonly error: string | undefined;
  /** What the operation returned; of one that failed, what it has left behind (`store/failure.ts`). */
  readonly value: unknown;
}

export type Frame =
  | RouteFrame
  | CloseSessionFrame
  | SessionEventFrame
  | IqAnswerFrame
  | NoticeFrame
  | FenceFrame
  | FencePassedFrame
  | ReroutedFrame
  | TakeOverFrame
  | TakenOverFrame
  | ArrivedFrame
  | StoreRequestFrame
  | StoreReplyFrame;
