import type { Socket } from 'node:net';
import { CLOSE_LINGER_MS } from '../limits.ts';
import { adoptSocket, disown, listen, type OwnedSocket, type SocketOwner } from '../util/owned-socket.ts';
import type { StreamContext } from '../xml/stream-context.ts';
import type { ConnectionHost } from './connection-host.ts';
import { ConnectionInput } from './connection-input.ts';
import type { StreamOwner } from './stream-owner.ts';

/**
 * One client's connection: bytes in, elements out, and the other way round. It knows framing, back-pressure and limits on memory, and
 * nothing of XMPP beyond that.
 */
export class Connection extends ConnectionInput implements SocketOwner {
  /** The socket is in the hands of TLS, and what is written to it now would get into the handshake. */
  #isHandshaking = false;

  constructor(host: ConnectionHost, given: Socket, context: StreamContext, owner: StreamOwner) {
    super(host, context, owner);
    this.transport = adoptSocket(given, host.readBuffer, this);
  }

  get isEncrypted(): boolean {
    return this.isTls;
  }

  get isHandshaking(): boolean {
    return this.#isHandshaking;
  }

  get socket(): Socket {
    return this.transport;
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends what is left, then closes. The peer gets a moment to do the same. */
  close(): void {
    if (this.isClosing || this.isClosed) return;
    this.isClosing = true;
    this.host.dirty(this);
    this.host.touch();
    this.#linger();
  }

  /** A peer that does not do its part is not waited for. */
  #linger(): void {
    setTimeout(() => this.destroy(), CLOSE_LINGER_MS).unref();
  }

  /** Closes at once. What was not sent is lost. */
  destroy(): void {
    if (this.isClosed) return;
    if (!this.isClosing) {
      this.isClosing = true;
      this.owner.disconnected(undefined);
    }
    this.transport.destroy();
    // While TLS has the socket, nobody tells us of its end.
    if (this.#isHandshaking) this.closed();
  }

  ended(): void {
    // The peer sends no more. Ours may still be on its way when we are closing, too.
    if (this.isClosing) return;
    // What it sent before is handled first.
    if (this.endWaits()) return;
    this.isClosing = true;
    this.owner.disconnected(undefined);
    this.transport.end();
    this.#linger();
  }

  failed(error: Error): void {
    if (this.isClosing || this.isClosed) return;
    this.isClosing = true;
    this.owner.disconnected(error);
    // TLS tells of some errors without closing.
    this.transport.destroy();
  }

  closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.forgetInput();
    this.forgetOutput();
    if (!this.isClosing) {
      this.isClosing = true;
      this.owner.disconnected(undefined);
    }
    this.host.closed(this);
  }

  // ── TLS ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Hands the raw socket over to be wrapped. Nothing read before may be left (threat T14). */
  releaseSocket(): Socket {
    this.#isHandshaking = true;
    disown(this.transport);
    this.transport.pause();
    return this.transport;
  }

  /** Goes on with the encrypted socket. */
  adoptTls(socket: Socket): void {
    this.#isHandshaking = false;
    this.isTls = true;
    this.transport = listen(socket as OwnedSocket, this);
  }
}
