import { decodeFrame, encodeFrame } from '../../src/frame/codec.ts';
import { type Frame, FrameKind } from '../../src/frame/kinds.ts';
import { StanzaKind } from '../../src/xmpp/stanza.ts';
import { type MicroBench, measure } from '../lib/micro.ts';

/** Frames to bytes and back; the bytes lie in shared memory, as in a ring. */

const STANZA = Buffer.from(
  `<message from='alice@localhost/laptop' to='bob@localhost/phone' id='a1b2c3d4' type='chat'><body>${'x'.repeat(180)}</body></message>`,
);

const ROUTE: Frame = {
  kind: FrameKind.ROUTE,
  targets: [4_711],
  ref: 17_592_186_044_417,
  timestamp: 1_800_000_000_000_000,
  origin: 0,
  hostType: 'localhost',
  lserver: 'localhost',
  from: 'alice@localhost/laptop',
  to: 'bob@localhost/phone',
  stanzaKind: StanzaKind.MESSAGE,
  type: 'chat',
  stanza: STANZA,
  originSid: { time: 1_800_000_000_000_000, shard: 0, number: 12 },
  originJid: 'alice@localhost/laptop',
  receiverSid: undefined,
  flags: 0,
  hops: 0,
  visits: 0,
  via: 1,
  keys: undefined,
  isTraced: false,
};
const FRAMES: readonly (readonly [string, Frame])[] = [
  ['a message for one session', ROUTE],
  ['a message for 100 sessions', { ...ROUTE, targets: Array.from({ length: 100 }, (_unused, i) => i) }],
  ['a message with a permanent key', { ...ROUTE, keys: [['mod_x/key', { value: 1 }]] }],
  [
    'a request to the store',
    {
      kind: FrameKind.STORE_REQUEST,
      id: 7,
      operation: 'account_get',
      args: ['localhost', 'juliet'],
      deadlineMs: 1,
    },
  ],
];

export const run: MicroBench = ({ smoke }) =>
  measure(smoke, (add) => {
    for (const [name, frame] of FRAMES) {
      const encoded = encodeFrame(frame);
      const shared = Buffer.from(new SharedArrayBuffer(encoded.length));
      encoded.copy(shared);
      add(`encode: ${name}`, () => encodeFrame(frame).length);
      add(`decode: ${name}`, () => decodeFrame(shared, 0, shared.length).kind);
    }
  });
