import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Dice } from '../fuzz/dice.ts';

export interface FlakyOptions {
  /** Bytes, in both directions together, after which a connection is cut: a number between these. */
  readonly cutAfter?: readonly [min: number, max: number];
  /** Longest delay of one piece, in milliseconds. */
  readonly delayMsMax?: number;
  /** Largest piece that is passed on at a time. */
  readonly pieceMax?: number;
}

/**
 * A bad network between clients and a server on 127.0.0.1: splits what passes at random places, delays the pieces, and cuts connections without a word, with
 * what is under way. The same seed makes the same choices. Until {@link worsen} it is a good one.
 */
export class FlakyProxy {
  readonly #server: Server;
  readonly #dice: Dice;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #options: FlakyOptions | undefined;
  /** Connections that were cut. */
  cuts = 0;

  private constructor(target: number, seed: number) {
    this.#target = target;
    this.#dice = new Dice(seed);
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(target: number, seed: number): Promise<FlakyProxy> {
    const proxy = new FlakyProxy(target, seed);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on the network is as bad as this; for connections that are open, too. */
  worsen(options: FlakyOptions): void {
    this.#options = options;
  }

  /** The network is good again. */
  improve(): void {
    this.#options = undefined;
  }

  /** Cuts all connections. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cutAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    const server = connect({ port: this.#target, host: '127.0.0.1' });
    const pair = { left: undefined as number | undefined };
    this.#pass(client, server, pair);
    this.#pass(server, client, pair);
  }

  /** Passes on what comes from one side, in order. */
  #pass(from: Socket, to: Socket, pair: { left: number | undefined }): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    let before = Promise.resolve();
    from.on('data', (data: Buffer) => {
      before = before.then(() => this.#pieces(data, from, to, pair));
    });
    from.on('error', () => {});
    from.on('end', () => {
      before = before.then(() => void to.end());
    });
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  async #pieces(data: Buffer, from: Socket, to: Socket, pair: { left: number | undefined }): Promise<void> {
    let rest = data;
    while (rest.length > 0) {
      const options = this.#options;
      if (options === undefined) {
        to.write(rest);
        return;
      }
      const { cutAfter, delayMsMax = 0, pieceMax = 512 } = options;
      let length = Math.min(rest.length, 1 + this.#dice.below(pieceMax));
      if (cutAfter !== undefined) {
        pair.left ??= cutAfter[0] + this.#dice.below(cutAfter[1] - cutAfter[0]);
        length = Math.min(length, pair.left);
      }
      const delayMs = delayMsMax === 0 ? 0 : this.#dice.below(delayMsMax + 1);
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
      if (to.destroyed) return;
      to.write(rest.subarray(0, length));
      rest = rest.subarray(length);
      if (pair.left === undefined) continue;
      pair.left -= length;
      if (pair.left > 0) continue;
      this.cuts++;
      from.destroy();
      to.destroy();
      return;
    }
  }
}
