import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { BadFrameError, decodeFrame, encodeFrame } from '../../../src/frame/codec.ts';
import { FRAME_VERSION, type Frame, FrameKind, type RouteFrame } from '../../../src/frame/kinds.ts';
import { decodeValue, encodeValue } from '../../../src/frame/value.ts';

const STANZA = Buffer.from(
  "<message from='romeo@localhost/orchard' to='juliet@localhost'><body>Ay me!</body></message>",
);

function route(changes: Partial<RouteFrame> = {}): RouteFrame {
  return {
    kind: FrameKind.ROUTE,
    targets: [17],
    ref: 0x100000000000 + 12_345,
    timestamp: 1_800_000_000_123_456,
    origin: 1,
    hostType: 'localhost',
    lserver: 'localhost',
    from: 'romeo@localhost/orchard',
    to: 'juliet@localhost',
    stanzaKind: 0,
    type: 'chat',
    stanza: STANZA,
    originSid: { time: 1_800_000_000_000_001, shard: 3, number: 4_294_967_295 },
    originJid: 'romeo@localhost/orchard',
    receiverSid: undefined,
    flags: 0x8001,
    hops: 0,
    visits: 0,
    via: 0,
    keys: undefined,
    isTraced: false,
    ...changes,
  };
}

/** Encodes, decodes somewhere in shared memory as a ring would, encodes again. */
function cross<F extends Frame>(frame: F): F {
  const bytes = Buffer.from(encodeFrame(frame));
  const memory = Buffer.from(new SharedArrayBuffer(bytes.length + 64));
  memory.fill(0xee);
  bytes.copy(memory, 20);
  const decoded = decodeFrame(memory, 20, 20 + bytes.length) as F;
  expect(Buffer.from(encodeFrame(decoded)).equals(bytes)).toBe(true);
  return decoded;
}

describe('a routed stanza', () => {
  it('crosses as it is, whatever of it there is', () => {
    const frames: Partial<RouteFrame>[] = [
      {},
      { type: undefined },
      { type: '' },
      { hostType: undefined },
      { hostType: 'another host type' },
      { originSid: undefined, originJid: undefined },
      { originJid: 'nurse@localhost/hall' },
      { receiverSid: { time: 1, shard: 0, number: 0 } },
      { isTraced: true, hops: 17, visits: 255, flags: 0xffff, origin: 6, stanzaKind: 2 },
      {
        keys: [
          ['stable_stanza_id/value', 'AAECAwQFBgc='],
          ['amp/rules', [['deliver', 'direct', 'drop']]],
        ],
      },
      { targets: [] },
      { targets: Array.from({ length: 70_000 }, (_unused, i) => i * 3) },
      { ref: 0, timestamp: 0 },
      { ref: Number.MAX_SAFE_INTEGER, timestamp: Number.MAX_SAFE_INTEGER },
      { stanza: Buffer.from('<a/>') },
      { stanza: Buffer.alloc(300_000, 'x') },
      { from: '', to: '', lserver: '' },
    ];
    for (const changes of frames) expect(cross(route(changes))).toEqual(route(changes));
  });

  it('survives astral Unicode in every part', () => {
    const text = '🌹-e\u0301-\u202e-\u{10ffff}-ß';
    const frame = route({
      from: `${text}@localhost/${text}`,
      to: `${text}@${text}/${text}`,
      lserver: text,
      hostType: `${text}!`,
      type: text,
      originJid: `${text}@localhost/other`,
      keys: [[text, { [text]: text }]],
      stanza: Buffer.from(`<message><body>${text}</body></message>`),
    });
    expect(cross(frame)).toEqual(frame);
  });

  it('survives addresses of three times 1023 bytes', () => {
    const part = 'x'.repeat(1_023);
    const wide = 'ü'.repeat(511);
    const frame = route({ from: `${part}@${part}/${part}`, to: `${wide}@${wide}/${wide}`, lserver: part });
    expect(cross(frame)).toEqual(frame);
  });

  it('survives permanent keys with 64-bit numbers and bytes', () => {
    const keys: RouteFrame['keys'] = [
      ['id', 18_446_744_073_709_551_615n],
      ['bytes', Buffer.from([0, 1, 255])],
      ['nested', [null, true, -1, 1.5, 'text', { a: [] }]],
    ];
    expect(cross(route({ keys })).keys).toEqual(keys);
  });

  it('keeps its stanza where it came, and everything else apart from there', () => {
    const bytes = Buffer.from(encodeFrame(route({ keys: [['bytes', Buffer.from('kept')]] })));
    const decoded = decodeFrame(bytes, 0, bytes.length) as RouteFrame;
    bytes.fill(0);
    expect(decoded.stanza.equals(Buffer.alloc(STANZA.length))).toBe(true);
    expect(decoded).toMatchObject({ from: 'romeo@localhost/orchard', to: 'juliet@localhost', type: 'chat' });
    expect(Buffer.from(decoded.keys![0]![1] as Uint8Array).toString()).toBe('kept');
  });

  it('is small: an ordinary chat message adds less than 130 bytes to its stanza', () => {
    expect(encodeFrame(route()).length - STANZA.length).toBeLessThan(130);
  });

  it('of another version is refused', () => {
    const bytes = Buffer.from(encodeFrame(route()));
    bytes[1] = FRAME_VERSION + 1;
    expect(() => decodeFrame(bytes, 0, bytes.length)).toThrow(BadFrameError);
  });

  it('whose lengths are impossible is refused', () => {
    const bytes = Buffer.from(encodeFrame(route()));
    for (const at of [48, 52, 56]) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt32LE(0xffffff, at);
      expect(() => decodeFrame(damaged, 0, damaged.length)).toThrow();
    }
    for (const length of [1, 2, 40, 59, 61, bytes.length - 1]) {
      expect(() => decodeFrame(bytes, 0, length)).toThrow();
    }
  });
});

describe('other frames', () => {
  const frames: Frame[] = [
    {
      kind: FrameKind.CLOSE_SESSION,
      number: 7,
      time: 1_799_999_999_999_999,
      jid: 'juliet@localhost/balcony',
      reason: 'replaced',
      text: 'Replaced by new connection 🌹',
      by: { time: 1_800_000_000_000_000, shard: 1, number: 2 },
    },
    {
      kind: FrameKind.CLOSE_SESSION,
      number: 0,
      time: 0,
      jid: 'x',
      reason: 'kicked',
      text: '',
      by: undefined,
    },
    {
      kind: FrameKind.SESSION_EVENT,
      targets: [1, 2, 3],
      jid: 'x',
      tag: 'mod_roster',
      payload: { a: [1, null] },
    },
    { kind: FrameKind.IQ_ANSWER, from: 'a', to: 'b', stanza: STANZA },
    { kind: FrameKind.NOTICE, notice: 'user_removed', payload: 'juliet@localhost' },
    {
      kind: FrameKind.FENCE,
      id: 1,
      shard: 30,
      to: 'juliet@localhost',
      from: undefined,
      before: undefined,
      visits: undefined,
    },
    {
      kind: FrameKind.FENCE,
      id: 2,
      shard: 0,
      to: 'juliet@localhost',
      from: 'romeo@localhost/orchard',
      before: 2 ** 50,
      visits: 3,
    },
    { kind: FrameKind.FENCE_PASSED, id: 2 ** 40 },
    { kind: FrameKind.REROUTED, to: 'juliet@localhost', from: 'romeo@localhost/orchard', shards: 0x7fffffff },
    {
      kind: FrameKind.STORE_REPLY,
      id: 2 ** 40,
      error: undefined,
      value: [{ id: 1, packet: Buffer.from('<a/>') }],
    },
    { kind: FrameKind.STORE_REPLY, id: 1, error: 'disk full', value: null },
  ];

  it.each(frames.map((frame) => [frame.kind, frame] as const))(
    'of kind %i cross as they are',
    (_kind, frame) => {
      expect(cross(frame)).toEqual(frame);
    },
  );

  it('keep nothing of the memory they came in', () => {
    const bytes = Buffer.from(
      encodeFrame({
        kind: FrameKind.STORE_REPLY,
        id: 1,
        error: undefined,
        value: [{ packet: Buffer.from('kept') }],
      }),
    );
    const frame = decodeFrame(bytes, 0, bytes.length) as { value: { packet: Buffer }[] };
    bytes.fill(0);
    expect(frame.value[0]!.packet.toString()).toBe('kept');
    expect(frame.value[0]!.packet).toBeInstanceOf(Buffer);
  });

  it.each([
    ['another version', [FrameKind.NOTICE, FRAME_VERSION + 1, 'x', null]],
    ['no version', [FrameKind.NOTICE]],
    ['an unknown kind', [99, FRAME_VERSION]],
    ['no array', 'text'],
    ['nothing', null],
  ])('with %s are refused', (_what, value) => {
    const bytes = new Packr({ useRecords: false }).pack(value) as Buffer;
    expect(() => decodeFrame(bytes, 0, bytes.length)).toThrow(BadFrameError);
  });

  it('do not touch prototypes', () => {
    const payload = JSON.parse(
      '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}',
    ) as object;
    const bytes = Buffer.from(encodeFrame({ kind: FrameKind.NOTICE, notice: 'x', payload }));
    decodeFrame(bytes, 0, bytes.length);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe('a kept value', () => {
  it('comes back as it was, apart from the memory it was in', () => {
    const value = [null, 'ü', 1.5, 2n ** 63n, new Map([['k', Buffer.from('v')]]), { a: { b: [] } }];
    const bytes = Buffer.from(encodeValue(value));
    const decoded = decodeValue(bytes) as typeof value;
    expect(decoded[1]).toBe('ü');
    bytes.fill(0);
    expect(decoded[5]).toEqual({ a: { b: [] } });
    expect(decoded[3]).toBe(2n ** 63n);
  });
});

it('keeps a number of hops that is too large for it far beyond their limit', () => {
  const bytes = Buffer.from(encodeFrame(route({ hops: 40, stanzaKind: 2 })));
  expect(decodeFrame(bytes, 0, bytes.length)).toMatchObject({ hops: 31, stanzaKind: 2 });
});
