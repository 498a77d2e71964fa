import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { giveAway } from '../../../src/util/owned-socket.ts';

let server: Server;
let client: Socket;
let fresh: Socket;
let here: MessagePort;
let there: MessagePort;

beforeEach(async () => {
  server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  [fresh] = (await once(server, 'connection')) as [Socket];
  const { port1, port2 } = new MessageChannel();
  here = port1;
  there = port2;
});

afterEach(() => {
  client.destroy();
  fresh.destroy();
  here.close();
  server.close();
});

async function isClosed(): Promise<boolean> {
  client.resume();
  await once(client, 'close');
  return true;
}

describe('a socket that is given away', () => {
  it('is used by whoever gets it, and closed on this side', async () => {
    const arrival = once(there, 'message');
    const isGone = giveAway(fresh, (socket) => here.postMessage({ socket }, [socket as never]));
    expect(isGone).toBe(true);
    expect(fresh.destroyed).toBe(true);
    const [{ socket }] = (await arrival) as [{ socket: Socket }];
    socket.end('from there');
    const [data] = (await once(client, 'data')) as [Buffer];
    expect(data.toString()).toBe('from there');
  });

  it('is closed when nobody takes it: the other thread has just ended', async () => {
    expect(giveAway(fresh, () => {})).toBe(false);
    expect(fresh.destroyed).toBe(true);
    expect(await isClosed()).toBe(true);
  });

  it('is closed when its message is dropped after it was detached: there is no descriptor for the copy', async () => {
    const isGone = giveAway(fresh, (socket) => {
      (socket as unknown as { _handle: unknown })._handle = null;
      socket.destroy();
    });
    expect(isGone).toBe(false);
    expect(await isClosed()).toBe(true);
  });
});
