import './no-native.ts';
import { Packr } from 'msgpackr';
import type { SessionId } from '../xmpp/session-id.ts';
import type { StanzaKind } from '../xmpp/stanza.ts';
import { FRAME_VERSION, type Frame, FrameKind, type RouteFrame } from './kinds.ts';

/** Frames as msgpack: arrays, so that the names of their fields do not travel. */
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true });

type Sid = [number, number, number];

function packSid(sid: SessionId | undefined): Sid | undefined {
  return sid === undefined ? undefined : [sid.time, sid.shard, sid.number];
}

function unpackSid(sid: Sid | null): SessionId | undefined {
  return sid === null ? undefined : { time: sid[0], shard: sid[1], number: sid[2] };
}

/** Encodes a frame. The buffer is the caller's until the next call. */
export function encodeFrame(frame: Frame): Buffer {
  switch (frame.kind) {
    case FrameKind.ROUTE:
      return packr.pack([
        frame.kind,
        FRAME_VERSION,
        frame.targets,
        frame.ref,
        frame.timestamp,
        frame.origin,
        frame.hostType,
        frame.lserver,
        frame.from,
        frame.to,
        frame.stanzaKind,
        frame.type,
        frame.stanza,
        packSid(frame.originSid),
        frame.originJid === frame.from ? true : frame.originJid,
        packSid(frame.receiverSid),
        frame.flags,
        frame.hops,
        frame.keys,
        frame.isTraced,
      ]) as Buffer;
    case FrameKind.CLOSE_SESSION:
      return packr.pack([
        frame.kind,
        FRAME_VERSION,
        frame.number,
        frame.jid,
        frame.reason,
        frame.text,
        packSid(frame.by),
      ]) as Buffer;
    case FrameKind.SESSION_EVENT:
      return packr.pack([
        frame.kind,
        FRAME_VERSION,
        frame.targets,
        frame.jid,
        frame.tag,
        frame.payload,
      ]) as Buffer;
    case FrameKind.IQ_ANSWER:
      return packr.pack([frame.kind, FRAME_VERSION, frame.from, frame.to, frame.stanza]) as Buffer;
    case FrameKind.NOTICE:
      return packr.pack([frame.kind, FRAME_VERSION, frame.notice, frame.payload]) as Buffer;
    case FrameKind.STORE_REQUEST:
      return packr.pack([frame.kind, FRAME_VERSION, frame.id, frame.operation, frame.args]) as Buffer;
    case FrameKind.STORE_REPLY:
      return packr.pack([frame.kind, FRAME_VERSION, frame.id, frame.error, frame.value]) as Buffer;
  }
}

/** A frame that this version cannot read. */
export class BadFrameError extends Error {}

/** Decodes a frame from `bytes[start..end)`. Binary values are views of `bytes`. */
export function decodeFrame(bytes: Buffer, start: number, end: number): Frame {
  const a = packr.unpack(bytes.subarray(start, end)) as unknown[];
  if (!Array.isArray(a) || a[1] !== FRAME_VERSION) throw new BadFrameError('unknown frame version');
  switch (a[0]) {
    case FrameKind.ROUTE:
      return decodeRoute(a);
    case FrameKind.CLOSE_SESSION:
      return {
        kind: FrameKind.CLOSE_SESSION,
        number: a[2] as number,
        jid: a[3] as string,
        reason: a[4] as string,
        text: a[5] as string,
        by: unpackSid(a[6] as Sid | null),
      };
    case FrameKind.SESSION_EVENT:
      return {
        kind: FrameKind.SESSION_EVENT,
        targets: a[2] as number[],
        jid: a[3] as string,
        tag: a[4] as string,
        payload: a[5],
      };
    case FrameKind.IQ_ANSWER:
      return {
        kind: FrameKind.IQ_ANSWER,
        from: a[2] as string,
        to: a[3] as string,
        stanza: a[4] as Buffer,
      };
    case FrameKind.NOTICE:
      return { kind: FrameKind.NOTICE, notice: a[2] as string, payload: a[3] };
    case FrameKind.STORE_REQUEST:
      return {
        kind: FrameKind.STORE_REQUEST,
        id: a[2] as number,
        operation: a[3] as string,
        args: a[4] as unknown[],
      };
    case FrameKind.STORE_REPLY:
      return {
        kind: FrameKind.STORE_REPLY,
        id: a[2] as number,
        error: (a[3] as string | null) ?? undefined,
        value: a[4],
      };
    default:
      throw new BadFrameError(`unknown frame kind ${String(a[0])}`);
  }
}

function decodeRoute(a: unknown[]): RouteFrame {
  const from = a[8] as string;
  return {
    kind: FrameKind.ROUTE,
    targets: a[2] as number[],
    ref: a[3] as number,
    timestamp: a[4] as number,
    origin: a[5] as number,
    hostType: (a[6] as string | null) ?? undefined,
    lserver: a[7] as string,
    from,
    to: a[9] as string,
    stanzaKind: a[10] as StanzaKind,
    type: (a[11] as string | null) ?? undefined,
    stanza: a[12] as Buffer,
    originSid: unpackSid(a[13] as Sid | null),
    originJid: a[14] === true ? from : ((a[14] as string | null) ?? undefined),
    receiverSid: unpackSid(a[15] as Sid | null),
    flags: a[16] as number,
    hops: a[17] as number,
    keys: (a[18] as [string, unknown][] | null) ?? undefined,
    isTraced: a[19] as boolean,
  };
}
