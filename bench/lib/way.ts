import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';

/** The sources that ways are made from: the repository's own, or a changed copy. */
const OWN = new URL('../../', import.meta.url);

/** A message's whole way on one shard, in this thread: read, hooks, router, session manager, hooks, written. */
export interface Way {
  /** Sends `count` messages from one session to the other, and writes what came of it. Returns the bytes written. */
  send(count: number): number;
  /** Begins or ends to trace: nobody, somebody else, or the sender. */
  watch(whom: 'nobody' | 'other' | 'sender'): void;
  /** Steps noted so far. */
  readonly steps: number;
}

/** A socket into which everything fits. */
class Sink extends Duplex {
  bytes = 0;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.bytes += chunk.length;
    done();
  }
}

const HOOKS = [
  'user_send_packet',
  'user_send_message',
  'filter_local_packet',
  'user_receive_packet',
  'user_receive_message',
  'xmpp_presend_element',
  'xmpp_send_element',
] as const;

/** Builds a way from the sources below `root`. It has the eight hooks of a message, each with one handler that does nothing. */
export async function makeWay(root = OWN): Promise<Way> {
  // biome-ignore lint/suspicious/noExplicitAny: the modules of either copy of the sources, which TypeScript takes for different ones
  const load = (path: string): Promise<any> => import(new URL(`src/${path}`, root).href);
  const { C2s } = await load('c2s/c2s.ts');
  const { Connection } = await load('c2s/connection.ts');
  const { OutputArena } = await load('c2s/output.ts');
  const { ScannerPool } = await load('c2s/scanner-pool.ts');
  const { HookRegistry, GLOBAL } = await load('hooks/registry.ts');
  const { HostType } = await load('hooks/host-type.ts');
  const { SCAN_LIMITS } = await load('limits.ts');
  const { COUNTER_NAMES } = await load('memory/counters.ts');
  const { createDirectory, SessionDirectory } = await load('memory/directory.ts');
  const { StreamContext } = await load('xml/stream-context.ts');
  const { JidCache } = await load('xmpp/jid-cache.ts');
  const { SessionManager } = await load('sm/session-manager.ts');
  const { Routing } = await load('shard/routing.ts');
  const { Existence } = await load('shard/existence.ts');

  const counters = new Float64Array(COUNTER_NAMES.length);
  const registry = new HookRegistry({
    deadlineMs: 1_000,
    failed: (...args: unknown[]) => assert.fail(String(args)),
  });
  for (const hook of HOOKS) registry.add(hook, 'localhost', 50, 'mod_bench', () => undefined);
  registry.add('filter_packet', GLOBAL, 50, 'mod_bench', () => undefined);
  const hostType = new HostType('localhost', registry.compile('localhost'));
  const globals = { chains: registry.compile(GLOBAL) };
  const remote = {
    forward: () => false,
    closeSession() {},
    sendEvent() {},
    fence: () => undefined,
    settled: () => undefined,
    rerouted: () => undefined,
  };
  const directory = new SessionDirectory(createDirectory(64), 64);
  directory.adopt(0);
  const sm = new SessionManager(0, directory, { low: 1, high: 2 }, remote);
  const routing = new Routing(
    {
      shard: 0,
      counters,
      log: { error: (fields: unknown) => assert.fail(JSON.stringify(fields)) },
      globals,
      sm,
      existence: new Existence(),
      findDomain: () => undefined,
      isOwnSubdomain: () => false,
      forwardAnswer: () => {},
    },
    ['global', 'localdomain', 'external_localnode', 'external', 'dynamic_domains', 's2s'],
  );
  // biome-ignore lint/suspicious/noExplicitAny: see above
  const handle = (acc: any): unknown => routing.local.handle(acc);
  routing.routes.add({ domain: 'localhost', hostType, handler: handle });

  let steps = 0;
  let isWatched = false;
  const note = (): void => {
    steps++;
  };
  const trace = { isDryRun: false, note };
  let ref = 0;
  const jids = new JidCache(64);
  const host = {
    shard: 0,
    counters,
    jids,
    globals,
    log: { error: (fields: unknown) => assert.fail(JSON.stringify(fields)) },
    defaultDomain: 'localhost',
    defaultLanguage: 'en',
    timestamp: () => ++ref,
    nextRef: () => ++ref,
    monotonicMs: () => 0,
    route: (acc: unknown) => routing.route(acc),
    trace: () => (isWatched ? trace : undefined),
    undeliverable: () => assert.fail('undeliverable'),
    inboxFull: () => assert.fail('inbox full'),
  };
  let dirty: { flush(): void }[] = [];
  const connectionHost = {
    readBuffer: Buffer.alloc(65_536),
    pool: new ScannerPool(),
    arena: new OutputArena(),
    counters,
    // Nobody is ever behind.
    backlog: { isEmpty: true, allows: () => true, forget: () => {} },
    nowMs: () => 0,
    touch: () => {},
    dirty: (connection: { flush(): void }) => dirty.push(connection),
    yielded: () => assert.fail('yielded'),
    readBytes: () => {},
    closed: () => {},
  };
  const context = new StreamContext(
    'stream:stream',
    [
      { prefix: '', uri: 'jabber:client' },
      { prefix: 'stream', uri: 'http://etherx.jabber.org/streams' },
    ],
    { ...SCAN_LIMITS, stanzaBytesMax: 65_536 },
  );
  const open = (text: string) => {
    const c2s = new C2s(host, { index: 0 }, { address: '192.0.2.1', port: 1, listener: 0 });
    const socket = new Sink({ writableHighWaterMark: 1 << 30 });
    c2s.connection = new Connection(connectionHost, socket, context, c2s);
    const jid = jids.parse(text);
    const sid = { time: ++ref, shard: 0, number: sm.table.reserve() };
    Object.assign(c2s, { jid, sid, hostType, isAuthenticated: true, negotiation: undefined });
    c2s.state = 'session_established';
    c2s.directoryHandle = sm.enter(jid, sid);
    sm.table.set(sid.number, c2s);
    sm.setPriority(c2s, 0);
    return { c2s, socket };
  };
  const romeo = open('romeo@localhost/orchard');
  const juliet = open('juliet@localhost/balcony');
  const body = 'x'.repeat(120);
  const bytes = Buffer.from(
    `<message to='juliet@localhost/balcony' id='a1b2c3d4-e5f6' type='chat'><body>${body}</body></message>`,
  );
  return {
    send(count) {
      const before = juliet.socket.bytes;
      for (let i = 0; i < count; i++) romeo.c2s.connection.received(bytes, bytes.length);
      const written = dirty;
      dirty = [];
      for (const connection of written) connection.flush();
      connectionHost.arena.reset();
      return juliet.socket.bytes - before;
    },
    watch(whom) {
      isWatched = whom === 'sender';
      for (const { c2s } of [romeo, juliet]) c2s.isTraced = whom !== 'nobody';
    },
    get steps() {
      return steps;
    },
  };
}
