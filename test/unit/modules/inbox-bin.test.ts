import { describe, expect, it } from 'vitest';
import { Bin } from '../../../src/modules/mod-inbox/bin.ts';
import { type InboxOptions, optionsSchema } from '../../../src/modules/mod-inbox/options.ts';
import type { ModuleContext } from '../../../src/modules/module.ts';

/** When bins are emptied by themselves. */

const NOW = 1_800_000_000_000_000;

function world(shard: number, options: object, left: number[]) {
  const timers: { ms: number; callback: () => void }[] = [];
  const once: typeof timers = [];
  const requests: unknown[][] = [];
  const context = {
    shard,
    options: optionsSchema.parse(options),
    hosts: ['localhost', 'verona.example'],
    timestamp: () => NOW,
    every: (ms: number, callback: () => void) => timers.push({ ms, callback }),
    after: (ms: number, callback: () => void) => once.push({ ms, callback }),
    command: () => {},
    store: {
      request: async (...args: unknown[]) => {
        requests.push(args);
        return left.shift() ?? 0;
      },
    },
    log: { warn: () => {} },
  } as unknown as ModuleContext<InboxOptions>;
  new Bin(context);
  return { timers, once, requests };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('bins', () => {
  it('are emptied of what is old, domain by domain, a little at a time, by one shard', async () => {
    const { timers, requests } = world(0, { bin_ttl: 7, bin_clean_after: 3 }, [1_000, 12, 0]);
    expect(timers.map(({ ms }) => ms)).toEqual([3 * 3_600_000]);
    timers[0]!.callback();
    await settle();
    const before = NOW - 7 * 86_400_000_000;
    expect(requests).toEqual([
      ['inbox_empty_bin', 'localhost', null, before, 1_000],
      ['inbox_empty_bin', 'localhost', null, before, 1_000],
      ['inbox_empty_bin', 'verona.example', null, before, 1_000],
    ]);
    const other = world(1, {}, []);
    expect([...other.timers, ...other.once]).toEqual([]);
  });

  it('are looked at soon after the start, too: the next time is up to weeks away', async () => {
    const { once, requests } = world(0, { bin_ttl: 1, bin_clean_after: 500 }, []);
    expect(once.map(({ ms }) => ms)).toEqual([1_000]);
    once[0]!.callback();
    await settle();
    const before = NOW - 86_400_000_000;
    expect(requests.map(([, host, , time]) => [host, time])).toEqual([
      ['localhost', before],
      ['verona.example', before],
    ]);
  });

  it('keep it for 30 days if nothing else is said', async () => {
    const { timers, requests } = world(0, {}, []);
    expect(timers[0]!.ms).toBe(3_600_000);
    timers[0]!.callback();
    await settle();
    expect(requests[0]![3]).toBe(NOW - 30 * 86_400_000_000);
  });
});
