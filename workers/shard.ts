import type { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { ShardBoot, ToShard } from '../src/shard/boot.ts';
import { runCommand } from '../src/shard/commands.ts';
import { Shard } from '../src/shard/shard.ts';

/** Entry of a shard thread: ties the thread's port to a {@link Shard}. */

const port = parentPort!;
const shard = new Shard(workerData as ShardBoot, (message) => port.postMessage(message));

port.on('message', (message: ToShard & { readonly socket?: Socket }) => {
  switch (message.kind) {
    case 'connection':
      shard.accept(message.socket!, message.listener, message.address, message.port);
      break;
    case 'request':
      void runCommand(shard, message.command, message.args).then(
        (value) => port.postMessage({ kind: 'reply', id: message.id, value, error: undefined }),
        (cause: unknown) => {
          port.postMessage({ kind: 'reply', id: message.id, value: undefined, error: String(cause) });
        },
      );
      break;
    case 'stop':
      shard.stop();
      process.exit(0);
      break;
    default:
      shard.told(message);
  }
});

// A connection that the main thread counts, or an answer that somebody waits for, is lost: only a new start makes that good.
port.on('messageerror', (cause) => {
  throw cause;
});

await shard.start();
