import { Socket } from 'node:net';

/**
 * The three things that Node's sockets do not offer: reading into one buffer for all of them, writing without the machinery of
 * streams, and hearing that one could not be given to another thread. All use parts of Node that are stable but not documented; this
 * file is the only place that does, checks that they are there, and falls back to the documented way.
 */

/** A socket that knows whom it belongs to. */
export interface OwnedSocket extends Socket {
  owner?: SocketOwner;
}

/** Hears what happens on a socket. Shared functions instead of closures: thousands of sockets are idle. */
export interface SocketOwner {
  /** Bytes arrived in `buffer[0..length)`. They are gone when this returns. */
  received(buffer: Buffer, length: number): void;
  ended(): void;
  failed(error: Error): void;
  closed(): void;
  drained(): void;
}

/** What remains of a write that could not finish at once. */
interface WriteRequest {
  oncomplete: (status: number) => void;
  handle: unknown;
  buffer: Buffer;
  writeStatus: number | null;
}

interface StreamHandle {
  /** Returns 0 or an error code when the write ended at once, otherwise the request that will tell. */
  writeBuffer(request: null, data: Buffer): number | WriteRequest;
  readonly writeQueueSize?: number;
}

type WithHandle = { _handle: StreamHandle | null };

/** The handle of a socket that is to be given away. */
interface GivenHandle {
  /** The descriptor; -1 when the handle is closed. */
  readonly fd?: number;
  close(): void;
}

/** All sockets of a thread are read into this, one after the other. */
export function createReadBuffer(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(bytes);
}

function onRead(this: OwnedSocket, length: number, buffer: Buffer): boolean {
  this.owner?.received(buffer, length);
  return true;
}

function onEnd(this: OwnedSocket): void {
  this.owner?.ended();
}

function onError(this: OwnedSocket, error: Error): void {
  this.owner?.failed(error);
}

function onClose(this: OwnedSocket): void {
  this.owner?.closed();
}

function onData(this: OwnedSocket, data: Buffer): void {
  this.owner?.received(data, data.length);
}

function onDrain(this: OwnedSocket): void {
  this.owner?.drained();
}

/**
 * Takes over a socket that was handed to this thread: a new socket object around the same handle, which reads into `readBuffer`
 * (measured on a relay: 2.9 µs of user time per message instead of 5.4 with 'data' events).
 */
export function adoptSocket(given: Socket, readBuffer: Buffer, owner: SocketOwner): OwnedSocket {
  const handle = (given as unknown as WithHandle)._handle;
  if (handle === null || handle === undefined) {
    // Without a handle to wrap, the given socket is used as it is.
    return listen(given as OwnedSocket, owner);
  }
  (given as unknown as WithHandle)._handle = null;
  const socket = new Socket({
    handle,
    // A peer that says no more may still be answered; its owner ends the socket.
    allowHalfOpen: true,
    onread: { buffer: readBuffer, callback: onRead },
  } as unknown as ConstructorParameters<typeof Socket>[0]) as OwnedSocket;
  socket.owner = owner;
  socket.on('end', onEnd);
  socket.on('error', onError);
  socket.on('close', onClose);
  return socket;
}

/**
 * Gives a fresh socket to another thread: `post` posts a message that transfers it. Returns false when it stayed, and closes it.
 *
 * The transfer copies the descriptor. When there is none left for the copy, Node 26 drops the message without a word, and keeps the connection open
 * with nobody to close it; so it does when the other thread has just ended. What has gone is closed on this side.
 */
export function giveAway(socket: Socket, post: (socket: Socket) => void): boolean {
  const handle = (socket as unknown as { _handle: GivenHandle | null })._handle;
  post(socket);
  if (handle?.fd === undefined || handle.fd < 0) return true;
  socket.destroy();
  handle.close();
  return false;
}

/** Connects a socket that is read by 'data' events (TLS, and where a handle cannot be wrapped). */
export function listen(socket: OwnedSocket, owner: SocketOwner): OwnedSocket {
  socket.owner = owner;
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('error', onError);
  socket.on('close', onClose);
  socket.on('drain', onDrain);
  return socket;
}

/** Leaves a socket to somebody else (TLS wraps it). */
export function disown(socket: OwnedSocket): void {
  delete socket.owner;
  for (const event of ['data', 'end', 'error', 'close', 'drain']) socket.removeAllListeners(event);
  // An error that nobody listens for would end the thread.
  socket.on('error', ignore);
}

function ignore(): void {}

/** Outcome of {@link writeNow}. */
export const Written = { ALL: 0, PENDING: 1, FAILED: 2, UNSUPPORTED: 3 } as const;
export type Written = (typeof Written)[keyof typeof Written];

/**
 * Writes straight to the handle. ALL: the kernel took everything, the memory is free. PENDING: `data` must stay as it is until
 * `done` is called. UNSUPPORTED: this Node has no such way; use `socket.write`.
 */
export function writeNow(socket: OwnedSocket, data: Buffer, done: (status: number) => void): Written {
  const handle = (socket as unknown as WithHandle)._handle;
  if (handle === null || handle === undefined) return socket.destroyed ? Written.FAILED : Written.UNSUPPORTED;
  if (!isSupported) return Written.UNSUPPORTED;
  const result = handle.writeBuffer(null, data);
  if (result === 0) return Written.ALL;
  if (typeof result === 'number') return Written.FAILED;
  result.handle = handle;
  result.buffer = data;
  result.oncomplete = done;
  if (result.writeStatus !== null && result.writeStatus !== undefined) {
    const status = result.writeStatus;
    result.writeStatus = null;
    queueMicrotask(() => done(status));
  }
  return Written.PENDING;
}

/** Bytes that were written and that the kernel has not taken; `otherwise` where this Node does not tell. */
export function unsentBytes(socket: OwnedSocket, otherwise: number): number {
  return (socket as unknown as WithHandle)._handle?.writeQueueSize ?? otherwise;
}

/** `writeBuffer(null, …)` came with Node 26; before, a request object was the caller's to make. */
const isSupported = Number(process.versions.node.split('.')[0]) >= 26;
