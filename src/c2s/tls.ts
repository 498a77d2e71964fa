import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { C2s } from './c2s.ts';

/** Making connections safe. Implemented in `shard/`, which holds the keys. */
export interface TlsService {
  /**
   * Wraps a socket on the server's side. `ready` hears of the finished handshake, `failed` of any other end of it; exactly one of
   * them is called.
   */
  wrap(c2s: C2s, socket: Socket, ready: (socket: TLSSocket) => void, failed: (cause: Error) => void): void;
}
