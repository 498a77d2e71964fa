import { createServer, type Socket } from 'node:net';

/**
 * The floor that everything is compared with: a server on Node's `net` that copies what it reads from one socket to its peer and does nothing
 * else. The first eight bytes of a connection are its number; 2n and 2n+1 are a pair. With a `g` before the number it joins that group
 * instead: what one member sends, all of them get.
 */

const sockets = new Map<number, Socket>();
const groups = new Map<string, Socket[]>();

const server = createServer({ noDelay: true }, (socket) => {
  let peer: number | undefined;
  let group: Socket[] | undefined;
  socket.on('error', () => {});
  socket.on('data', (data: Buffer) => {
    if (group !== undefined) {
      for (const member of group) member.write(data);
      return;
    }
    let frame = data;
    if (peer === undefined && data[0] === 0x67) {
      const name = data.latin1Slice(1, 8);
      group = groups.get(name) ?? [];
      groups.set(name, group);
      group.push(socket);
      socket.write(data.subarray(0, 8));
      return;
    }
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
