import { describe, expect, it, vi } from 'vitest';
import { Departures } from '../../../src/modules/mod-last/departures.ts';
import type { ModuleContext } from '../../../src/modules/module.ts';
import { makeJid } from '../../../src/xmpp/jid.ts';

type Entries = readonly (readonly [string, string, number, string])[];

/** A store that answers when the test says so. */
function setting() {
  const requests: { entries: Entries; resolve: () => void; reject: () => void }[] = [];
  const timers: (() => void)[] = [];
  let heard: (content: unknown) => void = () => {};
  let time = 0;
  const count = vi.fn();
  const context = {
    onAnnouncement: (handler: typeof heard) => {
      heard = handler;
    },
    announce: (content: unknown) => heard(content),
    onStop: () => {},
    whenHandled: () => Promise.resolve(),
    timestamp: () => ++time,
    after: (_ms: number, callback: () => void) => timers.push(callback),
    log: { warn: () => {} },
    count,
    store: {
      request: (operation: string, entries: Entries) => {
        if (operation !== 'last_set') return Promise.resolve(null);
        const { promise, resolve, reject } = Promise.withResolvers<null>();
        requests.push({ entries, resolve: () => resolve(null), reject: () => reject(new Error('away')) });
        return promise;
      },
    },
  } as unknown as ModuleContext;
  return { departures: new Departures(context), requests, timers, count };
}

const user = (name: string | number) => makeJid(`u${name}`, 'localhost')!;
/** After the microtasks. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('departures', () => {
  it('of one turn go together, each account once', async () => {
    const { departures, requests } = setting();
    for (let i = 0; i < 1_500; i++) departures.left(user(i), 'a', undefined);
    departures.left(user(0), 'b', undefined);
    await turn();
    expect(requests.map(({ entries }) => entries.length)).toEqual([1_000, 500]);
    expect(requests[1]!.entries.at(-1)).toEqual(['localhost', 'u0', 1_501, 'b']);
  });

  it('wait while many requests are under way, and are known meanwhile', async () => {
    const { departures, requests } = setting();
    for (let i = 0; i < 16; i++) {
      departures.left(user(i), '', undefined);
      await turn();
    }
    for (let i = 16; i < 100; i++) departures.left(user(i), 'later', undefined);
    await turn();
    expect(requests).toHaveLength(16);
    expect(await departures.of(user(99))).toMatchObject({ status: 'later' });
    requests[0]!.resolve();
    await turn();
    expect(requests.map(({ entries }) => entries.length).slice(16)).toEqual([84]);
  });

  it('are tried again when the store was away', async () => {
    const { departures, requests, timers } = setting();
    for (const name of ['a', 'b']) departures.left(user(name), name, undefined);
    await turn();
    requests[0]!.reject();
    await turn();
    expect(requests).toHaveLength(1);
    expect(timers).toHaveLength(1);
    timers[0]!();
    expect(requests[1]!.entries).toEqual(requests[0]!.entries);
  });

  it('are limited: the oldest is forgotten, and counted', async () => {
    const { departures, requests, count } = setting();
    for (let i = 0; i < 20_001; i++) departures.left(user(i), '', undefined);
    expect(count.mock.calls).toEqual([['dropped']]);
    await turn();
    expect(requests[0]!.entries[0]![1]).toBe('u1');
  });

  it('of sessions of a removed account are not noted, those of a new one are', async () => {
    const { departures, requests } = setting();
    departures.left(user('a'), 'before', 1);
    await departures.remove(user('a'));
    departures.left(user('a'), 'after', 1);
    await turn();
    expect(requests).toHaveLength(0);
    departures.left(user('a'), 'new', 1_000);
    await turn();
    expect(requests[0]!.entries).toHaveLength(1);
  });
});
