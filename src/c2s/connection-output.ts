import { OUTGOING_BYTES_MAX } from '../limits.ts';
import { Counter } from '../memory/counters.ts';
import { type OwnedSocket, unsentBytes, Written, writeNow } from '../util/owned-socket.ts';
import type { ConnectionHost } from './connection-host.ts';
import type { Piece } from './output.ts';

/**
 * The half of a connection that writes. What one turn produces is put together in the arena and leaves in one write; what the socket does not take
 * waits here, up to a limit. (The other half is derived from this one rather than beside it, so that an idle connection is one object.)
 */
export abstract class ConnectionOutput implements Piece {
  protected readonly host: ConnectionHost;
  protected transport!: OwnedSocket;
  protected isTls = false;
  /** Nothing more is read; what is left is written. */
  protected isClosing = false;
  protected isClosed = false;

  // Output of this turn (see output.ts), then what the socket has not taken yet.
  chunk: Buffer | undefined = undefined;
  start = 0;
  end = 0;
  limit = 0;
  before: Buffer[] | undefined = undefined;
  /** Text that comes last in this turn's output. */
  #trailer = '';
  #queue: Buffer[] | undefined;
  #queuedBytes = 0;
  #writingBytes = 0;
  #whenFlushed: ((isFlushed: boolean) => void)[] | undefined;

  constructor(host: ConnectionHost) {
    this.host = host;
  }

  /** Makes room for `bytes` of this turn's output; write at `chunk[end]` and advance `end`. */
  reserve(bytes: number): void {
    if (this.chunk === undefined) this.host.dirty(this);
    this.host.arena.reserve(this, bytes);
  }

  /** Adds text to this turn's output. */
  writeText(text: string): void {
    if (this.isClosed) return;
    this.reserve(text.length * 3);
    this.end += this.chunk!.utf8Write(text, this.end);
  }

  /** Has text stand behind everything else of this turn's output. There is one such text: another one takes its place. */
  writeLast(text: string): void {
    if (this.isClosed) return;
    this.reserve(text.length * 3);
    this.#trailer = text;
  }

  /** Output or input may follow outside of a read: the turn must be completed. */
  touch(): void {
    this.host.touch();
  }

  /** Calls back when everything written so far was taken by the kernel; with false if the connection ends before. */
  afterFlush(callback: (isFlushed: boolean) => void): void {
    if (this.isClosed) {
      callback(false);
      return;
    }
    this.#whenFlushed ??= [];
    this.#whenFlushed.push(callback);
    if (this.chunk === undefined && this.#queuedBytes === 0 && this.#writingBytes === 0)
      this.host.dirty(this);
  }

  /** Writes this turn's output. Called by the host at the end of the turn. */
  flush(): void {
    if (this.#trailer !== '' && this.chunk !== undefined) {
      const text = this.#trailer;
      this.#trailer = '';
      // Behind the end of the stream it would be too late.
      if (!this.isClosing) this.writeText(text);
    }
    const { chunk } = this;
    if (chunk !== undefined) {
      const last = chunk.subarray(this.start, this.end);
      const data = this.before === undefined ? last : Buffer.concat([...this.before, last]);
      const isOwn = this.before !== undefined;
      this.chunk = undefined;
      this.before = undefined;
      if (!this.isClosed && data.length > 0) {
        this.host.counters[Counter.bytes_out]! += data.length;
        this.#send(data, isOwn);
      }
    }
    this.#flushed();
  }

  #send(data: Buffer, isOwn: boolean): void {
    if (this.isTls || this.#writingBytes > 0) {
      this.#enqueue(isOwn ? data : Buffer.from(data));
      return;
    }
    const result = writeNow(this.transport, data, this.#writeEnded);
    if (result === Written.ALL) return;
    if (result === Written.PENDING) {
      this.#writingBytes = data.length;
      if (!isOwn) this.host.arena.pin();
    } else if (result === Written.UNSUPPORTED) this.#enqueue(isOwn ? data : Buffer.from(data));
    else this.drop();
  }

  /**
   * Output that must wait for the socket. Over the limit for too long, the client is one that does not read (threat T60, see {@link Backlog}). What one
   * turn produced for a client that was not behind is let pass, however much it is: it has had no chance to read.
   */
  #enqueue(data: Buffer): void {
    const isBehind = this.#queuedBytes + this.#writingBytes > 0;
    if (this.isTls || this.#writingBytes === 0) {
      this.transport.write(data, this.#streamWritten);
      this.#queuedBytes = this.transport.writableLength;
    } else {
      this.#queue ??= [];
      this.#queue.push(data);
      this.#queuedBytes += data.length;
    }
    if (!isBehind || this.#queuedBytes + this.#writingBytes <= OUTGOING_BYTES_MAX) return;
    if (!this.host.backlog.allows(this, this.#waitingBytes(), this.host.nowMs())) this.dropSlow();
  }

  /** What the kernel has not taken. */
  #waitingBytes(): number {
    const writing = this.#writingBytes;
    return this.#queuedBytes + (writing === 0 ? 0 : unsentBytes(this.transport, writing));
  }

  /** The client has taken something. */
  #caughtUp(): void {
    const { backlog } = this.host;
    if (!backlog.isEmpty) backlog.allows(this, this.#waitingBytes(), this.host.nowMs());
  }

  /** The client does not read, or much too slowly. */
  dropSlow(): void {
    this.host.counters[Counter.c2s_slow_reader_closed]!++;
    this.drop();
  }

  readonly #streamWritten = (): void => {
    this.#queuedBytes = this.transport.writableLength;
    this.#caughtUp();
    this.#flushed();
  };

  readonly #writeEnded = (status: number): void => {
    this.#writingBytes = 0;
    if (status < 0 || this.isClosed) {
      this.drop();
      return;
    }
    const queue = this.#queue;
    if (queue !== undefined) {
      this.#queue = undefined;
      this.#queuedBytes = 0;
      this.#send(queue.length === 1 ? queue[0]! : Buffer.concat(queue), true);
    }
    this.#caughtUp();
    this.#flushed();
  };

  /** If nothing waits any more: those who wanted to know are told, and a connection that is closing ends. */
  #flushed(): void {
    // An earlier write may end while this turn's output is still being put together.
    if (this.chunk !== undefined || this.#queuedBytes > 0 || this.#writingBytes > 0) return;
    const callbacks = this.#whenFlushed;
    if (callbacks !== undefined) {
      this.#whenFlushed = undefined;
      for (const callback of callbacks) callback(true);
    }
    if (this.isClosing && !this.isClosed && this.chunk === undefined) this.transport.end();
  }

  /** Bytes that wait for the client to read. */
  get pendingBytes(): number {
    return this.#queuedBytes + this.#writingBytes + (this.chunk === undefined ? 0 : this.end - this.start);
  }

  drained(): void {
    this.#queuedBytes = this.transport.writableLength;
  }

  /** The socket is gone, and with it whoever waited for it. */
  protected forgetOutput(): void {
    const callbacks = this.#whenFlushed;
    this.#queue = undefined;
    this.#whenFlushed = undefined;
    this.host.backlog.forget(this);
    if (callbacks !== undefined) for (const callback of callbacks) callback(false);
  }

  /** Closes at once, and hears of it by `closed`. */
  protected drop(): void {
    if (!this.isClosed) this.transport.destroy();
  }
}
