import { describe, expect, it } from 'vitest';
import { Accumulator } from '../../../src/hooks/accumulator.ts';
import { Incoming } from '../../../src/modules/mod-presence/incoming.ts';
import { LostSessions } from '../../../src/modules/mod-presence/lost-sessions.ts';
import { PresenceState } from '../../../src/modules/mod-presence/presence-state.ts';
import { RosterChanges } from '../../../src/modules/mod-presence/roster-changes.ts';
import { inTurn, tell } from '../../../src/modules/mod-presence/telling.ts';
import {
  type C2sParams,
  type Jid,
  type ModuleContext,
  parseElementText,
  parseJid,
  Stanza,
} from '../../../src/modules/module.ts';

/** What a session says, in which order, when privacy lists have to be looked into first; and whom it asks when a contact comes to it late. */

const OWN = parseJid('romeo@localhost/orchard')!;
const JULIET = parseJid('juliet@localhost')!;
const HERE = Stanza.of(parseElementText('<presence/>'));
const GONE = Stanza.of(parseElementText("<presence type='unavailable'/>"));

function surroundings() {
  const said: string[] = [];
  const asked: ((targets: readonly Jid[]) => void)[] = [];
  const state = new PresenceState();
  const around = {
    said,
    asked,
    state,
    isSlow: false,
    session: { jid: OWN, moduleState: () => state } as unknown as C2sParams,
    context: {
      slot: 0,
      accumulator: (from: Jid, to: Jid, stanza: Stanza) =>
        new Accumulator(1, 1, 1, undefined, 'localhost', stanza, from, to),
      jid: parseJid,
      onAnnouncement: () => {},
      runHook: () => undefined,
      presenceTargets: (_acc: Accumulator, _own: C2sParams, targets: readonly Jid[]) =>
        around.isSlow ? new Promise<readonly Jid[]>((resolve) => asked.push(resolve)) : targets,
      multicast: (_acc: Accumulator, stanza: Stanza, _from: Jid, to: readonly Jid[]) =>
        said.push(`${stanza.type ?? 'available'} ${to.map(({ bare }) => bare).join(' ')}`),
    } as unknown as ModuleContext,
    say(stanza: Stanza) {
      const acc = new Accumulator(1, 1, 1, undefined, 'localhost', stanza, OWN, OWN.bareJid);
      return tell(around.context, acc, around.session, stanza, [JULIET]);
    },
  };
  return around;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what a session says', () => {
  it('is said at once where nothing has to be looked up, without a promise', () => {
    const around = surroundings();
    expect(around.say(HERE)).toBeUndefined();
    expect(around.said).toEqual(['available juliet@localhost']);
    expect(around.state.waiting).toBeUndefined();
  });

  it('waits behind what it was about to say before, though it could be said at once', async () => {
    const around = surroundings();
    around.isSlow = true;
    const first = around.say(HERE);
    around.isSlow = false;
    const second = around.say(GONE);
    const third = inTurn(around.state, () => {
      around.said.push('third');
      return undefined;
    });
    await settled();
    expect(around.said).toEqual([]);
    expect(around.state.waiting?.count).toBe(3);
    around.asked[0]!([JULIET]);
    await Promise.all([first, second, third]);
    expect(around.said).toEqual(['available juliet@localhost', 'unavailable juliet@localhost', 'third']);
    expect(around.state.waiting).toBeUndefined();
  });

  it('goes on when something before it fails', async () => {
    const around = surroundings();
    const failing = inTurn(around.state, () => Promise.reject(new Error('torn')));
    const after = around.say(GONE);
    await expect(failing).rejects.toThrow('torn');
    await after;
    expect(around.said).toEqual(['unavailable juliet@localhost']);
    expect(around.state.waiting).toBeUndefined();
  });
});

describe('a session that is probed', () => {
  it('answers a thousand times behind what waits, and those after them not at all', async () => {
    const around = surroundings();
    around.state.adopt({ from: [JULIET], to: [], pending: [] });
    around.state.becomeAvailable(HERE, 1, 0);
    around.isSlow = true;
    const incoming = new Incoming(around.context, new LostSessions(around.context));
    const probe = Stanza.of(parseElementText("<presence type='probe'/>"));
    for (let i = 0; i < 1_200; i++) {
      incoming.receive(new Accumulator(1, 1, 1, undefined, 'localhost', probe, JULIET, OWN), around.session);
    }
    expect(around.state.waiting?.count).toBe(1_000);
    around.isSlow = false;
    around.asked[0]!([JULIET]);
    await settled();
    expect(around.said).toHaveLength(1_000);
    expect(around.state.waiting).toBeUndefined();
  });
});

describe('a contact who agrees to be seen', () => {
  const agreed = (at: number) => ({
    jid: JULIET.bare,
    subscription: 'to' as const,
    version: 2,
    previous: 1,
    at,
  });

  function available(timestamp: number) {
    const around = surroundings();
    around.state.adopt({ from: [], to: [], pending: [], version: 1 });
    around.state.becomeAvailable(HERE, timestamp, 0);
    return around;
  }

  it('has told a session that was there by then: nobody is asked', () => {
    const around = available(1_000_000);
    new RosterChanges(around.context).told(around.session, agreed(1_005_000));
    expect(around.state.contacts.sees(JULIET.bare)).toBe(true);
    expect(around.said).toEqual([]);
  });

  it('is asked by a session that came while the word of it was on its way', () => {
    const around = available(1_005_000);
    new RosterChanges(around.context).told(around.session, agreed(1_004_000));
    expect(around.said).toEqual(['probe juliet@localhost']);
  });
});
