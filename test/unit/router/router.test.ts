import { beforeEach, describe, expect, it } from 'vitest';
import type { Accumulator } from '../../../src/hooks/accumulator.ts';
import { HOPS_MAX } from '../../../src/limits.ts';
import { Router } from '../../../src/router/router.ts';
import { DONE, type RouteResult, type RoutingModule } from '../../../src/router/routing-module.ts';
import { ALICE, accumulator, BOB } from '../hooks/fakes.ts';

let looped: Accumulator[];
let delivered: string[];
let router: Router;
let rounds: number;

beforeEach(() => {
  looped = [];
  delivered = [];
  rounds = 0;
});

/** The same stanza again: for ever, if nobody ends it. */
function causedBy(acc: Accumulator): Accumulator {
  rounds++;
  return acc.derive(acc.stanza!, acc.to, BOB);
}

/** A router with this module, and one after it that takes everything. */
function routerOf(route: NonNullable<RoutingModule['route']>): Router {
  const unexpected = (): never => {
    throw new Error('this was not to be reported');
  };
  return new Router(
    [
      { name: 'under_test', route },
      {
        name: 'all',
        route: (acc) => {
          delivered.push(acc.to.full);
          return DONE;
        },
      },
    ],
    { looped: (acc) => void looped.push(acc), dropped: unexpected, noRoute: unexpected, failed: unexpected },
  );
}

describe('a router', () => {
  it('routes a stanza that was routed as often as may be, and not once more', () => {
    router = routerOf(() => undefined);
    const last = accumulator();
    last.hops = HOPS_MAX;
    expect(router.route(last)).toBeUndefined();
    expect(looped).toEqual([]);
    const tooMany = accumulator();
    tooMany.hops = HOPS_MAX + 1;
    expect(router.route(tooMany)).toBeUndefined();
    expect(looped).toEqual([tooMany]);
    expect(delivered).toEqual([BOB.full]);
  });

  it.each<[string, NonNullable<RoutingModule['route']>]>([
    [
      'at once',
      (acc) => {
        if (acc.to === ALICE) return undefined;
        router.route(causedBy(acc));
        return DONE;
      },
    ],
    [
      'later',
      async (acc) => {
        if (acc.to === ALICE) return undefined;
        await Promise.resolve();
        await router.route(causedBy(acc));
        return DONE;
      },
    ],
  ])('ends a loop of stanzas that cause one another %s', async (_when, route) => {
    router = routerOf(route);
    await router.route(accumulator());
    expect(rounds).toBe(HOPS_MAX + 1);
    expect(looped.map(({ hops }) => hops)).toEqual([HOPS_MAX + 1]);
    const other = accumulator();
    other.to = ALICE;
    await router.route(other);
    expect(delivered).toEqual([ALICE.full]);
    expect(looped).toHaveLength(1);
  });

  it.each<[string, NonNullable<RoutingModule['route']>]>([
    [
      'at once',
      (acc) => {
        rounds++;
        router.route(acc);
        return DONE;
      },
    ],
    [
      'after an await',
      async (acc): Promise<RouteResult> => {
        rounds++;
        await Promise.resolve();
        await router.route(acc);
        return DONE;
      },
    ],
  ])('ends a loop of one stanza that is routed again %s', async (_when, route) => {
    router = routerOf(route);
    const acc = accumulator();
    await router.route(acc);
    expect(rounds).toBe(HOPS_MAX + 1);
    expect(looped).toEqual([acc]);
  });

  it('ends a loop of stanzas that know nothing of one another, each routed because of the one before', () => {
    router = routerOf((routed) => {
      if (routed.to === ALICE) return undefined;
      rounds++;
      router.route(accumulator());
      return DONE;
    });
    router.route(accumulator());
    expect(rounds).toBe(HOPS_MAX + 1);
    expect(looped).toHaveLength(1);
    const other = accumulator();
    other.to = ALICE;
    router.route(other);
    expect(delivered).toEqual([ALICE.full]);
  });

  it('does not take many stanzas that one causes for a loop', () => {
    router = routerOf((routed) => {
      if (routed.hops > 0) return undefined;
      for (let i = 0; i < 3 * HOPS_MAX; i++) router.route(causedBy(routed));
      return undefined;
    });
    router.route(accumulator());
    expect(looped).toEqual([]);
    expect(delivered).toHaveLength(3 * HOPS_MAX + 1);
  });

  it('does not count the rounds of one stanza for another', () => {
    router = routerOf(() => undefined);
    for (let i = 0; i < 3 * HOPS_MAX; i++) router.route(accumulator());
    expect(looped).toEqual([]);
    expect(delivered).toHaveLength(3 * HOPS_MAX);
  });
});
