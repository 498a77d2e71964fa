import { STANZAS_PER_TURN_MAX } from '../limits.ts';
import { Counter } from '../memory/counters.ts';
import { Scan, type Scanner } from '../xml/scanner.ts';
import type { StreamContext } from '../xml/stream-context.ts';
import type { ConnectionHost } from './connection-host.ts';
import { ConnectionOutput } from './connection-output.ts';
import { Pause } from './pause.ts';
import type { StreamOwner } from './stream-owner.ts';
import { isStreamTag } from './stream-tag.ts';

/** The half of a connection that reads: finds elements in bytes, and keeps what is unfinished or has to wait. */
export abstract class ConnectionInput extends ConnectionOutput {
  /** Another one once its session goes on elsewhere. */
  owner: StreamOwner;
  /** What the stream's opening tag decided. Set by the owner. */
  context: StreamContext;

  // An unfinished element, and bytes that came while paused.
  #pause = 0;
  #isSocketPaused = false;
  #carry: Buffer | undefined;
  #carryStart = 0;
  #carryEnd = 0;
  #scanner: Scanner | undefined;
  #isConsuming = false;
  /** The peer has closed while input was waiting to be handled. */
  #hasEnded = false;

  constructor(host: ConnectionHost, context: StreamContext, owner: StreamOwner) {
    super(host);
    this.owner = owner;
    this.context = context;
  }

  /** The peer sends no more. */
  abstract ended(): void;

  get isOpen(): boolean {
    return !this.isClosing && !this.isClosed;
  }

  received(buffer: Buffer, length: number): void {
    const host = this.host;
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

  /** Stops reading for a reason of {@link Pause}. What has been read already is kept. False when the reason was there already: somebody else takes it away. */
  pause(reason: number): boolean {
    const isNew = (this.#pause & reason) === 0;
    this.#pause |= reason;
    return isNew;
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
    this.host.touch();
    const carry = this.#carry;
    if (carry !== undefined) this.#consumeCarry(carry);
    if (this.#pause !== 0 || this.isClosed) return;
    if (this.#isSocketPaused) {
      this.#isSocketPaused = false;
      this.transport.resume();
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
    if (this.#isSocketPaused || this.isClosed) return;
    this.#isSocketPaused = true;
    this.transport.pause();
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
    const { pool } = this.host;
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
            this.host.yielded(this);
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
    return this.#carryEnd - this.#carryStart + this.transport.readableLength;
  }

  /** What is read next is the opening tag of a new stream (RFC 6120 §4.3.3). */
  restart(context: StreamContext): void {
    this.context = context;
  }

  /** Whether what the peer sent before its end waits to be handled; then `ended` is called again after it. */
  protected endWaits(): boolean {
    if (this.#pause === 0 || this.#carry === undefined) return false;
    this.#hasEnded = true;
    return true;
  }

  /** The socket is gone, and what was not handled with it. */
  protected forgetInput(): void {
    if (this.#scanner !== undefined) this.host.pool.give(this.#scanner);
    this.#scanner = undefined;
    this.#carry = undefined;
  }
}
