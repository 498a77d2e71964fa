import type { Socket } from 'node:net';
import { Acceptor } from '../acceptor/acceptor.ts';
import { Placement } from '../acceptor/placement.ts';
import type { C2sListenerConfig } from '../config/config.ts';
import type { Logger } from '../observe/log.ts';
import { limitsOf } from './listener-limits.ts';
import type { ShardHandle } from './shard-handle.ts';

/** Where a listener listens. */
export interface Listening {
  readonly kind: 'c2s' | 'http';
  readonly host: string;
  readonly port: number;
}

/** The listeners for clients: their sockets go to the shard with the fewest connections. */
export class ClientListeners {
  readonly acceptors: Acceptor[] = [];
  readonly #log: Logger;
  readonly #shards: readonly ShardHandle[];
  readonly #placement = new Placement();
  #isStopping = false;

  constructor(log: Logger, shards: readonly ShardHandle[]) {
    this.#log = log;
    this.#shards = shards;
  }

  /** Opens all of them. Rejects when one cannot be. */
  async listen(listeners: readonly C2sListenerConfig[]): Promise<Listening[]> {
    const listening: Listening[] = [];
    for (const [index, listener] of listeners.entries()) {
      const { ipAddress: host, port: wanted, backlog } = listener;
      const acceptor = new Acceptor({ host, port: wanted, backlog, isIpv6Only: false }, limitsOf(listener), {
        log: this.#log,
        nowMs: () => performance.now(),
        handOver: (socket, address, port) => this.#handOver(socket, index, address, port),
      });
      this.acceptors.push(acceptor);
      const { address, port } = await acceptor.listen();
      listening.push({ kind: 'c2s', host: address, port });
      if (listener.tls === undefined && !isLoopback(address)) {
        this.#log.warn(
          { what: 'plain_listener', address, port },
          'a c2s listener without TLS is not bound to loopback',
        );
      }
    }
    return listening;
  }

  #handOver(socket: Socket, listener: number, address: string, port: number): boolean {
    const shard = this.#placement.choose(this.#shards) as ShardHandle | undefined;
    if (shard === undefined || this.#isStopping) return false;
    return shard.accept(socket, listener, address, port);
  }

  /** A connection ended: it does not count any more. */
  released(listener: number, address: string): void {
    this.acceptors[listener]?.released(address);
  }

  /** The limits of a changed configuration hold from now on. */
  setLimits(listeners: readonly C2sListenerConfig[]): void {
    for (const [index, listener] of listeners.entries()) this.acceptors[index]?.setLimits(limitsOf(listener));
  }

  /** Takes no connections any more. */
  close(): void {
    this.#isStopping = true;
    for (const acceptor of this.acceptors) acceptor.close();
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}
