/**
 * What a request that failed has left behind:
 * - `undone`: nothing, and that is not its own fault: the disk is full or fails, the database is locked, the store has fallen behind
 * - `fault`: nothing; what it asks for cannot be done
 * - `unsure`: nobody knows whether it was done
 */
export type StoreFailure = 'undone' | 'fault' | 'unsure';

/** What SQLite says when the disk, and not the request, is to blame. */
const DISK = /^SQLITE_(FULL|IOERR|BUSY|LOCKED|CANTOPEN|READONLY|NOMEM|PROTOCOL|CORRUPT|NOTADB)/;

/** A batch of writes has come whose predecessor was not done. */
export class OutOfOrderError extends Error {}

/** What an operation that threw has left behind. */
export function failureOf(cause: unknown): StoreFailure {
  if (cause instanceof OutOfOrderError) return 'undone';
  const code = (cause as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' && DISK.test(code) ? 'undone' : 'fault';
}

/** The store did not do it: it is gone, overloaded, or its disk refuses. The message says which. */
export class StoreUnavailableError extends Error {
  readonly failure: StoreFailure;

  constructor(message: string, failure: StoreFailure = 'unsure') {
    super(message);
    this.failure = failure;
  }
}
