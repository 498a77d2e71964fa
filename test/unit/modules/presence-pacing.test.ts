import { describe, expect, it } from 'vitest';
import { Accumulator } from '../../../src/hooks/accumulator.ts';
import { Outgoing } from '../../../src/modules/mod-presence/outgoing.ts';
import {
  type C2sParams,
  type Jid,
  type ModuleContext,
  parseElementText,
  parseJid,
  Stanza,
} from '../../../src/modules/module.ts';

/** Presence to very many (threat T46): its sender waits, nobody else does. */

const OWN = parseJid('romeo@localhost/orchard')!;

function surroundings(contacts: number) {
  const timers: { ms: number; fire: () => void }[] = [];
  const told: Jid[] = [];
  const states = new Map<number, unknown>();
  const from = Array.from({ length: contacts }, (_, i) => parseJid(`c${i}@localhost`)!);
  const context = {
    slot: 0,
    runHook: (name: string, acc: Accumulator) => {
      if (name === 'roster_get_subscription_lists')
        acc.set('roster', 'subscription_lists', { from, to: [], pending: [], version: 1 });
    },
    timestamp: () => 1,
    sessions: () => [],
    setPresence: () => {},
    unsetPresence: () => {},
    resendOffline: () => {},
    presenceTargets: (_acc: Accumulator, _own: C2sParams, targets: readonly Jid[]) => targets,
    multicast: (_acc: Accumulator, _stanza: Stanza, _from: Jid, to: readonly Jid[]) => told.push(...to),
    after: (ms: number, fire: () => void) => {
      timers.push({ ms, fire });
      return () => {};
    },
  } as unknown as ModuleContext;
  const session = {
    jid: OWN,
    moduleState: (slot: number) => states.get(slot),
    setModuleState: (slot: number, state: unknown) => states.set(slot, state),
  } as unknown as C2sParams;
  const send = (xml: string) => {
    const stanza = Stanza.of(parseElementText(xml));
    return new Outgoing(context).send(
      new Accumulator(1, 1, 1, undefined, 'localhost', stanza, OWN, OWN.bareJid),
      session,
    );
  };
  return { send, timers, told };
}

describe('presence (T46)', () => {
  it('to 2000 contacts holds its sender up for a tenth of a second, each time', async () => {
    const { send, timers, told } = surroundings(2_000);
    const first = Promise.resolve(send('<presence/>'));
    let isOver = false;
    void first.then(() => {
      isOver = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toHaveLength(2_001);
    expect(isOver).toBe(false);
    expect(timers).toHaveLength(1);
    expect(timers[0]!.ms).toBeCloseTo(100, 0);
    timers[0]!.fire();
    await first;
    expect(send("<presence type='unavailable'/>")).toBeInstanceOf(Promise);
    expect(timers).toHaveLength(2);
  });

  it('to as many as people have holds nobody up', async () => {
    const { send, timers } = surroundings(200);
    await send('<presence/>');
    expect(send('<presence><show>away</show></presence>')).toBeUndefined();
    expect(send("<presence type='unavailable'/>")).toBeUndefined();
    expect(timers).toEqual([]);
  });
});
