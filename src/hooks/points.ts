import type { Accumulator } from './accumulator.ts';
import type { HandlerExtra, Stop, Verdict } from './chain.ts';
import type { Point } from './point.ts';
import { adhocPoints } from './points/adhoc.ts';
import { ampPoints } from './points/amp.ts';
import { c2sPoints } from './points/c2s.ts';
import { discoPoints } from './points/disco.ts';
import { federationPoints } from './points/federation.ts';
import { inboxPoints } from './points/inbox.ts';
import { mamPoints } from './points/mam.ts';
import { mamMucPoints } from './points/mam-muc.ts';
import { nodePoints } from './points/node.ts';
import { presencePoints } from './points/presence.ts';
import { privacyPoints } from './points/privacy.ts';
import { retiredPoints } from './points/retired.ts';
import { roomPoints } from './points/rooms.ts';
import { rosterPoints } from './points/roster.ts';
import { routingPoints } from './points/routing.ts';
import { sasl2Points } from './points/sasl2.ts';
import { sessionPoints } from './points/session.ts';
import { streamPoints } from './points/stream.ts';
import { terminationPoints } from './points/termination.ts';
import { userPoints } from './points/users.ts';

/** Every hook point of the server, by name. */
export const POINTS = {
  ...c2sPoints,
  ...routingPoints,
  ...sessionPoints,
  ...streamPoints,
  ...terminationPoints,
  ...presencePoints,
  ...rosterPoints,
  ...privacyPoints,
  ...discoPoints,
  ...userPoints,
  ...nodePoints,
  ...sasl2Points,
  ...adhocPoints,
  ...ampPoints,
  ...mamPoints,
  ...inboxPoints,
  ...roomPoints,
  ...mamMucPoints,
  ...federationPoints,
  ...retiredPoints,
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
