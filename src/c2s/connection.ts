import type { Socket } from 'node:net';
import { CLOSE_LINGER_MS, OUTGOING_BYTES_MAX, STANZAS_PER_TURN_MAX } from '../limits.ts';
import { Counter } from '../memory/counters.ts';
import {
  adoptSocket,
  disown,
  listen,
  type OwnedSocket,
  type SocketOwner,
  Written,
  writeNow,
} from '../util/owned-socket.ts';
import { Scan, type ScanError, type Scanner } from '../xml/scanner.ts';
import type { StreamContext } from '../xml/stream-context.ts';
import { NS_STREAM } from '../xmpp/namespaces.ts';
import type { ConnectionHost } from './connection-host.ts';
import type { Piece } from './output.ts';

/** The stream on a connection: the state machine that gets what was read. */
export interface StreamOwner {
  streamOpened(scanner: Scanner, buffer: Buffer): void;
  /** A whole top-level element is in the scanner. Its bytes are gone when this returns. */
  element(scanner: Scanner, buffer: Buffer): void;
  /** The opening tag of a stream, inside of the stream that is open already. */
  streamOpenedAgain(): void;
  streamClosed(): void;
  unreadable(error: ScanError, text: string): void;
  /** Handling what was read has thrown. */
  crashed(cause: unknown): void;
  /** The transport is gone. `error` is undefined after an orderly end. */
  disconnected(error: Error | undefined): void;
}

/** Why a connection is not read from at present; a set of these. */
export const Pause = {
  /** A handler must finish first. */
  SUSPENDED: 1,
  /** Frames to other threads wait for room. */
  CONGESTED: 2,
  /** Over its rate. */
  SHAPED: 4,
  /** Others have their turn. */
  YIELDED: 8,
  /** TLS is being negotiated. */
  HANDSHAKE: 16,
} as const;

/**
 * One client's connection: bytes in, elements out, and the other way round. It knows framing, back-pressure and limits on memory, and
 * nothing of XMPP beyond that.
 */
export class Connection implements SocketOwner, Piece {
  readonly #host: ConnectionHost;
  readonly owner: StreamOwner;
  /** What the stream's opening tag decided. Set by the owner. */
  context: StreamContext;
  #socket: OwnedSocket;
  #isTls = false;
  /** The socket is in the hands of TLS, and what is written to it now would get into the handshake. */
  #isHandshaking = false;
  #isClosing = false;
  #isClosed = false;

  // Input: an unfinished element, and bytes that came while paused.
  #pause = 0;
  #isSocketPaused = false;
  #carry: Buffer | undefined;
  #carryStart = 0;
  #carryEnd = 0;
  #scanner: Scanner | undefined;
  #isConsuming = false;
  /** The peer has closed while input was waiting to be handled. */
  #hasEnded = false;

  // Output of this turn (see output.ts), then what the socket has not taken yet.
  chunk: Buffer | undefined = undefined;
  start = 0;
  end = 0;
  limit = 0;
  before: Buffer[] | undefined = undefined;
  #queue: Buffer[] | undefined;
  #queuedBytes = 0;
  #writingBytes = 0;
  #whenFlushed: (() => void)[] | undefined;

  constructor(host: ConnectionHost, given: Socket, context: StreamContext, owner: StreamOwner) {
    this.#host = host;
    this.owner = owner;
    this.context = context;
    this.#socket = adoptSocket(given, host.readBuffer, this);
  }

  get isOpen(): boolean {
    return !this.#isClosing && !this.#isClosed;
  }

  get isEncrypted(): boolean {
    return this.#isTls;
  }

  get isHandshaking(): boolean {
    return this.#isHandshaking;
  }

  get socket(): Socket {
    return this.#socket;
  }

  // ── input ──────────────────────────────────────────────────────────────────────────────────────────────────

  received(buffer: Buffer, length: number): void {
    const host = this.#host;
    host.counters[Counter.bytes_in]! += length;
    if (!this.isOpen) return;
    host.touch();
    host.readBytes(this, length);
    if (!this.isOpen) return;
    if (this.#pause !== 0 || this.#carry !== undefined || this.#isConsuming)
      this.#receivedMore(buffer, length);
    else {
      const rest = this.#consume(buffer, 0, length);
      if (rest < length) this.#keep(buffer, rest, length);
    }
  }

  /** Stops reading for a reason of {@link Pause}. What has been read already is kept. */
  pause(reason: number): void {
    this.#pause |= reason;
  }

  /** Takes a reason away; with the last one, reading goes on. */
  unpause(reason: number): void {
    if ((this.#pause & reason) === 0) return;
    this.#pause &= ~reason;
    if (this.#pause === 0 && !this.#isConsuming) this.#resume();
  }

  get isPaused(): boolean {
    return this.#pause !== 0;
  }

  #resume(): void {
    this.#host.touch();
    const carry = this.#carry;
    if (carry !== undefined) this.#consumeCarry(carry);
    if (this.#pause !== 0 || this.#isClosed) return;
    if (this.#isSocketPaused) {
      this.#isSocketPaused = false;
      this.#socket.resume();
    }
    if (this.#hasEnded) this.ended();
  }

  #receivedMore(buffer: Buffer, length: number): void {
    this.#append(buffer, 0, length);
    if (this.#pause !== 0 || this.#isConsuming) {
      if (this.#pause !== 0) this.#pauseSocket();
      return;
    }
    this.#consumeCarry(this.#carry!);
  }

  #pauseSocket(): void {
    if (this.#isSocketPaused || this.#isClosed) return;
    this.#isSocketPaused = true;
    this.#socket.pause();
  }

  #consumeCarry(carry: Buffer): void {
    const rest = this.#consume(carry, this.#carryStart, this.#carryEnd);
    if (this.#carry !== carry) return;
    if (rest >= this.#carryEnd) {
      this.#carry = undefined;
      this.#carryStart = this.#carryEnd = 0;
    } else this.#keep(carry, rest, this.#carryEnd);
  }

  /**
   * Reads elements from `buffer[pos..end)`, as many as there are or as may be handled now. Returns where the part starts that must be
   * kept: an unfinished element, or what has to wait.
   */
  #consume(buffer: Buffer, from: number, end: number): number {
    const { pool } = this.#host;
    const scanner = this.#scanner ?? pool.hot;
    let isWhole = false;
    let pos = from;
    let count = 0;
    this.#isConsuming = true;
    try {
      while (this.isOpen && this.#pause === 0) {
        if (!scanner.isInside) scanner.enter(this.context);
        const event = scanner.scan(buffer, pos, end);
        pos = scanner.pos;
        if (event === Scan.MORE) {
          if (scanner.isInside && this.context.headerName !== '' && isStreamTag(scanner, buffer)) {
            this.owner.streamOpenedAgain();
          }
          break;
        }
        if (event === Scan.ELEMENT) {
          this.owner.element(scanner, buffer);
          if (++count === STANZAS_PER_TURN_MAX && pos < end) {
            this.#pause |= Pause.YIELDED;
            this.#host.yielded(this);
          }
        } else if (event === Scan.STREAM_OPEN) this.owner.streamOpened(scanner, buffer);
        else if (event === Scan.STREAM_CLOSE) this.owner.streamClosed();
        else this.owner.unreadable(scanner.error, scanner.errorText);
        if (pos >= end) break;
      }
      isWhole = true;
    } catch (cause) {
      // A bug, ours or a module's: it costs this client its stream and nobody else anything.
      this.owner.crashed(cause);
    } finally {
      this.#isConsuming = false;
    }
    if (!isWhole || !this.isOpen) {
      // The scanner may have stopped inside an element, and the next connection will use it.
      scanner.reset();
      return end;
    }
    if (scanner.isInside) {
      // An unfinished element: the scanner stays with this connection, and reads on from where it is.
      if (scanner === pool.hot) this.#scanner = pool.takeHot();
      return scanner.base;
    }
    if (this.#scanner !== undefined) {
      pool.give(this.#scanner);
      this.#scanner = undefined;
    }
    return pos;
  }

  /** Keeps `buffer[from..end)` for later; a scanner inside an element goes on at the same byte. */
  #keep(buffer: Buffer, from: number, end: number): void {
    const length = end - from;
    const resume = this.#scanner === undefined ? 0 : this.#scanner.pos - from;
    if (this.#scanner !== undefined) this.#scanner.base = 0;
    if (buffer === this.#carry) {
      // One byte at a time, a large stanza stays where it is: moving it each time would be quadratic (threat T06).
      if (from > 0) buffer.copyWithin(0, from, end);
    } else {
      const carry = Buffer.allocUnsafeSlow(Math.max(256, length * 2));
      buffer.copy(carry, 0, from, end);
      this.#carry = carry;
    }
    this.#carryStart = resume;
    this.#carryEnd = length;
    if (this.#pause !== 0) this.#pauseSocket();
  }

  #append(buffer: Buffer, from: number, to: number): void {
    const length = to - from;
    const needed = this.#carryEnd + length;
    if (this.#carry === undefined || needed > this.#carry.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(256, needed * 2));
      this.#carry?.copy(larger, 0, 0, this.#carryEnd);
      this.#carry = larger;
    }
    buffer.copy(this.#carry, this.#carryEnd, from, to);
    this.#carryEnd = needed;
  }

  /** Bytes read but not handled yet. Must be none before TLS takes over (threat T14). */
  get unreadBytes(): number {
    return this.#carryEnd - this.#carryStart + this.#socket.readableLength;
  }

  /** What is read next is the opening tag of a new stream (RFC 6120 §4.3.3). */
  restart(context: StreamContext): void {
    this.context = context;
  }

  // ── output ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Makes room for `bytes` of this turn's output; write at `chunk[end]` and advance `end`. */
  reserve(bytes: number): void {
    if (this.chunk === undefined) this.#host.dirty(this);
    this.#host.arena.reserve(this, bytes);
  }

  /** Adds text to this turn's output. */
  writeText(text: string): void {
    if (this.#isClosed) return;
    this.reserve(text.length * 3);
    this.end += this.chunk!.utf8Write(text, this.end);
  }

  /** Output or input may follow outside of a read: the turn must be completed. */
  touch(): void {
    this.#host.touch();
  }

  /** Calls back when everything written so far was taken by the kernel; not at all if the connection ends before. */
  afterFlush(callback: () => void): void {
    this.#whenFlushed ??= [];
    this.#whenFlushed.push(callback);
    if (this.chunk === undefined && this.#queuedBytes === 0 && this.#writingBytes === 0)
      this.#host.dirty(this);
  }

  /** Writes this turn's output. Called by the host at the end of the turn. */
  flush(): void {
    const { chunk } = this;
    if (chunk !== undefined) {
      const last = chunk.subarray(this.start, this.end);
      const data = this.before === undefined ? last : Buffer.concat([...this.before, last]);
      const isOwn = this.before !== undefined;
      this.chunk = undefined;
      this.before = undefined;
      if (!this.#isClosed && data.length > 0) {
        this.#host.counters[Counter.bytes_out]! += data.length;
        this.#send(data, isOwn);
      }
    }
    this.#flushed();
  }

  #send(data: Buffer, isOwn: boolean): void {
    if (this.#isTls || this.#writingBytes > 0) {
      this.#enqueue(isOwn ? data : Buffer.from(data));
      return;
    }
    const result = writeNow(this.#socket, data, this.#writeEnded);
    if (result === Written.ALL) return;
    if (result === Written.PENDING) {
      this.#writingBytes = data.length;
      if (!isOwn) this.#host.arena.pin();
    } else if (result === Written.UNSUPPORTED) this.#enqueue(isOwn ? data : Buffer.from(data));
    else this.#drop();
  }

  /**
   * Output that must wait for the socket. Over the limit, the client is one that does not read (threat T60). What one turn produced for a
   * client that was not behind is let pass, however much it is: it has had no chance to read.
   */
  #enqueue(data: Buffer): void {
    const isBehind = this.#queuedBytes + this.#writingBytes > 0;
    if (this.#isTls || this.#writingBytes === 0) {
      this.#socket.write(data, this.#streamWritten);
      this.#queuedBytes = this.#socket.writableLength;
    } else {
      this.#queue ??= [];
      this.#queue.push(data);
      this.#queuedBytes += data.length;
    }
    if (!isBehind || this.#queuedBytes + this.#writingBytes <= OUTGOING_BYTES_MAX) return;
    this.#host.counters[Counter.c2s_slow_reader_closed]!++;
    this.#drop();
  }

  readonly #streamWritten = (): void => {
    this.#queuedBytes = this.#socket.writableLength;
    this.#flushed();
  };

  readonly #writeEnded = (status: number): void => {
    this.#writingBytes = 0;
    if (status < 0 || this.#isClosed) {
      this.#drop();
      return;
    }
    const queue = this.#queue;
    if (queue === undefined) {
      this.#flushed();
      return;
    }
    this.#queue = undefined;
    this.#queuedBytes = 0;
    this.#send(queue.length === 1 ? queue[0]! : Buffer.concat(queue), true);
    this.#flushed();
  };

  /** If nothing waits any more: those who wanted to know are told, and a connection that is closing ends. */
  #flushed(): void {
    // An earlier write may end while this turn's output is still being put together.
    if (this.chunk !== undefined || this.#queuedBytes > 0 || this.#writingBytes > 0) return;
    const callbacks = this.#whenFlushed;
    if (callbacks !== undefined) {
      this.#whenFlushed = undefined;
      for (const callback of callbacks) callback();
    }
    if (this.#isClosing && !this.#isClosed) this.#socket.end();
  }

  /** Bytes that wait for the client to read. */
  get pendingBytes(): number {
    return this.#queuedBytes + this.#writingBytes + (this.chunk === undefined ? 0 : this.end - this.start);
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends what is left, then closes. The peer gets a moment to do the same. */
  close(): void {
    if (this.#isClosing || this.#isClosed) return;
    this.#isClosing = true;
    this.#host.dirty(this);
    this.#host.touch();
    this.#linger();
  }

  /** A peer that does not do its part is not waited for. */
  #linger(): void {
    setTimeout(() => this.destroy(), CLOSE_LINGER_MS).unref();
  }

  /** Closes at once. What was not sent is lost. */
  destroy(): void {
    if (this.#isClosed) return;
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.owner.disconnected(undefined);
    }
    this.#socket.destroy();
    // While TLS has the socket, nobody tells us of its end.
    if (this.#isHandshaking) this.closed();
  }

  #drop(): void {
    if (!this.#isClosed) this.#socket.destroy();
  }

  ended(): void {
    // The peer sends no more. Ours may still be on its way when we are closing, too.
    if (this.#isClosing) return;
    if (this.#pause !== 0 && this.#carry !== undefined) {
      // What it sent before is handled first.
      this.#hasEnded = true;
      return;
    }
    this.#isClosing = true;
    this.owner.disconnected(undefined);
    this.#socket.end();
    this.#linger();
  }

  failed(error: Error): void {
    if (this.#isClosing || this.#isClosed) return;
    this.#isClosing = true;
    this.owner.disconnected(error);
    // TLS tells of some errors without closing.
    this.#socket.destroy();
  }

  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#scanner !== undefined) this.#host.pool.give(this.#scanner);
    this.#scanner = undefined;
    this.#carry = undefined;
    this.#queue = undefined;
    this.#whenFlushed = undefined;
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.owner.disconnected(undefined);
    }
    this.#host.closed(this);
  }

  drained(): void {
    this.#queuedBytes = this.#socket.writableLength;
  }

  // ── TLS ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Hands the raw socket over to be wrapped. Nothing read before may be left (threat T14). */
  releaseSocket(): Socket {
    this.#isHandshaking = true;
    disown(this.#socket);
    this.#socket.pause();
    return this.#socket;
  }

  /** Goes on with the encrypted socket. */
  adoptTls(socket: Socket): void {
    this.#isHandshaking = false;
    this.#isTls = true;
    this.#socket = listen(socket as OwnedSocket, this);
  }
}

/** Whether the unfinished element is a stream's opening tag: it would stay unfinished until the stream ends. */
function isStreamTag(scanner: Scanner, buffer: Buffer): boolean {
  const { tokens, tokenWords, base } = scanner;
  if (tokenWords === 0) return false;
  const colon = tokens[3]!;
  const start = base + (colon < 0 ? tokens[1]! : colon + 1);
  if (base + tokens[2]! - start !== 6 || buffer.latin1Slice(start, start + 6) !== 'stream') return false;
  return scanner.namespaceUri(buffer, tokens[4]!) === NS_STREAM;
}
