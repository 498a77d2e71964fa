import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '../observe/log.ts';
import { type ConnectionLimitSettings, ConnectionLimits, type Refusal } from './connection-limits.ts';
import { SpareDescriptor } from './spare-descriptor.ts';

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly backlog: number;
  readonly isIpv6Only: boolean;
}

export interface AcceptorHost {
  readonly log: Logger;
  nowMs(): number;
  /** Takes over a fresh socket; false when nobody can. */
  handOver(socket: Socket, address: string, port: number): boolean;
}

/** Log lines about refused connections: one a second. */
const LOG_EVERY_MS = 1_000;
/** After accepting failed, the listener rests this long. */
const BACK_OFF_MS = 100;

/** One listener on the main thread: takes connections within their limits and hands them over. It never reads a byte. */
export class Acceptor {
  readonly #server: Server;
  readonly #limits: ConnectionLimits;
  readonly #host: AcceptorHost;
  readonly #spare = new SpareDescriptor();
  readonly #address: ListenAddress;
  #lastLogMs = Number.NEGATIVE_INFINITY;
  #refusedSinceLog = 0;
  /** Connections refused, by reason. */
  readonly refused: Record<Refusal | 'overload', number> = {
    total: 0,
    address: 0,
    prefix: 0,
    rate: 0,
    overload: 0,
  };

  constructor(address: ListenAddress, limits: ConnectionLimitSettings, host: AcceptorHost) {
    this.#address = address;
    this.#host = host;
    this.#limits = new ConnectionLimits(limits, () => host.nowMs());
    this.#server = createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: false }, (socket) =>
      this.#accept(socket),
    );
    this.#server.on('error', (error) => this.#failed(error));
  }

  /** Starts listening. Rejects when the address cannot be had. Returns where it listens. */
  async listen(): Promise<AddressInfo> {
    const { host, port, backlog, isIpv6Only } = this.#address;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog, ipv6Only: isIpv6Only }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    return this.#server.address() as AddressInfo;
  }

  /** Stops accepting. Connections already handed over go on. */
  close(): void {
    this.#server.close();
  }

  get connections(): number {
    return this.#limits.total;
  }

  /** Other limits count from the next connection on. */
  setLimits(limits: ConnectionLimitSettings): void {
    this.#limits.change(limits);
  }

  /** A connection that was handed over has ended. */
  released(address: string): void {
    this.#limits.release(address);
    this.#spare.take();
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress;
    if (address === undefined) {
      socket.destroy();
      return;
    }
    const refusal = this.#limits.admit(address);
    if (refusal !== undefined) {
      this.#refuse(socket, refusal, address);
      return;
    }
    if (!this.#host.handOver(socket, address, socket.remotePort ?? 0)) {
      this.#limits.release(address);
      this.#refuse(socket, 'overload', address);
    }
  }

  #refuse(socket: Socket, reason: Refusal | 'overload', address: string): void {
    this.refused[reason]++;
    this.#refusedSinceLog++;
    socket.destroy();
    const now = this.#host.nowMs();
    if (now - this.#lastLogMs < LOG_EVERY_MS) return;
    this.#lastLogMs = now;
    const count = this.#refusedSinceLog;
    this.#refusedSinceLog = 0;
    this.#host.log.warn({ what: 'connection_refused', reason, address, count }, 'connections refused');
  }

  /** Accepting failed, mostly for want of descriptors: existing sessions live on, waiting connections are shed, then it goes on. */
  #failed(error: Error): void {
    const now = this.#host.nowMs();
    if (now - this.#lastLogMs >= LOG_EVERY_MS) {
      this.#lastLogMs = now;
      this.#host.log.error({ err: error, what: 'accept_failed' }, 'accepting a connection failed');
    }
    this.#spare.giveUp();
    setTimeout(() => this.#spare.take(), BACK_OFF_MS).unref();
  }
}
