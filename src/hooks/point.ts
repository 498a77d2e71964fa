/**
 * How a hook point is declared. A declaration is the single source of a hook's types, of its documentation
 * (`docs/hooks.md` is generated from it) and of how failures are treated.
 */

/** Whose handlers run: those of the host type concerned, or those registered globally. */
export type Scope = 'host_type' | 'global';

/**
 * Which part of the server runs the hook: `core` is built; the others are later parts of the project. `retired` names may
 * be registered for but are never run.
 */
export type Part = 'core' | 'archive' | 'rooms' | 'pubsub' | 'federation' | 'retired';

export interface PointSpec<A, P> {
  readonly scope: Scope;
  readonly part: Part;
  /** When it runs, and who runs it. */
  readonly when: string;
  /** What the accumulator is, and its initial value. */
  readonly acc: string;
  /** Every parameter, explained. */
  readonly params: { readonly [K in keyof P]-?: string };
  /** What the caller does with the result, and what STOP means. */
  readonly result: string;
  /** Whether runs are counted in `meerkat_hook_runs_total`. Hooks that run for every stanza have metrics of their own. */
  readonly counted?: boolean;
  /**
   * What happens when a handler fails or misses its deadline: `open` (the default) goes on with the next handler;
   * `closed` ends the chain with STOP, and for a chain of values with `refusal`.
   */
  readonly failure?: 'open' | 'closed';
  readonly refusal?: A;
}

/** A declared hook point. The type parameters exist for the compiler only. */
export interface Point<A, P> extends PointSpec<A, P> {
  readonly types?: { readonly acc: A; readonly params: P };
}

/** Declares a hook point with accumulator `A` and parameters `P`. */
export function point<A, P>(spec: PointSpec<A, P>): Point<A, P> {
  return spec;
}

/** Parameters of a hook that has none. */
export type NoParams = Record<never, never>;
