import { describe, expect, it } from 'vitest';
import { Accumulator, Flag, Origin } from '../../../src/hooks/accumulator.ts';
import { KeptStanza } from '../../../src/hooks/kept-stanza.ts';
import { parseBoolean, parseCount } from '../../../src/modules/mod-stream-management/sm-xml.ts';
import { countBetween, SmStream } from '../../../src/modules/mod-stream-management/stream.ts';
import type { C2sParams, SessionHandle } from '../../../src/modules/module.ts';
import { JidCache } from '../../../src/xmpp/jid-cache.ts';
import { Stanza } from '../../../src/xmpp/stanza.ts';
import { parseElementText } from '../../../src/xmpp/trusted-xml.ts';

const jids = new JidCache(100);
const ROMEO = jids.trusted('romeo@localhost/orchard');
const JULIET = jids.trusted('jülïet@localhost/balcony');
const SESSION = { hostType: undefined, lserver: 'localhost' } as C2sParams;

function accOf(body: string): Accumulator {
  const stanza = Stanza.of(parseElementText(`<message type='chat'><body>${body}</body></message>`));
  return new Accumulator(7, 1_000, Origin.C2S, undefined, 'localhost', stanza, ROMEO, JULIET);
}

function kept(body: string): KeptStanza {
  return KeptStanza.of(accOf(body));
}

function streamOf(pool = { bytes: 0 }): SmStream {
  return new SmStream(SESSION, { isCommitting: false } as SessionHandle, 'id', 1_000, 100, pool);
}

function bodies(stream: SmStream): (string | undefined)[] {
  return stream.queue().map((one) => one.restore(SESSION).stanza!.element.childText('body'));
}

describe('counts (XEP-0198 §4)', () => {
  it('of what is handled never go back, whichever news comes first', () => {
    const stream = streamOf();
    stream.received = 3;
    stream.handled = 0xffff_fffe;
    stream.countHandled(1);
    expect(stream.handled).toBe(1);
    stream.countHandled(0xffff_ffff);
    expect(stream.handled).toBe(1);
    stream.countHandled(3);
    expect(stream.handled).toBe(3);
  });

  it('are decimal digits below 2^32 and nothing else (threat T44)', () => {
    for (const [text, count] of [
      ['0', 0],
      ['5', 5],
      ['0005', 5],
      ['4294967295', 4_294_967_295],
    ] as const)
      expect(parseCount(text)).toBe(count);
    for (const text of [
      undefined,
      '',
      ' 5',
      '5 ',
      '+5',
      '-1',
      '-0',
      '0x10',
      '1e3',
      '5abc',
      '٣',
      '4294967296',
      '9007199254740992',
      '1.0',
      'NaN',
      'Infinity',
      '9'.repeat(400),
    ])
      expect(parseCount(text), text).toBeUndefined();
  });

  it('booleans are those of XML Schema', () => {
    expect(['true', '1', 'false', '0', 'yes', '', 'TRUE'].map(parseBoolean)).toEqual([
      true,
      true,
      false,
      false,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('go from 2^32 - 1 to 0', () => {
    expect(countBetween(0xffff_ffff, 1)).toBe(2);
    expect(countBetween(5, 4)).toBe(0xffff_ffff);
    const stream = streamOf();
    stream.received = 0xffff_ffff;
    stream.countReceived();
    expect(stream.received).toBe(0);
    stream.sent = stream.acked = 0xffff_fffe;
    for (const body of ['a', 'b', 'c', 'd']) stream.push(kept(body));
    expect(stream.sent).toBe(2);
    expect(stream.isPlausible(3)).toBe(false);
    expect(stream.isPlausible(0xffff_fffd)).toBe(false);
    for (const h of [0xffff_fffe, 0xffff_ffff, 0, 1, 2]) expect(stream.isPlausible(h)).toBe(true);
    stream.acknowledge(0);
    expect(bodies(stream)).toEqual(['c', 'd']);
    stream.acknowledge(2);
    expect([stream.length, stream.bytes, stream.acked]).toEqual([0, 0, 2]);
  });
});

describe('the queue', () => {
  it('keeps what is not acknowledged, in order, and counts its bytes', () => {
    const pool = { bytes: 0 };
    const stream = streamOf(pool);
    for (let i = 0; i < 500; i++) {
      stream.push(kept(`line ${i}`));
      if (i % 3 === 0) stream.acknowledge(stream.acked + 1);
    }
    expect(stream.length).toBe(500 - 167);
    expect(bodies(stream)).toEqual(Array.from({ length: 333 }, (_unused, i) => `line ${i + 167}`));
    expect(stream.bytes).toBe(stream.queue().reduce((sum, { size }) => sum + size, 0));
    expect(pool.bytes).toBe(stream.bytes);
    expect(stream.room).toBe(0);
    stream.acknowledge(500);
    expect([stream.bytes, pool.bytes, stream.room]).toEqual([0, 0, 100]);
  });

  it('calls back for each message out of storage that is not acknowledged', () => {
    const stream = streamOf();
    const stored = (text: string): KeptStanza => {
      const acc = accOf(text);
      acc.addFlag(Flag.STORED);
      return KeptStanza.of(acc);
    };
    for (const one of [stored('1'), kept('2'), stored('3'), stored('4')]) stream.push(one);
    stream.acknowledge(1);
    expect(stream.unacknowledgedStored).toBe(2);
    let count = 0;
    stream.whenStoredAcknowledged((isAcknowledged) => {
      count += isAcknowledged ? 1 : 10;
    });
    stream.acknowledge(2);
    expect(count).toBe(0);
    stream.acknowledge(3);
    expect([count, stream.unacknowledgedStored]).toEqual([1, 1]);
    stream.endWaiting(false);
    expect(count).toBe(11);
  });

  it('calls back whoever waits for all so far, at once or when that is acknowledged', () => {
    const stream = streamOf();
    const called: string[] = [];
    stream.whenAcknowledged(() => called.push('none'));
    stream.push(kept('1'));
    stream.push(kept('2'));
    stream.whenAcknowledged(() => called.push('two'));
    stream.push(kept('3'));
    stream.whenAcknowledged(() => called.push('three'));
    expect(called).toEqual(['none']);
    stream.acknowledge(1);
    expect(called).toEqual(['none']);
    stream.acknowledge(2);
    expect(called).toEqual(['none', 'two']);
    stream.acknowledge(3);
    expect(called).toEqual(['none', 'two', 'three']);
  });

  it('asks after as many stanzas as it should, and seldom while it is not answered', () => {
    const stream = streamOf();
    const asked: number[] = [];
    for (let i = 1; i <= 40; i++) {
      stream.push(kept('x'));
      if (stream.isTimeToAsk(2)) asked.push(i);
    }
    expect(asked).toEqual([2, 18, 34]);
    stream.acknowledge(34);
    expect(stream.isTimeToAsk(2)).toBe(true);
    stream.acknowledge(40);
    expect(stream.isTimeToAsk(2)).toBe(false);
    expect(stream.isTimeToAsk(Number.POSITIVE_INFINITY)).toBe(false);
  });
});

describe('a kept stanza', () => {
  it('comes back as it was, with what travels', () => {
    const acc = accOf('Ω 🌹 &lt;ü&gt;');
    acc.originSid = { time: 5, shard: 1, number: 3 };
    acc.originJid = ROMEO;
    acc.flags = 2;
    acc.hops = 1;
    acc.visits = 3;
    acc.via = 4;
    acc.setPermanent('mam', 'id', 'x');
    const record = KeptStanza.of(acc).toRecord((keys) => [...(keys ?? [])]);
    const moved = KeptStanza.fromRecord(
      structuredClone(record).map((one) =>
        one instanceof Uint8Array ? Buffer.from(one) : one,
      ) as unknown as typeof record,
      jids,
      (keys) => new Map(keys),
    );
    const back = moved.restore(SESSION);
    expect(back.stanza!.toBuffer(ROMEO.wire, JULIET.wire).toString()).toBe(
      "<message from='romeo@localhost/orchard' to='jülïet@localhost/balcony' type='chat'><body>Ω 🌹 &lt;ü&gt;</body></message>",
    );
    for (const key of [
      'ref',
      'timestamp',
      'origin',
      'from',
      'to',
      'originSid',
      'originJid',
      'flags',
      'hops',
      'visits',
      'via',
    ] as const)
      expect(back[key], key).toEqual(acc[key]);
    expect(back.get('mam', 'id')).toBe('x');
    const later = back.stanza!.append('<delay/>').toBuffer('', '').toString();
    expect(later).toContain('</body><delay/></message>');
  });
});
