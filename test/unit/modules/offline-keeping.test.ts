import { describe, expect, it } from 'vitest';
import { Accumulator, Origin } from '../../../src/hooks/accumulator.ts';
import { Keeping } from '../../../src/modules/mod-offline/keeping.ts';
import type { OfflineOptions } from '../../../src/modules/mod-offline/mod-offline.ts';
import { type ModuleContext, parseElementText, parseJid, STOP, Stanza } from '../../../src/modules/module.ts';

/** How a sender is slowed down by a store that has fallen behind (threat T56). */

const MESSAGE = Stanza.of(parseElementText("<message type='chat'><body>!</body></message>"));
const [ROMEO, JULIET] = [parseJid('romeo@localhost/orchard')!, parseJid('juliet@localhost')!];

function world(isBusy: boolean) {
  const writing = Promise.withResolvers<'stored'>();
  const timers: (() => void)[] = [];
  const context = {
    options: { access_max_user_messages: 'max_user_offline_messages' },
    store: { isBusy, write: () => writing.promise },
    access: () => Number.POSITIVE_INFINITY,
    encodeKeys: () => [],
    timestamp: () => 0,
    sessions: () => [],
    holdDelivery: () => {},
    committing() {},
    runHook: () => undefined,
    outcome: () => {},
    count: () => {},
    after: (_ms: number, callback: () => void) => {
      timers.push(callback);
      return () => {};
    },
  } as unknown as ModuleContext<OfflineOptions>;
  const acc = new Accumulator(1, 0, Origin.C2S, undefined, 'localhost', MESSAGE, ROMEO, JULIET);
  const verdict = new Keeping(context).store(acc, JULIET);
  return { verdict, writing, timers };
}

async function isSettled(verdict: unknown): Promise<boolean> {
  const open = Symbol('open');
  return (await Promise.race([verdict, new Promise((resolve) => setImmediate(resolve, open))])) !== open;
}

describe('a message for somebody absent', () => {
  it('holds nobody up while the store keeps pace', () => {
    const { verdict } = world(false);
    expect(verdict).toBe(STOP);
  });

  it('holds its sender up until it is stored when the store has fallen behind', async () => {
    const { verdict, writing } = world(true);
    expect(await isSettled(verdict)).toBe(false);
    writing.resolve('stored');
    expect(await isSettled(verdict)).toBe(true);
  });

  it('holds its sender up only for a moment when the store hangs', async () => {
    const { verdict, timers } = world(true);
    expect(await isSettled(verdict)).toBe(false);
    expect(timers).toHaveLength(1);
    timers[0]!();
    expect(await isSettled(verdict)).toBe(true);
  });
});
