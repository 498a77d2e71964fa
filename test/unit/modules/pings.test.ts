import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PingOptions } from '../../../src/modules/mod-ping/mod-ping.ts';
import { Pings, TICK_MS } from '../../../src/modules/mod-ping/pings.ts';
import {
  type Accumulator,
  type C2sParams,
  type ModuleContext,
  parseJid,
} from '../../../src/modules/module.ts';

/** When the server pings, with a clock of our own. */

const OPTIONS: PingOptions = {
  send_pings: true,
  ping_interval: 60,
  timeout_action: 'kill',
  ping_req_timeout: 32,
};

interface World {
  readonly pings: Pings;
  readonly session: C2sParams;
  readonly routed: Accumulator[];
  readonly stopped: string[];
}

function world(options: Partial<PingOptions> = {}): World {
  const routed: Accumulator[] = [];
  const stopped: string[] = [];
  const states: unknown[] = [];
  const session = {
    jid: parseJid('romeo@localhost/orchard')!,
    sid: { shard: 0, number: 1, time: 1 },
    moduleState: (slot: number) => states[slot],
    setModuleState: (slot: number, state: unknown) => {
      states[slot] = state;
    },
  } as unknown as C2sParams;
  const context = {
    options: { ...OPTIONS, ...options },
    slot: 0,
    every: (ms: number, callback: () => void) => setInterval(callback, ms),
    trustedJid: (text: string) => parseJid(text)!,
    accumulator: (from: unknown, to: unknown, element: unknown) => ({ from, to, element }),
    route: (acc: Accumulator) => {
      routed.push(acc);
    },
    session: () => ({ params: session, stop: (reason: string) => stopped.push(reason) }),
    foldHook: () => undefined,
  } as unknown as ModuleContext<PingOptions>;
  return { pings: new Pings(context), session, routed, stopped };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('Pings', () => {
  it('leave a client alone that says something in every interval', () => {
    const { pings, session, routed } = world();
    for (let i = 0; i < 100; i++) {
      pings.heard(session);
      vi.advanceTimersByTime(59_000);
    }
    expect(routed).toEqual([]);
  });

  it('go to a client that has been silent for the interval, and not before it has said anything', () => {
    const { pings, session, routed } = world();
    vi.advanceTimersByTime(600_000);
    expect(routed).toEqual([]);
    pings.heard(session);
    vi.advanceTimersByTime(60_000 - TICK_MS);
    expect(routed).toEqual([]);
    vi.advanceTimersByTime(2 * TICK_MS);
    expect(routed).toHaveLength(1);
  });

  it('end the session when no answer comes in time', () => {
    const { pings, session, routed, stopped } = world();
    pings.heard(session);
    vi.advanceTimersByTime(60_000 + 2 * TICK_MS);
    expect(routed).toHaveLength(1);
    vi.advanceTimersByTime(32_000 - 2 * TICK_MS);
    expect(stopped).toEqual([]);
    vi.advanceTimersByTime(3 * TICK_MS);
    expect(stopped).toEqual(['ping_timeout']);
  });

  it('leave it there without "kill", and go on when something is heard', () => {
    const { pings, session, routed, stopped } = world({ timeout_action: 'none' });
    pings.heard(session);
    vi.advanceTimersByTime(600_000);
    expect([routed.length, stopped.length]).toEqual([1, 0]);
    pings.heard(session);
    vi.advanceTimersByTime(61_000);
    expect(routed).toHaveLength(2);
  });

  it('end with the session', () => {
    const { pings, session, routed } = world();
    pings.heard(session);
    pings.ended(session);
    vi.advanceTimersByTime(600_000);
    expect(routed).toEqual([]);
  });
});
