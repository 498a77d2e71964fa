import type { ScanError, Scanner } from '../xml/scanner.ts';

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
