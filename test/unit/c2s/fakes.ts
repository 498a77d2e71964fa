import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { Backlog } from '../../../src/c2s/backlog.ts';
import type { C2sHost, ListenerSettings } from '../../../src/c2s/c2s-host.ts';
import { Connection } from '../../../src/c2s/connection.ts';
import type { ConnectionHost } from '../../../src/c2s/connection-host.ts';
import type { ConnectionOutput } from '../../../src/c2s/connection-output.ts';
import { OutputArena } from '../../../src/c2s/output.ts';
import { ScannerPool } from '../../../src/c2s/scanner-pool.ts';
import type { StreamOwner } from '../../../src/c2s/stream-owner.ts';
import { HostType } from '../../../src/hooks/host-type.ts';
import { EMPTY_TABLE } from '../../../src/hooks/registry.ts';
import { SCAN_LIMITS, SCAN_LIMITS_BEFORE_LOGIN } from '../../../src/limits.ts';
import { COUNTER_NAMES } from '../../../src/memory/counters.ts';
import type { ScanError, Scanner } from '../../../src/xml/scanner.ts';
import { StreamContext } from '../../../src/xml/stream-context.ts';
import { JidCache } from '../../../src/xmpp/jid-cache.ts';

/** A socket without a network: the test plays the peer. */
export class FakeSocket extends Duplex {
  written = '';
  /** The peer does not read: writes wait. */
  isStalled = false;
  #waiting: (() => void)[] = [];

  constructor() {
    super({ allowHalfOpen: true, writableHighWaterMark: 1 << 30 });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += chunk.toString();
    if (this.isStalled) this.#waiting.push(done);
    else done();
  }

  /** The peer reads again. */
  drain(): void {
    this.isStalled = false;
    for (const done of this.#waiting.splice(0)) done();
  }

  /** The peer says something. */
  say(data: string | Uint8Array): void {
    this.emit('data', Buffer.from(data as string));
  }

  get asSocket(): Socket {
    return this as unknown as Socket;
  }
}

/** What a connection needs around it, without a shard. The turn is the test's: {@link FakeHost.turn}. */
export class FakeHost implements ConnectionHost {
  readonly readBuffer = Buffer.alloc(65_536);
  readonly pool = new ScannerPool();
  readonly arena = new OutputArena();
  readonly counters = new Float64Array(COUNTER_NAMES.length);
  readonly backlog = new Backlog<ConnectionOutput>();
  now = 0;
  readonly closedOnes: Connection[] = [];
  yieldedOnes: Connection[] = [];
  touches = 0;
  #dirty: Connection[] = [];

  nowMs(): number {
    return this.now;
  }

  touch(): void {
    this.touches++;
  }

  dirty(connection: Connection): void {
    this.#dirty.push(connection);
  }

  yielded(connection: Connection): void {
    this.yieldedOnes.push(connection);
  }

  readBytes(): void {}

  closed(connection: Connection): void {
    this.closedOnes.push(connection);
  }

  /** Ends the turn: what was produced is written. */
  turn(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) connection.flush();
    if (this.#dirty.length === 0) this.arena.reset();
  }
}

/** A stream that writes down what its connection reads. */
export class FakeOwner implements StreamOwner {
  readonly heard: string[] = [];
  connection!: Connection;
  /** Called for every element, after it was written down. */
  onElement: (text: string) => void = () => {};

  streamOpened(scanner: Scanner, buffer: Buffer): void {
    const { name, bindings } = scanner.openStream(buffer);
    this.connection.context = new StreamContext(name, bindings, LIMITS);
    this.heard.push('open');
  }

  element(scanner: Scanner, buffer: Buffer): void {
    const text = buffer.toString('utf8', scanner.base, scanner.pos);
    this.heard.push(text);
    this.onElement(text);
  }

  streamOpenedAgain(): void {
    this.heard.push('open again');
    this.connection.close();
  }

  streamClosed(): void {
    this.heard.push('close');
    this.connection.close();
  }

  unreadable(error: ScanError): void {
    this.heard.push(error);
    this.connection.close();
  }

  crashed(cause: unknown): void {
    this.heard.push(`crashed: ${cause}`);
    this.connection.close();
  }

  disconnected(error: Error | undefined): void {
    this.heard.push(error === undefined ? 'disconnected' : `error: ${error.message}`);
  }
}

const LIMITS = { ...SCAN_LIMITS, stanzaBytesMax: 1_048_576 };
export const UNOPENED = new StreamContext('', [], LIMITS);
export const OPENED = new StreamContext(
  'stream:stream',
  [
    { prefix: '', uri: 'jabber:client' },
    { prefix: 'stream', uri: 'http://etherx.jabber.org/streams' },
  ],
  LIMITS,
);

/** A connection whose stream is open. */
export function connect(
  host = new FakeHost(),
  context = OPENED,
): { host: FakeHost; socket: FakeSocket; owner: FakeOwner; connection: Connection } {
  const socket = new FakeSocket();
  const owner = new FakeOwner();
  const connection = new Connection(host, socket.asSocket, context, owner);
  owner.connection = connection;
  return { host, socket, owner, connection };
}

export const LISTENER: ListenerSettings = {
  index: 0,
  limits: LIMITS,
  stateTimeoutMs: 5_000,
  isBackwardsCompatibleSession: true,
  hidesServiceName: false,
  tls: undefined,
  access: 'all',
  shaper: undefined,
  authMethods: undefined,
};

export { SCAN_LIMITS_BEFORE_LOGIN };

/** A shard as a stream sees it: one domain, nobody in it, no modules, and a clock that the test moves. */
export function fakeC2sHost(clock: { nowMs: number }, touch: () => void): C2sHost {
  const hostType = new HostType('localhost', EMPTY_TABLE);
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  let ref = 0;
  return {
    shard: 0,
    counters: new Float64Array(COUNTER_NAMES.length),
    jids: new JidCache(100),
    globals: { chains: EMPTY_TABLE },
    defaultDomain: 'localhost',
    defaultLanguage: 'en',
    login: {
      ended: () => {},
      channelBindings: () => [],
      offer: () => ({ mechanisms: ['PLAIN'], channelBindings: [] }),
      start: () => ({
        mechanism: 'PLAIN',
        // Whoever says anything is somebody.
        step: (data) =>
          data === undefined
            ? { kind: 'challenge', data: Buffer.alloc(0) }
            : {
                kind: 'success',
                username: 'romeo',
                authzid: undefined,
                data: undefined,
                method: 'internal',
              },
      }),
      mayOpenSession: () => true,
    },
    tls: { wrap: () => {} },
    log: silent as unknown as C2sHost['log'],
    timestamp: () => ++ref,
    nextRef: () => ++ref,
    monotonicMs: () => clock.nowMs,
    domain: (name) => (name === 'localhost' ? { name, hostType } : undefined),
    route: () => undefined,
    whenSent: () => undefined,
    watchLogin: () => {},
    unwatchLogin: () => {},
    wasRemoved: () => false,
    newSessionId: () => ({ shard: 0, number: 0, time: ++ref }),
    cancelSessionId: () => {},
    openSession: () => 'opened',
    closeSession: () => {},
    trace: () => undefined,
    undeliverable: () => {},
    inboxFull: () => {},
    streamEnded: touch,
  };
}
