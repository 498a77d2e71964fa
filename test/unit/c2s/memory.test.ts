import { describe, expect, it } from 'vitest';
import type { C2s } from '../../../src/c2s/c2s.ts';
import { SCAN_LIMITS_BEFORE_LOGIN } from '../../../src/limits.ts';
import { Connections } from '../../../src/shard/connections.ts';
import { heldBytes } from '../../helpers/heap.ts';
import { FakeSocket, fakeC2sHost, LISTENER } from './fakes.ts';

/** What strangers can make us hold (T02, T12): counted in the heap, so that the numbers are the same every time. */

const HEADER =
  "<stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
/** Threat T02 allows 64 KiB. */
const BYTES_EACH = 65_536;
const CROWD = 500;

/** An unfinished element with nearly as much structure as is allowed: everything that a scanner keeps, at its largest. */
function structure(): string {
  const attributes = (count: number, prefix: string): string =>
    Array.from({ length: count }, (_, i) => ` ${prefix}${i}='1'`).join('');
  const { attributesMax, elementsMax } = SCAN_LIMITS_BEFORE_LOGIN;
  const children = `<b${attributes(attributesMax - 1, 'a')}>`.repeat(12);
  return `<a${attributes(attributesMax - 4, 'a')}${attributes(3, 'xmlns:n')}>${children}${'<c/>'.repeat(elementsMax - 13)}`;
}

function shard() {
  const host = fakeC2sHost({ nowMs: 1_000 }, () => {});
  host.unwatchLogin = (c2s: C2s) => connections.unwatchLogin(c2s);
  const connections = new Connections({
    counters: host.counters,
    c2s: host,
    listener: () => LISTENER,
    touch: () => {},
    isCongested: () => false,
    nowMs: () => 1_000,
    connectionClosed: () => {},
  });
  return connections;
}

async function crowd(connections: Connections, input: string): Promise<{ heldEach: number }> {
  const before = heldBytes();
  const sockets = Array.from({ length: CROWD }, () => new FakeSocket());
  for (const socket of sockets) {
    connections.accept(socket.asSocket, 0, '192.0.2.1', 40_000);
    socket.say(HEADER + input);
  }
  connections.flush();
  for (const socket of sockets) expect(socket.written.endsWith('</stream:features>')).toBe(true);
  const heldEach = (heldBytes() - before) / CROWD;
  for (const socket of sockets) {
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy();
    await closed;
  }
  expect(connections.size).toBe(0);
  return { heldEach };
}

describe('strangers', () => {
  const input = structure();

  it('may send what this test sends, and hardly more', () => {
    expect(HEADER.length + input.length).toBeLessThan(SCAN_LIMITS_BEFORE_LOGIN.stanzaBytesMax);
    expect(input.length).toBeGreaterThan(SCAN_LIMITS_BEFORE_LOGIN.stanzaBytesMax / 2);
  });

  it('who send as much structure as they may cost less than 64 KiB each (T02)', async () => {
    const { heldEach } = await crowd(shard(), input);
    expect(heldEach).toBeGreaterThan(input.length);
    expect(heldEach).toBeLessThan(BYTES_EACH);
  });

  it('who come one byte at a time cost no more', async () => {
    const connections = shard();
    const before = heldBytes();
    const sockets = Array.from({ length: 20 }, () => new FakeSocket());
    for (const socket of sockets) {
      connections.accept(socket.asSocket, 0, '192.0.2.1', 40_000);
      for (const byte of Buffer.from(HEADER + input)) socket.say(Buffer.of(byte));
    }
    connections.flush();
    expect((heldBytes() - before) / sockets.length).toBeLessThan(BYTES_EACH);
  });

  it('who go leave nothing behind, however many there were (T12)', async () => {
    const connections = shard();
    await crowd(connections, input);
    const before = heldBytes();
    for (let round = 0; round < 5; round++) await crowd(connections, input);
    expect(heldBytes()).toBeLessThan(before * 1.05);
  });
});
