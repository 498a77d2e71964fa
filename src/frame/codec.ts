import './no-native.ts';
import { Packr } from 'msgpackr';
import type { SessionId } from '../xmpp/session-id.ts';
import { FRAME_VERSION, type Frame, FrameKind, type SessionRecord } from './kinds.ts';
import { type MessageRecord, packRecords, unpackRecords } from './message-records.ts';
import { decodeRoute, encodeRoute } from './route-frame.ts';

/**
 * Frames as bytes. Routed stanzas have a layout of their own (`route-frame.ts`); all others are msgpack arrays, so that the names of their
 * fields do not travel, and begin with kind and version.
 */
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true, copyBuffers: true });

type Sid = [time: number, shard: number, number: number];
type Session = [
  jid: string,
  sid: Sid,
  handle: number,
  priority: number | null,
  flags: number,
  states: SessionRecord['states'],
];

/** Encodes a frame. The bytes are valid until the next call. */
export function encodeFrame(frame: Frame): Buffer {
  return frame.kind === FrameKind.ROUTE
    ? encodeRoute(frame)
    : (packr.pack([frame.kind, FRAME_VERSION, ...fieldsOf(frame)]) as Buffer);
}

function fieldsOf(frame: Exclude<Frame, { kind: typeof FrameKind.ROUTE }>): unknown[] {
  switch (frame.kind) {
    case FrameKind.CLOSE_SESSION:
      return [frame.number, frame.time, frame.jid, frame.reason, frame.text, packSid(frame.by)];
    case FrameKind.SESSION_EVENT:
      return [frame.targets, frame.jid, frame.tag, frame.payload];
    case FrameKind.IQ_ANSWER:
      return [frame.from, frame.to, frame.stanza];
    case FrameKind.NOTICE:
      return [frame.notice, frame.payload];
    case FrameKind.FENCE:
      return [frame.id, frame.shard, frame.to, frame.from, frame.before, frame.visits];
    case FrameKind.FENCE_PASSED:
      return [frame.id];
    case FrameKind.REROUTED:
      return [frame.to, frame.from, frame.shards];
    case FrameKind.TAKE_OVER:
      return [frame.id, packSid(frame.sid), frame.bare, frame.module, frame.content];
    case FrameKind.TAKEN_OVER:
      return [frame.id, frame.shard, packSid(frame.sid), packSession(frame.session), frame.content];
    case FrameKind.ARRIVED:
      return [frame.number];
    case FrameKind.STORE_REQUEST:
      return [frame.id, frame.operation, packArguments(frame.operation, frame.args), frame.deadlineMs];
    case FrameKind.STORE_REPLY:
      return [frame.id, frame.error, frame.value];
  }
}

/** A frame that this version cannot read. */
export class BadFrameError extends Error {}

/**
 * Decodes a frame from `bytes[start..end)`. The stanza of a {@link import('./kinds.ts').RouteFrame} is a view of `bytes`; everything else
 * is the caller's to keep.
 */
export function decodeFrame(bytes: Buffer, start: number, end: number): Frame {
  if (bytes[start] === FrameKind.ROUTE) {
    if (bytes[start + 1] !== FRAME_VERSION) throw new BadFrameError('unknown frame version');
    return decodeRoute(bytes, start, end);
  }
  const fields = packr.unpack(bytes.subarray(start, end)) as unknown[];
  if (!Array.isArray(fields) || fields[1] !== FRAME_VERSION) throw new BadFrameError('unknown frame version');
  switch (fields[0]) {
    case FrameKind.CLOSE_SESSION:
      return {
        kind: FrameKind.CLOSE_SESSION,
        number: fields[2] as number,
        time: fields[3] as number,
        jid: fields[4] as string,
        reason: fields[5] as string,
        text: fields[6] as string,
        by: unpackSid(fields[7] as Sid | null),
      };
    case FrameKind.SESSION_EVENT:
      return {
        kind: FrameKind.SESSION_EVENT,
        targets: fields[2] as number[],
        jid: fields[3] as string,
        tag: fields[4] as string,
        payload: fields[5],
      };
    case FrameKind.IQ_ANSWER:
      return {
        kind: FrameKind.IQ_ANSWER,
        from: fields[2] as string,
        to: fields[3] as string,
        stanza: fields[4] as Buffer,
      };
    case FrameKind.NOTICE:
      return { kind: FrameKind.NOTICE, notice: fields[2] as string, payload: fields[3] };
    case FrameKind.FENCE:
      return {
        kind: FrameKind.FENCE,
        id: fields[2] as number,
        shard: fields[3] as number,
        to: fields[4] as string,
        from: (fields[5] as string | null) ?? undefined,
        before: (fields[6] as number | null) ?? undefined,
        visits: (fields[7] as number | null) ?? undefined,
      };
    case FrameKind.FENCE_PASSED:
      return { kind: FrameKind.FENCE_PASSED, id: fields[2] as number };
    case FrameKind.REROUTED:
      return {
        kind: FrameKind.REROUTED,
        to: fields[2] as string,
        from: fields[3] as string,
        shards: fields[4] as number,
      };
    case FrameKind.TAKE_OVER:
      return {
        kind: FrameKind.TAKE_OVER,
        id: fields[2] as number,
        sid: unpackSid(fields[3] as Sid)!,
        bare: fields[4] as string,
        module: fields[5] as string,
        content: fields[6],
      };
    case FrameKind.TAKEN_OVER:
      return {
        kind: FrameKind.TAKEN_OVER,
        id: fields[2] as number,
        shard: fields[3] as number,
        sid: unpackSid(fields[4] as Sid)!,
        session: unpackSession(fields[5] as Session | null),
        content: fields[6],
      };
    case FrameKind.ARRIVED:
      return { kind: FrameKind.ARRIVED, number: fields[2] as number };
    case FrameKind.STORE_REQUEST:
      return {
        kind: FrameKind.STORE_REQUEST,
        id: fields[2] as number,
        operation: fields[3] as string,
        args: unpackArguments(fields[3] as string, fields[4] as unknown[]),
        deadlineMs: fields[5] as number,
      };
    case FrameKind.STORE_REPLY:
      return {
        kind: FrameKind.STORE_REPLY,
        id: fields[2] as number,
        error: (fields[3] as string | null) ?? undefined,
        value: fields[4],
      };
    default:
      throw new BadFrameError(`unknown frame kind ${String(fields[0])}`);
  }
}

/** The operation that has many small things to carry, and the one that has others in it. */
const ARCHIVE = 'archive_append';
const BATCH = 'write_all';

type Write = readonly [operation: string, args: unknown[]];

function packArguments(operation: string, args: readonly unknown[]): readonly unknown[] {
  if (operation === ARCHIVE) return packRecords(args[0] as MessageRecord[]);
  if (operation !== BATCH) return args;
  const [id, writes, ...others] = args as [unknown, readonly Write[], ...unknown[]];
  return [id, writes.map(([inner, innerArgs]) => [inner, packArguments(inner, innerArgs)]), ...others];
}

function unpackArguments(operation: string, args: unknown[]): unknown[] {
  if (operation === ARCHIVE) return [unpackRecords(args as Parameters<typeof unpackRecords>[0])];
  if (operation !== BATCH) return args;
  const [id, writes, ...others] = args as [unknown, readonly Write[], ...unknown[]];
  return [id, writes.map(([inner, innerArgs]) => [inner, unpackArguments(inner, innerArgs)]), ...others];
}

function packSession(session: SessionRecord | undefined): Session | undefined {
  if (session === undefined) return undefined;
  const { jid, sid, handle, priority, flags, states } = session;
  return [jid, packSid(sid)!, handle, priority ?? null, flags, states];
}

function unpackSession(session: Session | null): SessionRecord | undefined {
  if (session === null) return undefined;
  const [jid, sid, handle, priority, flags, states] = session;
  return { jid, sid: unpackSid(sid)!, handle, priority: priority ?? undefined, flags, states };
}

function packSid(sid: SessionId | undefined): Sid | undefined {
  return sid === undefined ? undefined : [sid.time, sid.shard, sid.number];
}

function unpackSid(sid: Sid | null): SessionId | undefined {
  return sid === null ? undefined : { time: sid[0], shard: sid[1], number: sid[2] };
}
