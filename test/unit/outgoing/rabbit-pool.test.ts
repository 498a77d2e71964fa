import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { RabbitPoolConfig } from '../../../src/config/config.ts';
import { RabbitPool } from '../../../src/outgoing/rabbit-pool.ts';
import { eventually } from '../../helpers/process.ts';

/** The pool and servers that are none. What a real RabbitMQ does is in `test/scenario/modules/event-pusher-rabbit.test.ts`. */

const EXCHANGE = { name: 'x', type: 'topic', isDurable: false };

class Rig {
  readonly #server: Server;
  readonly sockets = new Set<Socket>();
  connections = 0;
  readonly counts = new Map<string, number>();
  readonly logged: object[] = [];
  pool!: RabbitPool;

  private constructor(onConnection: (socket: Socket) => void) {
    this.#server = createServer((socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.sockets.delete(socket));
      socket.resume();
      onConnection(socket);
    });
  }

  static async start(
    onConnection: (socket: Socket) => void,
    more: Partial<RabbitPoolConfig> = {},
  ): Promise<Rig> {
    const rig = new Rig(onConnection);
    await new Promise<void>((resolve) => rig.#server.listen(0, '127.0.0.1', resolve));
    const config: RabbitPoolConfig = {
      name: 'rabbit.test',
      scope: 'global',
      workers: 1,
      queueMax: 3,
      callTimeoutMs: 100,
      host: '127.0.0.1',
      port: (rig.#server.address() as AddressInfo).port,
      username: 'guest',
      password: 'guest',
      virtualHost: '/',
      isConfirmed: false,
      reconnectDelayMs: 10,
      reconnectAttempts: 0,
      tls: undefined,
      ...more,
    };
    const log = (fields: object): void => void rig.logged.push(fields);
    rig.pool = new RabbitPool(config, { warn: log, info: log }, (event, by) => {
      rig.counts.set(event, (rig.counts.get(event) ?? 0) + by);
    });
    return rig;
  }

  count(event: string): number {
    return this.counts.get(event) ?? 0;
  }

  publish(routingKey: string): void {
    this.pool.publish({ exchange: 'x', routingKey, content: Buffer.from('{}') });
  }

  async stop(): Promise<void> {
    this.pool.close();
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe('a server that', () => {
  let rig: Rig;

  afterEach(() => rig.stop());

  it.each([
    ['says nothing', () => {}],
    ['closes at once', (socket: Socket) => socket.destroy()],
    ['speaks something else', (socket: Socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['wants another version', (socket: Socket) => void socket.write('AMQP\0\0\x09\x01')],
    [
      'announces an endless frame',
      (socket: Socket) => void socket.write(Buffer.from([1, 0, 0, 0x7f, 0xff, 0xff, 0xff])),
    ],
  ])('%s is left, and tried again and again, without hurting anybody', async (_what, onConnection) => {
    rig = await Rig.start(onConnection);
    rig.pool.declare(EXCHANGE);
    for (const key of ['a', 'b', 'c', 'd', 'e']) rig.publish(key);
    await eventually(() => rig.count('connections_failed') >= 3, 'it is tried again');
    expect([rig.pool.length, rig.count('dropped'), rig.count('connections_opened')]).toEqual([3, 2, 0]);
    expect(rig.logged).toHaveLength(1);
    expect(rig.logged[0]).toMatchObject({ what: 'outgoing_pool_down', pool: 'rabbit.test' });
    rig.pool.close();
    expect([rig.pool.length, rig.count('dropped')]).toEqual([0, 5]);
    await eventually(() => rig.sockets.size === 0, 'nothing is left behind');
  });

  it('is not there is tried again; what waits goes after so many failures, if that is wanted', async () => {
    rig = await Rig.start((socket) => socket.destroy(), { reconnectAttempts: 2 });
    rig.publish('a');
    await eventually(() => rig.count('dropped') === 1, 'it is dropped');
    rig.publish('b');
    expect(rig.pool.length).toBe(1);
    await eventually(() => rig.count('dropped') === 2, 'it is dropped');
  });

  it('is not asked by a pool that nobody uses, nor by one that is closed', async () => {
    rig = await Rig.start(() => {});
    rig.pool.close();
    await new Promise(setImmediate);
    expect(rig.connections).toBe(0);
  });

  it('could not take a routing key is not given it', async () => {
    rig = await Rig.start(() => {});
    rig.publish('é'.repeat(127));
    expect(rig.pool.length).toBe(1);
    rig.publish('é'.repeat(128));
    expect([rig.pool.length, rig.count('refused')]).toEqual([1, 1]);
  });
});
