import { beforeEach, describe, expect, it } from 'vitest';
import { Accumulator } from '../../../src/hooks/accumulator.ts';
import { EMPTY_TABLE } from '../../../src/hooks/registry.ts';
import { HOPS_MAX, VISITS_MAX } from '../../../src/limits.ts';
import { COUNTER_NAMES, Counter } from '../../../src/memory/counters.ts';
import { createDirectory, SessionDirectory } from '../../../src/memory/directory.ts';
import type { Logger } from '../../../src/observe/log.ts';
import { Components } from '../../../src/shard/components.ts';
import { Existence } from '../../../src/shard/existence.ts';
import { Routing } from '../../../src/shard/routing.ts';
import { Subhosts } from '../../../src/shard/subhosts.ts';
import type { LocalSession } from '../../../src/sm/local-session.ts';
import type { RemoteSessions } from '../../../src/sm/outbox.ts';
import { SessionManager } from '../../../src/sm/session-manager.ts';
import { ALICE, accumulator, jid, message } from '../hooks/fakes.ts';

/**
 * Two shards, each of which believes that the other one serves an address that nobody serves: what they hand to each other must not go round
 * for ever. Rings are left out; what one hands over, the other has at once.
 */

const SESSIONS_MAX = 16;
const JULIET = 'juliet@example.com/balcony';

class FakeShard {
  readonly counters = new Float64Array(COUNTER_NAMES.length);
  readonly logged: unknown[] = [];
  readonly received: string[] = [];
  readonly sm: SessionManager;
  readonly routing: Routing;
  readonly components: Components;
  other!: FakeShard;

  constructor(shard: number) {
    const globals = { chains: EMPTY_TABLE };
    const log = { warn: ({ what }: { what: string }) => this.logged.push(what) } as unknown as Logger;
    const remote = {
      forward: (_shard, numbers, acc, isSole, isByAccount) => {
        this.other.routing.delivery.handIn.arrived(numbers, crossed(acc), isSole, isByAccount);
        return true;
      },
      settled: () => undefined,
      rerouted: () => undefined,
    } as Partial<RemoteSessions> as RemoteSessions;
    // Each has its own: what they know of each other's sessions has gone wrong.
    const directory = new SessionDirectory(createDirectory(SESSIONS_MAX), SESSIONS_MAX);
    this.sm = new SessionManager(shard, directory, { low: 1, high: 2 }, remote);
    this.routing = new Routing(
      {
        shard,
        counters: this.counters,
        log,
        globals,
        sm: this.sm,
        existence: new Existence(() => true),
        findDomain: () => undefined,
        isOwnSubdomain: () => false,
        forwardAnswer: () => {},
      },
      ['localdomain', 'external_localnode', 'external', 's2s'],
    );
    this.routing.routes.add({
      domain: 'example.com',
      hostType: undefined,
      handler: (acc) => this.routing.delivery.route(acc),
    });
    this.components = new Components({
      shard,
      globals,
      subhosts: new Subhosts(globals, () => this.routing.routes),
      routing: () => this.routing,
      isTaken: () => false,
      access: () => 'allow',
      tell: () => {},
      forward: (_shard, acc) => {
        void this.other.components.receive(crossed(acc));
        return true;
      },
    });
  }

  /** The directory says that a session is there, on this shard or another. */
  enter(full: string, shard: number, number: number): void {
    this.sm.enter(jid(full), { time: 1, shard, number });
  }

  /** A session that is really here. */
  open(full: string): void {
    const number = this.sm.table.reserve();
    const sid = { time: 1, shard: this.sm.shard, number };
    const session = {
      jid: jid(full),
      sid,
      deliver: (acc: Accumulator) => this.received.push(acc.stanza!.id!),
    };
    this.sm.table.set(number, session as Partial<LocalSession> as LocalSession);
    this.enter(full, this.sm.shard, number);
  }

  count(outcome: 'delivered' | 'forwarded' | 'dropped' | 'bounced'): number {
    return this.counters[Counter[`route_${outcome}_message`]]!;
  }
}

/** A stanza as it comes out of a frame. */
function crossed(acc: Accumulator): Accumulator {
  const { ref, timestamp, origin, lserver, stanza, from, to, hops, visits, flags } = acc;
  const copy = new Accumulator(
    ref,
    timestamp,
    origin,
    undefined,
    lserver,
    stanza,
    jid(from.full),
    jid(to.full),
  );
  copy.hops = hops;
  copy.visits = visits;
  copy.isRouted = true;
  copy.flags = flags;
  return copy;
}

function stanzaTo(full: string, id: string): Accumulator {
  const acc = accumulator(message({ id, type: 'chat' }));
  acc.to = jid(full);
  return acc;
}

let shards: readonly [FakeShard, FakeShard];

beforeEach(() => {
  const [a, b] = [new FakeShard(0), new FakeShard(1)];
  a.other = b;
  b.other = a;
  shards = [a, b];
});

function total(outcome: Parameters<FakeShard['count']>[0]): number {
  return shards[0].count(outcome) + shards[1].count(outcome);
}

function logged(): unknown[] {
  return shards.flatMap((shard) => shard.logged);
}

describe('a stanza for a session that each of two shards believes on the other', () => {
  beforeEach(() => {
    shards[0].enter(JULIET, 1, 7);
    shards[1].enter(JULIET, 0, 7);
  });

  it('goes to and fro as often as a stanza may, then it is dropped, and this is logged once', async () => {
    await shards[0].routing.route(stanzaTo(JULIET, 'lost'));
    // Handed over at first, and after each time it was routed again.
    expect(total('forwarded')).toBe(1 + HOPS_MAX);
    expect(shards[0].counters[Counter.rerouted]! + shards[1].counters[Counter.rerouted]!).toBe(HOPS_MAX + 1);
    expect([total('dropped'), total('bounced'), total('delivered')]).toEqual([1, 0, 0]);
    expect(logged()).toEqual(['routing_loop']);
  });

  it('hurts no other stanza, and arrives once one of them knows better', async () => {
    shards[1].open('nurse@example.com/hall');
    shards[0].enter('nurse@example.com/hall', 1, 0);
    await shards[0].routing.route(stanzaTo(JULIET, 'lost'));
    await shards[0].routing.route(stanzaTo('nurse@example.com/hall', 'other'));
    expect(shards[1].received).toEqual(['other']);
    shards[0].open(JULIET);
    await shards[1].routing.route(stanzaTo(JULIET, 'found'));
    expect(total('dropped')).toBe(1);
    expect(logged()).toEqual(['routing_loop']);
  });

  it('is still routed again at the limit, and not beyond it', async () => {
    shards[0].open('nurse@example.com/hall');
    const last = stanzaTo('nurse@example.com/hall', 'last');
    last.hops = HOPS_MAX - 1;
    await shards[0].routing.routeAgain(last);
    const tooMany = stanzaTo('nurse@example.com/hall', 'too many');
    tooMany.hops = HOPS_MAX;
    await shards[0].routing.routeAgain(tooMany);
    expect(shards[0].received).toEqual(['last']);
    expect([total('delivered'), total('dropped')]).toEqual([1, 1]);
    expect(logged()).toEqual(['routing_loop']);
  });
});

describe('a stanza for a component that each of two shards believes on the other', () => {
  beforeEach(() => {
    shards[0].components.up({ shard: 1, domain: 'echo.test', isHidden: false });
    shards[1].components.up({ shard: 0, domain: 'echo.test', isHidden: false });
  });

  it('goes to and fro as often as a stanza may, then it is dropped, and this is logged once', async () => {
    await shards[0].routing.route(stanzaTo('echo.test', 'lost'));
    expect(total('forwarded')).toBe(1 + HOPS_MAX);
    expect([total('dropped'), total('bounced'), total('delivered')]).toEqual([1, 0, 0]);
    expect(logged()).toEqual(['routing_loop']);
  });

  it('hurts no other stanza, and arrives once the component is there', async () => {
    await shards[0].routing.route(stanzaTo('echo.test', 'lost'));
    const received: unknown[] = [];
    shards[1].components.open('echo.test', (acc) => {
      received.push([acc.stanza!.id, acc.from.full]);
      return undefined;
    });
    await shards[0].routing.route(stanzaTo('echo.test', 'found'));
    expect(received).toEqual([['found', ALICE.full]]);
    expect([total('delivered'), total('dropped')]).toEqual([1, 1]);
    expect(logged()).toEqual(['routing_loop']);
  });
});

describe('a stanza whose session is replaced again and again', () => {
  it('goes after it, further than a loop would, and is answered with an error in the end', async () => {
    const NURSE = 'nurse@example.com/hall';
    const [shard] = shards;
    shard.open(NURSE);
    shard.open(ALICE.full);
    const sid = { time: 1, shard: 0, number: 0 };
    const acc = stanzaTo(NURSE, 'after you');
    for (let i = 0; i < VISITS_MAX; i++) shard.routing.handOver(acc, sid);
    expect(shard.received).toHaveLength(VISITS_MAX);
    shard.routing.handOver(acc, sid);
    expect(shard.received).toHaveLength(VISITS_MAX + 1);
    expect([total('bounced'), total('dropped'), logged()]).toEqual([1, 0, []]);
  });
});
