/** One step in the life of a traced stanza. */
export interface TraceStep {
  /** What happened: the hook, routing module or decision. */
  readonly step: string;
  /** The handler's module, for steps that are handlers. */
  readonly module?: string;
  readonly outcome?: string;
  /** Microseconds that the step took. */
  readonly us?: number;
}

/** Where the steps of one traced stanza go. Handlers never need it. */
export interface Trace {
  note(step: TraceStep): void;
  /** Whether effects are only described (`meerkat route`): nothing may be delivered, stored or remembered. */
  readonly isDryRun: boolean;
}
