import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from '../../src/frame/codec.ts';
import { FrameKind, type RouteFrame } from '../../src/frame/kinds.ts';
import { FUZZ_TIMEOUT_MS, settings } from './settings.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const sid = fc.record({ time: fc.maxSafeNat(), shard: fc.nat(63), number: fc.nat(4_000_000) });
const u16 = fc.nat(0xffff);

const routes: fc.Arbitrary<RouteFrame> = fc.record({
  kind: fc.constant(FrameKind.ROUTE),
  targets: fc.array(fc.nat(2 ** 32 - 1)),
  ref: fc.maxSafeNat(),
  timestamp: fc.maxSafeNat(),
  origin: fc.nat(6),
  hostType: fc.option(text, { nil: undefined }),
  lserver: text,
  from: text,
  to: text,
  stanzaKind: fc.constantFrom(0, 1, 2, 3),
  type: fc.option(text, { nil: undefined }),
  stanza: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  originSid: fc.option(sid, { nil: undefined }),
  originJid: fc.option(text, { nil: undefined }),
  receiverSid: fc.option(sid, { nil: undefined }),
  flags: u16,
  hops: fc.nat(31),
  visits: fc.nat(255),
  via: fc.nat(0x7fffffff),
  keys: fc.option(
    fc.array(
      fc.tuple(
        text,
        fc.oneof(
          text,
          fc.integer(),
          fc.boolean(),
          fc.constant(null),
          fc.bigInt({ min: 2n ** 60n, max: 2n ** 64n - 1n }),
        ),
      ),
    ),
    { nil: undefined },
  ),
  isTraced: fc.boolean(),
});

it(
  'a routed stanza survives encoding and decoding, and is encoded the same again',
  () => {
    fc.assert(
      fc.property(routes, fc.nat(50), (frame, offset) => {
        const bytes = Buffer.from(encodeFrame(frame));
        const memory = Buffer.from(new SharedArrayBuffer(bytes.length + offset + 8));
        bytes.copy(memory, offset);
        const decoded = decodeFrame(memory, offset, offset + bytes.length);
        expect(decoded).toEqual(frame);
        expect(Buffer.from(encodeFrame(decoded)).equals(bytes)).toBe(true);
      }),
      settings(3),
    );
  },
  FUZZ_TIMEOUT_MS,
);

it(
  'damaged frames are refused or read as something else, but never out of range',
  () => {
    fc.assert(
      fc.property(
        routes,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        fc.nat(),
        (frame, hits, cut) => {
          const bytes = Buffer.from(encodeFrame(frame));
          for (const [at, value] of hits) bytes[at % bytes.length] = value;
          const end = cut % 3 === 0 ? cut % bytes.length : bytes.length;
          try {
            const decoded = decodeFrame(bytes, 0, end);
            if (decoded.kind !== FrameKind.ROUTE) return;
            expect(decoded.stanza.byteOffset + decoded.stanza.length).toBeLessThanOrEqual(
              bytes.byteOffset + end,
            );
            expect(decoded.targets.length * 4).toBeLessThanOrEqual(end);
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
          }
        },
      ),
      settings(3),
    );
  },
  FUZZ_TIMEOUT_MS,
);
