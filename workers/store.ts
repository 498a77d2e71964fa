import { parentPort, threadName, workerData } from 'node:worker_threads';
import { HEARTBEAT_MS, STORE_OVERFLOW_BYTES_MAX } from '../src/limits.ts';
import { Counter, counterRow } from '../src/memory/counters.ts';
import { Doorbell } from '../src/memory/doorbell.ts';
import { Inbox } from '../src/memory/inbox.ts';
import { Loop } from '../src/memory/loop.ts';
import { Outbox } from '../src/memory/outbox.ts';
import { RingConsumer } from '../src/memory/ring.ts';
import { Sequence } from '../src/memory/sequence.ts';
import { Waker } from '../src/memory/waker.ts';
import { createLimitedLog, setLogLevel } from '../src/observe/log.ts';
import { watchLoopDelay } from '../src/observe/loop-delay.ts';
import type { StoreBoot } from '../src/shard/boot.ts';
import { IdleWork } from '../src/store/idle-work.ts';
import { StoreServer } from '../src/store/server.ts';
import { openDriver } from '../src/store/sqlite/open-driver.ts';
import { monotonicMs } from '../src/util/monotonic.ts';

/** Entry of a store thread: ties rings to a {@link StoreServer} over SQLite. */

const boot = workerData as StoreBoot;
const port = parentPort!;
const log = createLimitedLog(boot.loglevel, String(threadName));
const counters = counterRow(boot.shared.counters, boot.thread);
counters.fill(0);
const waker = new Waker(boot.bellDirectory, boot.thread, () => loop.touch());
const bell = new Doorbell(boot.shared.bells, (thread) => waker.wake(thread));
const driver = openDriver(boot.directory, boot.durability, boot.partition);
const outbox = new Outbox(new Sequence(boot.shared.sequence), bell, counters, STORE_OVERFLOW_BYTES_MAX);
const server = new StoreServer(driver, {
  counters,
  nowMs: monotonicMs,
  reply: (thread, bytes) => {
    loop.touch();
    return outbox.send(thread, bytes);
  },
  failed: (operation, cause) =>
    log.error({ err: cause, what: 'store_failed', operation }, 'the store failed'),
});
const idle = new IdleWork(server);
const inbox = new Inbox(
  bell,
  counters,
  (thread, bytes, start, end) => server.handle(thread, bytes, start, end),
  (cause) => log.error({ err: cause, what: 'frame_failed' }, 'a request could not be handled'),
);
const loop = new Loop(boot.thread, bell, inbox, outbox, {
  resumeYielded: () => false,
  flush: () => {
    server.commit();
    idle.schedule();
  },
  congestionEnded: () => {},
});

for (const peer of boot.peers) {
  outbox.connect(peer.thread, peer.out);
  inbox.connect(peer.thread, new RingConsumer(peer.in));
}

setInterval(() => {
  counters[Counter.heartbeat]!++;
  server.probe();
  loop.touch();
}, HEARTBEAT_MS);

watchLoopDelay(({ p50Us, p99Us, maxUs }) => {
  counters[Counter.loop_delay_p50_us] = p50Us;
  counters[Counter.loop_delay_p99_us] = p99Us;
  counters[Counter.loop_delay_max_us] = maxUs;
});

port.on('message', (message: { kind: string; [key: string]: unknown }) => {
  switch (message.kind) {
    case 'peer_ready': {
      const { peer } = message as unknown as { peer: StoreBoot['peers'][number] };
      outbox.connect(peer.thread, peer.out);
      inbox.connect(peer.thread, new RingConsumer(peer.in));
      break;
    }
    case 'peer_lost': {
      const { thread } = message as unknown as { thread: number };
      // What the dead shard still asked for is done: it may be messages to keep.
      inbox.finish(thread);
      outbox.reclaim(thread);
      waker.forget(thread);
      break;
    }
    case 'loglevel':
      setLogLevel(log, message['loglevel'] as string);
      break;
    case 'stop':
      for (const { thread } of boot.peers) inbox.finish(thread);
      server.commit();
      outbox.publish();
      driver.close();
      port.postMessage({ kind: 'stopped' });
      port.close();
      process.exit(0);
      break;
    default:
      break;
  }
  loop.touch();
});

await waker.start();
loop.touch();
port.postMessage({ kind: 'ready' });
