import type { Jid } from '../xmpp/jid.ts';
import type { JidCache } from '../xmpp/jid-cache.ts';
import { Stanza, type StanzaKind } from '../xmpp/stanza.ts';
import { Accumulator, type Origin } from './accumulator.ts';
import type { C2sParams, SessionId } from './session.ts';

/** What objects and strings of one kept stanza take beside its bytes, roughly; for limits by size. */
const OVERHEAD_BYTES = 256;

let scratch = Buffer.allocUnsafeSlow(8_192);

/** A {@link KeptStanza} as plain data. */
export type KeptRecord = readonly [
  bytes: Buffer,
  kind: StanzaKind,
  type: string | undefined,
  from: string,
  to: string,
  timestamp: number,
  ref: number,
  origin: number,
  originSid: readonly [number, number, number] | undefined,
  originJid: string | undefined,
  flags: number,
  hops: number,
  visits: number,
  via: number,
  keys: readonly (readonly [string, unknown])[],
];

/**
 * A stanza that is kept after it was written to its client: its bytes, stamped with `from` and `to`, and of its accumulator what travels.
 *
 * The bytes are a string of one character a byte: tight in memory and gone with the next collection, whereas small buffers share slabs, of which
 * one forgotten stanza would hold 64 KiB.
 */
export class KeptStanza {
  readonly text: string;
  readonly kind: StanzaKind;
  readonly type: string | undefined;
  readonly from: Jid;
  readonly to: Jid;
  readonly timestamp: number;
  readonly ref: number;
  readonly origin: Origin;
  readonly originSid: SessionId | undefined;
  readonly originJid: Jid | undefined;
  readonly flags: number;
  readonly hops: number;
  readonly visits: number;
  readonly via: number;
  readonly keys: ReadonlyMap<string, unknown> | undefined;

  private constructor(text: string, acc: Accumulator) {
    const stanza = acc.stanza!;
    this.text = text;
    this.kind = stanza.kind;
    this.type = stanza.type;
    this.from = acc.from;
    this.to = acc.to;
    this.timestamp = acc.timestamp;
    this.ref = acc.ref;
    this.origin = acc.origin;
    this.originSid = acc.originSid;
    this.originJid = acc.originJid;
    this.flags = acc.flags;
    this.hops = acc.hops;
    this.visits = acc.visits;
    this.via = acc.via;
    this.keys = acc.permanentKeys();
  }

  /** Keeps the stanza of `acc` as it would be written now. */
  static of(acc: Accumulator): KeptStanza {
    const stanza = acc.stanza!;
    const from = acc.from.wire;
    const to = acc.to.wire;
    const size = stanza.sizeMax(from, to);
    if (size > scratch.length) scratch = Buffer.allocUnsafeSlow(size * 2);
    return new KeptStanza(scratch.latin1Slice(0, stanza.write(scratch, 0, from, to)), acc);
  }

  /** Bytes of memory that this takes, roughly. */
  get size(): number {
    return this.text.length + OVERHEAD_BYTES;
  }

  /** The stanza, on its way again in the context of `session`. Its bytes are its own. */
  restore(session: Pick<C2sParams, 'hostType' | 'lserver'>): Accumulator {
    const { hostType, lserver } = session;
    const bytes = Buffer.from(this.text, 'latin1');
    const stanza = Stanza.ofBytes(this.kind, this.type, bytes, 0, bytes.length).own();
    const { ref, timestamp, origin, from, to } = this;
    const acc = new Accumulator(ref, timestamp, origin, hostType, lserver, stanza, from, to);
    acc.originSid = this.originSid;
    acc.originJid = this.originJid;
    acc.flags = this.flags;
    acc.hops = this.hops;
    acc.visits = this.visits;
    acc.via = this.via;
    acc.adoptPermanent(this.keys);
    return acc;
  }

  /** As plain data. `encodeKeys` makes it of permanent keys (`ModuleContext.encodeKeys`). */
  toRecord(encodeKeys: (keys: ReadonlyMap<string, unknown> | undefined) => KeptRecord[14]): KeptRecord {
    const { originSid } = this;
    return [
      Buffer.from(this.text, 'latin1'),
      this.kind,
      this.type,
      this.from.full,
      this.to.full,
      this.timestamp,
      this.ref,
      this.origin,
      originSid === undefined ? undefined : [originSid.time, originSid.shard, originSid.number],
      this.originJid?.full,
      this.flags,
      this.hops,
      this.visits,
      this.via,
      encodeKeys(this.keys),
    ];
  }

  /** Of what {@link toRecord} made. */
  static fromRecord(
    record: KeptRecord,
    jids: Pick<JidCache, 'trusted'>,
    decodeKeys: (keys: KeptRecord[14]) => ReadonlyMap<string, unknown> | undefined,
  ): KeptStanza {
    const [
      bytes,
      kind,
      type,
      from,
      to,
      timestamp,
      ref,
      origin,
      sid,
      originJid,
      flags,
      hops,
      visits,
      via,
      keys,
    ] = record;
    const stanza = Stanza.ofBytes(kind, type ?? undefined, bytes, 0, bytes.length);
    const acc = new Accumulator(
      ref,
      timestamp,
      origin as Origin,
      undefined,
      '',
      stanza,
      jids.trusted(from),
      jids.trusted(to),
    );
    if (sid !== undefined && sid !== null) acc.originSid = { time: sid[0], shard: sid[1], number: sid[2] };
    acc.originJid = originJid === undefined || originJid === null ? undefined : jids.trusted(originJid);
    acc.flags = flags;
    acc.hops = hops;
    acc.visits = visits;
    acc.via = via;
    acc.adoptPermanent(decodeKeys(keys));
    return new KeptStanza(bytes.latin1Slice(0, bytes.length), acc);
  }
}
