import { describe, expect, it } from 'vitest';
import type { C2s } from '../../../src/c2s/c2s.ts';
import type { ListenerSettings } from '../../../src/c2s/c2s-host.ts';
import { LOGIN_MS_MAX, TLS_HANDSHAKE_MS_MAX, UNAUTHENTICATED_BYTES_MAX } from '../../../src/limits.ts';
import { Counter } from '../../../src/memory/counters.ts';
import { Connections } from '../../../src/shard/connections.ts';
import { FakeSocket, fakeC2sHost, LISTENER } from './fakes.ts';

/** The limits that concern strangers (threats T12 and T13), on a monotonic clock that the test moves (T73). */

const HEADER =
  "<stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>";
const LOGIN = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AAAA</auth>";
const BIND = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";

function shard(settings: Partial<ListenerSettings> = {}) {
  const clock = { nowMs: 1_000 };
  const closed: string[] = [];
  const host = fakeC2sHost(clock, () => {});
  host.unwatchLogin = (c2s: C2s) => connections.unwatchLogin(c2s);
  const connections = new Connections({
    counters: host.counters,
    c2s: host,
    listener: () => ({ ...LISTENER, ...settings }),
    touch: () => {},
    isCongested: () => false,
    nowMs: () => clock.nowMs,
    connectionClosed: (_listener, address) => closed.push(address),
  });
  const connect = (): FakeSocket => {
    const socket = new FakeSocket();
    connections.accept(socket.asSocket, 0, '192.0.2.1', 40_000);
    return socket;
  };
  /** Lets time pass and looks, as the shard does a few times a second. */
  const pass = (ms: number): void => {
    clock.nowMs += ms;
    connections.expireLogins();
    connections.flush();
  };
  return { connections, connect, pass, closed, counters: host.counters };
}

describe('a stranger', () => {
  it('has the step’s time for each step, and is told when it is over', () => {
    const { connect, pass } = shard({ stateTimeoutMs: 5_000 });
    const socket = connect();
    pass(4_999);
    expect(socket.written).toBe('');
    socket.say(HEADER);
    pass(4_999);
    expect(socket.written).toContain('<stream:features>');
    expect(socket.written).not.toContain('connection-timeout');
    pass(1);
    expect(socket.written).toContain('connection-timeout');
    expect(socket.written.endsWith('</stream:stream>')).toBe(true);
    expect(socket.writableEnded).toBe(true);
  });

  it('has thirty seconds for the whole login, however busy it is', () => {
    const { connect, pass } = shard();
    const socket = connect();
    socket.say(HEADER + AUTH);
    // Each answer to a challenge is a step, and starts the step's time anew.
    let challenges = 1;
    for (let ms = 4_000; ms < LOGIN_MS_MAX; ms += 4_000) {
      pass(4_000);
      socket.say("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
      challenges++;
    }
    expect(socket.written).not.toContain('connection-timeout');
    pass(4_000);
    expect(socket.written).toContain('connection-timeout');
    expect(socket.written.split('<challenge')).toHaveLength(challenges + 1);
  });

  it('who logs in and then binds nothing has them, too', () => {
    const { connect, pass } = shard({ stateTimeoutMs: Number.POSITIVE_INFINITY });
    const socket = connect();
    socket.say(HEADER + LOGIN + HEADER);
    pass(LOGIN_MS_MAX - 1);
    expect(socket.written).toContain('<success');
    expect(socket.written).not.toContain('connection-timeout');
    pass(1);
    expect(socket.written).toContain('connection-timeout');
  });

  it('is none any more once its session is bound: then it may be silent for ever', () => {
    const { connect, pass, counters } = shard();
    const socket = connect();
    expect(counters[Counter.connections_unauthenticated]).toBe(1);
    socket.say(HEADER + LOGIN + HEADER + BIND);
    expect(counters[Counter.connections_unauthenticated]).toBe(0);
    pass(LOGIN_MS_MAX * 100);
    expect(socket.written).toContain("type='result'");
    expect(socket.written).not.toContain('</stream:stream>');
  });

  it('has ten seconds for TLS, and hears no XMPP when they are over', async () => {
    for (const mode of ['tls', 'starttls'] as const) {
      const { connections, connect, pass, closed, counters } = shard({ tls: { mode }, stateTimeoutMs: 500 });
      const socket = connect();
      if (mode === 'starttls') {
        socket.say(`${HEADER}<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`);
        connections.flush();
        expect(socket.written).toContain('<proceed');
      }
      const said = socket.written;
      pass(TLS_HANDSHAKE_MS_MAX - 1);
      expect(socket.destroyed).toBe(false);
      pass(1);
      expect(socket.destroyed).toBe(true);
      expect(socket.written).toBe(said);
      expect(closed).toEqual(['192.0.2.1']);
      expect(connections.size).toBe(0);
      expect(counters[Counter.connections_unauthenticated]).toBe(0);
    }
  });

  it('is forgotten when it goes', async () => {
    const { connections, connect, closed, counters } = shard();
    const sockets = Array.from({ length: 50 }, connect);
    for (const [i, socket] of sockets.entries()) if (i % 2 === 0) socket.say(HEADER);
    expect(connections.size).toBe(50);
    await Promise.all(
      sockets.map((socket) => {
        const end = new Promise((resolve) => socket.once('close', resolve));
        socket.destroy();
        return end;
      }),
    );
    expect(connections.size).toBe(0);
    expect(closed).toHaveLength(50);
    expect(counters[Counter.connections_unauthenticated]).toBe(0);
    expect([...connections.streams()]).toEqual([]);
  });

  it('may send 64 KiB before it is logged in, and not a byte more', () => {
    const { connections, connect } = shard();
    const socket = connect();
    socket.say(HEADER);
    socket.say(' '.repeat(UNAUTHENTICATED_BYTES_MAX - HEADER.length));
    connections.flush();
    expect(socket.written).not.toContain('policy-violation');
    socket.say(' ');
    connections.flush();
    expect(socket.written).toContain('policy-violation');
  });

  it('who is logged in may send more', () => {
    const { connections, connect } = shard();
    const socket = connect();
    socket.say(HEADER + LOGIN + HEADER);
    for (let i = 0; i < 10; i++) socket.say(' '.repeat(UNAUTHENTICATED_BYTES_MAX));
    connections.flush();
    expect(socket.written).not.toContain('policy-violation');
  });
});
