import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from '../../../src/frame/codec.ts';
import { FrameKind } from '../../../src/frame/kinds.ts';
import type { MessageRecord } from '../../../src/frame/message-records.ts';

function crossing(records: readonly MessageRecord[]): unknown {
  const frame = {
    kind: FrameKind.STORE_REQUEST,
    id: 7,
    operation: 'archive_append',
    args: [records],
    deadlineMs: 5,
  };
  // Not at the start of its buffer, and written over afterwards: nothing may depend on it.
  const bytes = Buffer.concat([Buffer.alloc(3), encodeFrame(frame)]);
  const decoded = decodeFrame(bytes, 3, bytes.length);
  bytes.fill(0);
  return decoded;
}

describe('messages on their way to an archive', () => {
  it('arrive as they were sent', () => {
    const text = fc.string({ unit: 'grapheme' });
    const record: fc.Arbitrary<MessageRecord> = fc.record({
      micros: fc.maxSafeNat(),
      shard: fc.integer({ min: 0, max: 255 }),
      sides: fc.integer({ min: 0, max: 3 }),
      from: text,
      to: text,
      packet: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      originId: fc.option(text),
      isGroupchat: fc.boolean(),
      isSearchable: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(record), (records) => {
        expect(crossing(records)).toEqual({
          kind: FrameKind.STORE_REQUEST,
          id: 7,
          operation: 'archive_append',
          args: [records],
          deadlineMs: 5,
        });
      }),
    );
  });

  it('arrive so in a batch of writes, too', () => {
    const record = { micros: 1, shard: 0, sides: 3, from: 'a', to: 'b', originId: 'o', isGroupchat: false };
    const records = [{ ...record, packet: Buffer.from('x'), isSearchable: true }];
    const frame = {
      kind: FrameKind.STORE_REQUEST,
      id: 8,
      operation: 'write_all',
      args: [
        [0, 1, 2],
        [
          ['ping', [[]]],
          ['archive_append', [records]],
        ],
        false,
      ],
      deadlineMs: 5,
    } as const;
    const bytes = Buffer.from(encodeFrame({ ...frame, args: [...frame.args] }));
    expect(decodeFrame(bytes, 0, bytes.length)).toEqual(frame);
    // By columns: no name of a field is in it.
    expect(bytes.includes('isSearchable')).toBe(false);
  });

  it('need not say that their words are not to be found', () => {
    const record = { micros: 1, shard: 0, sides: 3, from: 'a', to: 'b', originId: '', isGroupchat: false };
    const packet = Buffer.from('x');
    expect(crossing([{ ...record, packet }])).toMatchObject({
      args: [[{ ...record, packet, isSearchable: false }]],
    });
  });
});
