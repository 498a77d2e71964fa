import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pause } from '../../../src/c2s/pause.ts';
import {
  CLOSE_LINGER_MS,
  OUTGOING_BYTES_HARD_MAX,
  OUTGOING_BYTES_MAX,
  OUTGOING_MS_MAX,
  STANZAS_PER_TURN_MAX,
} from '../../../src/limits.ts';
import { Counter } from '../../../src/memory/counters.ts';
import { connect, FakeHost, UNOPENED } from './fakes.ts';

const HEADER = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const STANZAS = [
  "<message to='a'><body>é ☂ 🌹</body></message>",
  '<presence/>',
  "<iq type='get' id='1'><q xmlns='urn:q' a='&lt;\"'/></iq>",
  '<message><body><![CDATA[</message>]]></body></message>',
];

describe('input', () => {
  it('is the same elements wherever it is cut', () => {
    const text = Buffer.from(`<?xml version='1.0'?>${HEADER}${STANZAS.join(' \n')}</stream:stream>`);
    for (let cut = 0; cut <= text.length; cut++) {
      const { socket, owner } = connect(new FakeHost(), UNOPENED);
      socket.say(text.subarray(0, cut));
      socket.say(text.subarray(cut));
      expect(owner.heard, `cut at ${cut}`).toEqual(['open', ...STANZAS, 'close']);
    }
  });

  it('is the same elements one byte at a time, on many connections at once', () => {
    const host = new FakeHost();
    const all = Array.from({ length: 10 }, () => connect(host, UNOPENED));
    const text = Buffer.from(HEADER + STANZAS.join(''));
    for (let i = 0; i < text.length; i++) {
      for (const { socket } of all) socket.say(text.subarray(i, i + 1));
    }
    for (const { owner } of all) expect(owner.heard).toEqual(['open', ...STANZAS]);
  });

  it('may be a large element in many pieces, with others behind it', () => {
    const { socket, owner } = connect();
    const large = `<message>${'<b>x</b>'.repeat(5_000)}</message>`;
    const text = Buffer.from(large + STANZAS.join('') + large);
    for (let at = 0; at < text.length; at += 999) socket.say(text.subarray(at, at + 999));
    expect(owner.heard).toEqual([large, ...STANZAS, large]);
  });

  it('of a second opening tag is told as soon as the tag is whole', () => {
    for (const tag of [HEADER, HEADER.replaceAll('stream:', 's:').replace('xmlns:stream', 'xmlns:s')]) {
      const { socket, owner } = connect();
      socket.say(tag.slice(0, -1));
      expect(owner.heard).toEqual([]);
      socket.say('>');
      expect(owner.heard).toEqual(['open again']);
    }
  });

  it('that cannot be read spoils nothing for the next connection', () => {
    const host = new FakeHost();
    for (const text of [
      '<a b',
      '<a></b>',
      '<a b=1/>',
      '<!-- -->',
      'text',
      '<a>\u0001',
      '</x>',
      '<a><b c="&x;"',
    ]) {
      const bad = connect(host);
      bad.socket.say(text);
      if (bad.owner.heard.length === 0) bad.socket.destroy();
      const good = connect(host);
      good.socket.say('<presence/><a');
      good.socket.say('/>');
      expect(good.owner.heard).toEqual(['<presence/>', '<a/>']);
    }
  });

  it('that ends inside of an element leaves a clean scanner behind', async () => {
    const host = new FakeHost();
    for (let i = 0; i < 100; i++) {
      const { socket, owner } = connect(host);
      socket.say('<a><b c="');
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.destroy();
      await closed;
      expect(owner.heard).toEqual(['disconnected']);
    }
    const next = Array.from({ length: 100 }, () => connect(host));
    for (const { socket } of next) socket.say('<pre');
    for (const { socket } of next) socket.say('sence/>');
    for (const { owner } of next) expect(owner.heard).toEqual(['<presence/>']);
  });

  it('whose handling throws costs this connection, and no other', () => {
    const host = new FakeHost();
    const bad = connect(host);
    bad.owner.onElement = () => {
      throw new Error('a bug');
    };
    bad.socket.say('<a/><b/>');
    expect(bad.owner.heard).toEqual(['<a/>', 'crashed: Error: a bug']);
    expect(bad.connection.isOpen).toBe(false);
    const good = connect(host);
    good.socket.say('<a/><b/>');
    expect(good.owner.heard).toEqual(['<a/>', '<b/>']);
  });

  it('after the end is not looked at', () => {
    const { socket, owner } = connect();
    socket.say('</stream:stream><a/>');
    socket.say('<b/>');
    expect(owner.heard).toEqual(['close']);
  });
});

describe('a pause', () => {
  it('keeps what comes, in order, until its last reason is gone', () => {
    const { socket, owner, connection } = connect();
    connection.pause(Pause.SUSPENDED);
    connection.pause(Pause.SHAPED);
    socket.say('<a/><b');
    socket.say('/><c/>');
    expect(owner.heard).toEqual([]);
    expect(connection.unreadBytes).toBe(12);
    connection.unpause(Pause.SUSPENDED);
    expect(owner.heard).toEqual([]);
    connection.unpause(Pause.SHAPED);
    expect(owner.heard).toEqual(['<a/>', '<b/>', '<c/>']);
    expect(connection.unreadBytes).toBe(0);
  });

  it('in the handling of an element keeps the rest of the segment', () => {
    const { socket, owner, connection } = connect();
    owner.onElement = (text) => {
      if (text !== '<c/>') connection.pause(Pause.SUSPENDED);
    };
    socket.say('<a/><b/><c/><d');
    expect(owner.heard).toEqual(['<a/>']);
    connection.unpause(Pause.SUSPENDED);
    expect(owner.heard).toEqual(['<a/>', '<b/>']);
    socket.say('/>');
    connection.unpause(Pause.SUSPENDED);
    expect(owner.heard).toEqual(['<a/>', '<b/>', '<c/>', '<d/>']);
  });

  it('stops reading from the socket when there is more than can be handled', () => {
    const { socket, connection } = connect();
    connection.pause(Pause.CONGESTED);
    socket.say('<a/>');
    expect(socket.isPaused()).toBe(true);
    connection.unpause(Pause.CONGESTED);
    expect(socket.isPaused()).toBe(false);
  });

  it('lets the peer’s end wait until everything before it was handled', () => {
    const { socket, owner, connection } = connect();
    connection.pause(Pause.SUSPENDED);
    socket.say('<a/>');
    socket.emit('end');
    expect(owner.heard).toEqual([]);
    connection.unpause(Pause.SUSPENDED);
    expect(owner.heard).toEqual(['<a/>', 'disconnected']);
  });

  it('that nobody asked for is not taken away', () => {
    const { owner, socket, connection } = connect();
    connection.unpause(Pause.SHAPED);
    socket.say('<a/>');
    expect(owner.heard).toEqual(['<a/>']);
  });
});

describe('many stanzas in one read (T10)', () => {
  it('are handled a bounded number at a time, in order', () => {
    const { host, socket, owner, connection } = connect();
    const total = STANZAS_PER_TURN_MAX * 3 + 1;
    socket.say(Array.from({ length: total }, (_, i) => `<a i='${i}'/>`).join(''));
    for (let turn = 1; turn <= 3; turn++) {
      expect(owner.heard).toHaveLength(turn * STANZAS_PER_TURN_MAX);
      expect(host.yieldedOnes).toEqual([connection]);
      host.yieldedOnes = [];
      connection.unpause(Pause.YIELDED);
    }
    expect(owner.heard).toEqual(Array.from({ length: total }, (_, i) => `<a i='${i}'/>`));
    expect(host.yieldedOnes).toEqual([]);
  });

  it('and not one more do not give way', () => {
    const { host, socket, owner } = connect();
    socket.say('<a/>'.repeat(STANZAS_PER_TURN_MAX));
    expect(owner.heard).toHaveLength(STANZAS_PER_TURN_MAX);
    expect(host.yieldedOnes).toEqual([]);
  });
});

describe('output', () => {
  it('leaves once at the end of the turn', () => {
    const { host, socket, connection } = connect();
    connection.writeText('<a/>');
    connection.writeText('é☂🌹');
    expect(socket.written).toBe('');
    host.turn();
    expect(socket.written).toBe('<a/>é☂🌹');
    host.turn();
    expect(socket.written).toBe('<a/>é☂🌹');
  });

  it('of several connections that write in turns stays apart, of any size', () => {
    const host = new FakeHost();
    const all = Array.from({ length: 5 }, () => connect(host));
    const expected = all.map(() => '');
    for (let round = 0; round < 40; round++) {
      for (const [i, { connection }] of all.entries()) {
        const text = `<${i}:${round}:${String(i).repeat((round * 977) % 9_000)}>`;
        connection.writeText(text);
        expected[i] += text;
      }
      if (round % 7 === 6) host.turn();
    }
    host.turn();
    for (const [i, { socket }] of all.entries()) expect(socket.written).toBe(expected[i]);
  });

  it('tells when everything so far was taken, not before', () => {
    const { host, socket, connection } = connect();
    socket.isStalled = true;
    connection.writeText('<a/>');
    host.turn();
    const flushed = vi.fn();
    connection.afterFlush(flushed);
    host.turn();
    expect(flushed).not.toHaveBeenCalled();
    socket.drain();
    expect(flushed).toHaveBeenCalledOnce();
    connection.afterFlush(flushed);
    host.turn();
    expect(flushed).toHaveBeenCalledTimes(2);
  });

  it('tells whoever waits for it that nothing will be taken any more when the connection is gone', () => {
    const { host, socket, connection } = connect();
    socket.isStalled = true;
    connection.writeText('<a/>');
    host.turn();
    const flushed = vi.fn();
    connection.afterFlush(flushed);
    connection.close();
    host.turn();
    expect(flushed).not.toHaveBeenCalled();
    connection.destroy();
    connection.closed();
    expect(flushed.mock.calls).toEqual([[false]]);
    connection.afterFlush(flushed);
    expect(flushed.mock.calls).toEqual([[false], [false]]);
  });

  it('tells of this turn only when this turn was written, even if an earlier write ends in between', () => {
    const { host, socket, connection } = connect();
    socket.isStalled = true;
    connection.writeText('<a/>');
    host.turn();
    connection.writeText('<b/>');
    const flushed = vi.fn(() => expect(socket.written).toBe('<a/><b/>'));
    connection.afterFlush(flushed);
    socket.drain();
    expect(flushed).not.toHaveBeenCalled();
    host.turn();
    expect(flushed).toHaveBeenCalledOnce();
  });

  it('of somebody who waited for the flush is kept for the next turn', () => {
    const host = new FakeHost();
    const one = connect(host);
    const two = connect(host);
    one.connection.writeText('<a/>');
    one.connection.afterFlush(() => one.connection.writeText('<later/>'));
    host.turn();
    two.connection.writeText('<other/>');
    host.turn();
    expect([one.socket.written, two.socket.written]).toEqual(['<a/><later/>', '<other/>']);
  });

  it('over the limit for too long drops a client that does not read (T60)', () => {
    const { host, socket, connection } = connect();
    socket.isStalled = true;
    const piece = 'x'.repeat(100_000);
    let bytes = 0;
    while (host.backlog.isEmpty) {
      connection.writeText(piece);
      host.turn();
      bytes += piece.length;
    }
    expect(bytes).toBeGreaterThan(OUTGOING_BYTES_MAX);
    expect(bytes).toBeLessThan(OUTGOING_BYTES_MAX + 2 * piece.length);
    expect(host.backlog.overdue(OUTGOING_MS_MAX - 1)).toEqual([]);
    expect(host.backlog.overdue(OUTGOING_MS_MAX)).toEqual([connection]);
    connection.dropSlow();
    expect(socket.destroyed).toBe(true);
    expect(host.counters[Counter.c2s_slow_reader_closed]).toBe(1);
  });

  it('over the hard limit drops it at once', () => {
    const { host, socket, connection } = connect();
    socket.isStalled = true;
    const piece = 'x'.repeat(1_000_000);
    let bytes = 0;
    while (!socket.destroyed) {
      connection.writeText(piece);
      host.turn();
      bytes += piece.length;
    }
    expect(bytes).toBeGreaterThan(OUTGOING_BYTES_HARD_MAX);
    expect(bytes).toBeLessThan(OUTGOING_BYTES_HARD_MAX + 2 * piece.length);
    expect(host.counters[Counter.c2s_slow_reader_closed]).toBe(1);
  });

  it('of one turn may be more, for a client that was not behind', () => {
    const { host, socket, connection } = connect();
    socket.isStalled = true;
    connection.writeText('x'.repeat(OUTGOING_BYTES_MAX * 2));
    host.turn();
    expect(socket.destroyed).toBe(false);
    expect(host.backlog.isEmpty).toBe(true);
    connection.writeText('<one-more/>');
    host.turn();
    expect(socket.destroyed).toBe(false);
    expect(host.backlog.overdue(OUTGOING_MS_MAX)).toEqual([connection]);
  });

  it('to a connection that is closed goes nowhere', async () => {
    const { host, socket, connection } = connect();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy();
    await closed;
    connection.writeText('<a/>');
    host.turn();
    expect(socket.written).toBe('');
  });
});

describe('closing', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('sends what is left, then ends', () => {
    const { host, socket, connection } = connect();
    connection.writeText('</stream:stream>');
    connection.close();
    expect(connection.isOpen).toBe(false);
    host.turn();
    expect(socket.written).toBe('</stream:stream>');
    expect(socket.writableEnded).toBe(true);
    expect(socket.destroyed).toBe(false);
  });

  it('sends what is left, even if an earlier write ends in between', () => {
    const { host, socket, connection } = connect();
    socket.isStalled = true;
    connection.writeText('<a/>');
    host.turn();
    connection.writeText('</stream:stream>');
    connection.close();
    socket.drain();
    expect(socket.writableEnded).toBe(false);
    host.turn();
    expect(socket.written).toBe('<a/></stream:stream>');
    expect(socket.writableEnded).toBe(true);
  });

  it('gives the peer a moment, and no more', () => {
    const { host, socket, connection } = connect();
    socket.isStalled = true;
    connection.writeText('</stream:stream>');
    connection.close();
    host.turn();
    vi.advanceTimersByTime(CLOSE_LINGER_MS - 1);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(socket.destroyed).toBe(true);
  });

  it('after the peer’s end gives it the same', () => {
    const { socket, owner } = connect();
    socket.emit('end');
    expect(owner.heard).toEqual(['disconnected']);
    expect(socket.writableEnded).toBe(true);
    vi.advanceTimersByTime(CLOSE_LINGER_MS);
    expect(socket.destroyed).toBe(true);
  });

  it('is told once, whatever ends it', async () => {
    vi.useRealTimers();
    for (const end of ['destroy', 'error', 'close'] as const) {
      const { host, socket, owner, connection } = connect();
      const closed = new Promise((resolve) => socket.once('close', resolve));
      if (end === 'destroy') connection.destroy();
      else if (end === 'error') socket.destroy(new Error('reset'));
      else socket.destroy();
      await closed;
      expect(owner.heard).toEqual([end === 'error' ? 'error: reset' : 'disconnected']);
      expect(host.closedOnes).toEqual([connection]);
    }
  });
});
