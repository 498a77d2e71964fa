import type { Accumulator } from '../hooks/accumulator.ts';
import type { Trace, TraceStep } from '../hooks/trace.ts';
import type { FromShard } from './boot.ts';
import { describeStanza } from './stanza-text.ts';

/** One line of a live trace. */
export interface TraceLine {
  readonly ref: number;
  /** Microseconds of the clock that all threads share: draws all shards' lines into one order. */
  readonly atUs: number;
  readonly shard: number;
  /** Of watched accounts, those that the stanza concerns (bare JIDs). Empty: not known, all who watch may want it. */
  readonly subjects: readonly string[];
  readonly stanza: string;
  /** 0 for the stanza that came from outside, more for what was made because of it. */
  readonly depth: number;
  readonly step: string;
  readonly module?: string;
  readonly outcome?: string;
  readonly us?: number;
}

/** Lines kept back until the end of the turn, at most. */
const LINES_MAX = 10_000;

/**
 * Live traces of this shard (`meerkat trace JID`). While there is any, sessions carry a flag and ask for each of their stanzas whether it is
 * watched; those that are get a {@link Trace}. Otherwise nobody has one, and a stanza pays the look at the flag.
 */
export class Tracing {
  readonly #shard: number;
  readonly #post: (message: FromShard) => void;
  #watched: ReadonlySet<string> = new Set();
  #lines: TraceLine[] = [];
  #lost = 0;

  constructor(shard: number, post: (message: FromShard) => void) {
    this.#shard = shard;
    this.#post = post;
  }

  /** Whether anybody is watched. */
  get isActive(): boolean {
    return this.#watched.size > 0;
  }

  /** Replaces the watched accounts (bare JIDs). */
  watch(bares: readonly string[]): void {
    this.#watched = new Set(bares);
  }

  /** The trace of a stanza; undefined if it concerns nobody who is watched. */
  of(acc: Accumulator): Trace | undefined {
    const subjects = this.#subjects(acc);
    return subjects.length === 0 ? undefined : this.#trace(acc, subjects, 0);
  }

  /** The trace of a stanza that was traced on another shard before. */
  continued(acc: Accumulator): Trace {
    // Each derived stanza is one hop further.
    return this.#trace(acc, this.#subjects(acc), acc.hops);
  }

  #subjects(acc: Accumulator): string[] {
    const concerned = [acc.from.bare, acc.to.bare, acc.originJid?.bare ?? ''];
    return [...new Set(concerned)].filter((bare) => this.#watched.has(bare));
  }

  #trace(acc: Accumulator, subjects: readonly string[], depth: number): Trace {
    const stanza = describeStanza(acc);
    const { ref } = acc;
    return {
      isDryRun: false,
      note: ({ step, module, outcome, us }: TraceStep) =>
        this.#note({
          ref,
          atUs: now(),
          shard: this.#shard,
          subjects,
          stanza,
          depth,
          step,
          ...(module === undefined ? {} : { module }),
          ...(outcome === undefined ? {} : { outcome }),
          ...(us === undefined ? {} : { us }),
        }),
      derived: (other) => this.#trace(other, subjects, depth + 1),
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
    const lines = this.#lines;
    if (this.#lost > 0) lines.push({ ...lines.at(-1)!, step: `${this.#lost} steps not shown`, subjects: [] });
    this.#lines = [];
    this.#lost = 0;
    this.#post({ kind: 'trace', lines });
  }
}

/** Microseconds of the system's monotonic clock, the same in all threads. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1_000;
}
