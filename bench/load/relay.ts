import { createServer, type Socket } from 'node:net';

/**
 * The floor that everything is compared with: a server on Node's `net` that copies what it reads from one socket to its peer and does nothing
 * else. The first eight bytes of a connection are its number; 2n and 2n+1 are a pair.
 */

const sockets = new Map<number, Socket>();

const server = createServer({ noDelay: true }, (socket) => {
  let peer: number | undefined;
  socket.on('error', () => {});
  socket.on('data', (data: Buffer) => {
    let frame = data;
    if (peer === undefined) {
      const number = Number(data.latin1Slice(0, 8));
      sockets.set(number, socket);
      peer = number ^ 1;
      // Says that it is known: what its peer sends from now on arrives.
      socket.write(data.subarray(0, 8));
      frame = data.subarray(8);
      if (frame.length === 0) return;
    }
    sockets.get(peer)?.write(frame);
  });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  process.stdout.write(`relay ready port=${address.port}\n`);
});
process.on('SIGTERM', () => process.exit(0));
