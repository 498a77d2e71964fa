import type { Accumulator } from './accumulator.ts';

/** One step in the life of a traced stanza. */
export interface TraceStep {
  /** What happened: the hook, routing module or decision. */
  readonly step: string;
  /** The handler's module, for steps that are handlers. */
  readonly module?: string;
  readonly outcome?: string;
  /** Microseconds that the step took. */
  readonly us?: number;
  /** How routing of the stanza ended, for steps that say so. */
  readonly decision?: 'delivered' | 'forwarded' | 'stored' | 'bounced' | 'dropped' | 'answered';
  /** The sessions that the step is about. */
  readonly sessions?: { readonly shard: number; readonly numbers: readonly number[] };
}

/** Where the steps of one traced stanza go. Handlers never need it. */
export interface Trace {
  note(step: TraceStep): void;
  /** The trace of a stanza that was made because of this one. Without it, its steps go here, too. */
  derived?(acc: Accumulator): Trace;
  /** Whether effects are only described (`meerkat route`): nothing may be delivered, stored or remembered. */
  readonly isDryRun: boolean;
}
