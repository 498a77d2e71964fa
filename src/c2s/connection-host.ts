import type { Backlog } from './backlog.ts';
import type { Connection } from './connection.ts';
import type { ConnectionInput } from './connection-input.ts';
import type { ConnectionOutput } from './connection-output.ts';
import type { OutputArena } from './output.ts';
import type { ScannerPool } from './scanner-pool.ts';

/** What connections share in one thread. */
export interface ConnectionHost {
  readonly readBuffer: Buffer;
  readonly pool: ScannerPool;
  readonly arena: OutputArena;
  readonly counters: Float64Array;
  readonly backlog: Backlog<ConnectionOutput>;
  /** Milliseconds of a clock that only goes forward. */
  nowMs(): number;
  /** Something happened: the turn must be completed. */
  touch(): void;
  /** This connection has output to flush at the end of the turn. */
  dirty(connection: ConnectionOutput): void;
  /** This connection gave way; unpause it (YIELDED) in the next turn. */
  yielded(connection: ConnectionInput): void;
  /** Bytes were read: the place of the shaper, and of looking whether the thread is congested. */
  readBytes(connection: ConnectionInput, bytes: number): void;
  closed(connection: Connection): void;
}
