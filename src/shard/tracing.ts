import type { Accumulator } from '../hooks/accumulator.ts';
import type { Trace, TraceStep } from '../hooks/trace.ts';
import type { FromShard } from './boot.ts';

/** One line of a live trace. */
export interface TraceLine extends TraceStep {
  readonly ref: number;
  /** Draws all shards' lines into one order, to the microsecond. */
  readonly atUs: number;
  readonly shard: number;
  readonly stanza: string;
}

/** Lines kept back until the end of the turn, at most. */
const LINES_MAX = 10_000;

/**
 * Live traces of this shard (`meerkat trace JID`). Sessions of watched users carry a flag; their accumulators get a {@link Trace}, all others
 * have none, and pay one comparison for it.
 */
export class Tracing {
  readonly #shard: number;
  readonly #post: (message: FromShard) => void;
  readonly #watched = new Set<string>();
  #lines: TraceLine[] = [];
  #lost = 0;

  constructor(shard: number, post: (message: FromShard) => void) {
    this.#shard = shard;
    this.#post = post;
  }

  watches(bare: string): boolean {
    return this.#watched.has(bare);
  }

  /** Replaces the watched accounts (bare JIDs). */
  watch(bares: readonly string[]): void {
    this.#watched.clear();
    for (const bare of bares) this.#watched.add(bare);
  }

  /** The trace of one stanza. */
  of(acc: Accumulator): Trace {
    const stanza = describe(acc);
    return {
      isDryRun: false,
      note: (step) => this.#note({ ...step, ref: acc.ref, atUs: now(), shard: this.#shard, stanza }),
    };
  }

  #note(line: TraceLine): void {
    if (this.#lines.length >= LINES_MAX) {
      this.#lost++;
      return;
    }
    this.#lines.push(line);
    if (this.#lines.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const lines: unknown[] = this.#lines;
    if (this.#lost > 0)
      lines.push({ step: `${this.#lost} steps not shown`, shard: this.#shard, atUs: now() });
    this.#lines = [];
    this.#lost = 0;
    this.#post({ kind: 'trace', lines });
  }
}

function now(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

function describe(acc: Accumulator): string {
  const { stanza, from, to } = acc;
  if (stanza === undefined) return `event ${to.full}`;
  const type = stanza.type === undefined ? '' : ` type=${stanza.type}`;
  return `${stanza.name}${type} ${from.full} → ${to.full}`;
}
