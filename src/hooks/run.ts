import type { Accumulator } from './accumulator.ts';
import type { Verdict } from './chain.ts';
import { HOOK_INDEX, type HookAcc, type HookName, type HookParams } from './points.ts';
import type { ChainTable } from './registry.ts';
import type { Trace } from './trace.ts';

/** Whoever has hooks: a host type, or the server for global ones. */
export interface Hooked {
  readonly chains: ChainTable;
}

/** Hooks whose accumulator is the one of a stanza. */
export type StanzaHook = { [N in HookName]: HookAcc<N> extends Accumulator ? N : never }[HookName];
/** Hooks that fold a value. */
export type ValueHook = Exclude<HookName, StanzaHook>;

/** Runs a hook over a stanza's accumulator, with its parameters checked. Where every nanosecond counts, use the chain itself. */
export function runHook<N extends StanzaHook>(
  hooked: Hooked | undefined,
  hook: N,
  acc: Accumulator,
  params: HookParams<N>,
): Verdict | Promise<Verdict> {
  const chain = hooked?.chains[HOOK_INDEX[hook]] ?? null;
  return chain === null ? undefined : chain.run(acc, params);
}

/** Folds a hook over a value, with its parameters checked; `trace` is that of the stanza that it is about. */
export function foldHook<N extends ValueHook>(
  hooked: Hooked | undefined,
  hook: N,
  initial: HookAcc<N>,
  params: HookParams<N>,
  trace?: Trace,
): HookAcc<N> | Promise<HookAcc<N>> {
  const chain = hooked?.chains[HOOK_INDEX[hook]] ?? null;
  return chain === null ? initial : chain.fold(initial, params, trace);
}
