import type { Accumulator } from './accumulator.ts';
import type { HandlerExtra, Stop, Verdict } from './chain.ts';
import type { Point } from './point.ts';
import { c2sPoints } from './points/c2s.ts';
import { routingPoints } from './points/routing.ts';
import { sessionPoints } from './points/session.ts';

/** Every hook point of the server, by name. */
export const POINTS = {
  ...c2sPoints,
  ...routingPoints,
  ...sessionPoints,
} as const;

export type HookName = keyof typeof POINTS;

/** The accumulator of a hook. */
export type HookAcc<N extends HookName> = (typeof POINTS)[N] extends Point<infer A, infer _P> ? A : never;
/** The parameters of a hook. */
export type HookParams<N extends HookName> = (typeof POINTS)[N] extends Point<infer _A, infer P> ? P : never;

/** What a handler of the hook may return; see `chain.ts`. */
export type HandlerResult<N extends HookName> =
  HookAcc<N> extends Accumulator
    ? Verdict | undefined | Promise<Verdict | undefined>
    : HookAcc<N> | Stop<HookAcc<N>> | undefined | Promise<HookAcc<N> | Stop<HookAcc<N>> | undefined>;

/** A handler of the hook. */
export type Handler<N extends HookName> = (
  acc: HookAcc<N>,
  params: HookParams<N>,
  extra: HandlerExtra,
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler that only looks has no return statement
) => HandlerResult<N> | void;

export const HOOK_NAMES = Object.keys(POINTS) as readonly HookName[];

/** The number of each hook: its place in a compiled table. */
export const HOOK_INDEX = Object.freeze(
  Object.fromEntries(HOOK_NAMES.map((name, index) => [name, index])),
) as Readonly<Record<HookName, number>>;
