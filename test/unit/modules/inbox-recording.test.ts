import { describe, expect, it } from 'vitest';
import { Accumulator, Origin } from '../../../src/hooks/accumulator.ts';
import { KEPT_BUSY, KEPT_MAX, KEPT_PER_BATCH_MAX } from '../../../src/limits.ts';
import { Changes } from '../../../src/modules/mod-inbox/changes.ts';
import { timeOfId } from '../../../src/modules/mod-inbox/counting.ts';
import { LightRooms } from '../../../src/modules/mod-inbox/light-rooms.ts';
import { type InboxOptions, optionsSchema } from '../../../src/modules/mod-inbox/options.ts';
import { Recording } from '../../../src/modules/mod-inbox/recording.ts';
import {
  DROP,
  type InboxChange,
  type ModuleContext,
  parseElementText,
  parseJid,
  STOP,
  Stanza,
  stableId,
} from '../../../src/modules/module.ts';
import { KeptStore } from '../../helpers/kept-store.ts';

/** What inboxes do while the store is behind, and how several messages become one change. */

const [ROMEO, JULIET] = [parseJid('romeo@localhost/orchard')!, parseJid('juliet@localhost')!];

function message(text: string): Stanza {
  return Stanza.of(parseElementText(`<message type='chat' id='${text}'><body>${text}</body></message>`));
}

function world(options: Partial<InboxOptions> = {}) {
  const store = new KeptStore();
  store.isSilent = true;
  const turns: (() => void)[] = [];
  const timers: (() => void)[] = [];
  const outcomes: string[] = [];
  const routed: Accumulator[] = [];
  let time = 1_800_000_000_000_000;
  let waits = 0;
  const context = {
    options: { ...optionsSchema.parse({}), ...options },
    hosts: ['localhost'],
    shard: 0,
    store,
    accounts: { isRegistered: () => true },
    foldHook: (_name: string, value: unknown) => value,
    checkPrivacy: () => 'allow',
    hostOf: (domain: string) => (domain === 'localhost' ? domain : undefined),
    atTurnEnd: (callback: () => void) => turns.push(callback),
    onAnnouncement: () => {},
    onStop: () => {},
    committing: () => {
      waits++;
    },
    route: (acc: Accumulator) => {
      routed.push(acc);
    },
    outcome: (_acc: Accumulator, outcome: string) => outcomes.push(outcome),
    count: () => {},
    after: (_ms: number, callback: () => void) => {
      timers.push(callback);
      return () => {};
    },
  } as unknown as ModuleContext<InboxOptions>;
  const changes = new Changes(context, () => {});
  const recording = new Recording(context, changes, new LightRooms(context, changes));
  const acc = (stanza: Stanza, origin: Origin = Origin.C2S, from = ROMEO, to = JULIET): Accumulator =>
    new Accumulator(1, time++, origin, undefined, 'localhost', stanza, from, to);
  const endTurn = (): void => {
    for (const turn of turns.splice(0)) turn();
    store.kept.flush();
  };
  const requests = (): (readonly InboxChange[])[] =>
    store.asked.map(({ list }) => list as readonly InboxChange[]);
  return { recording, changes, acc, endTurn, requests, store, timers, outcomes, routed, waits: () => waits };
}

describe('changes of inboxes', () => {
  it('of one conversation in one turn are one, with the last message and all that is unread', () => {
    const { recording, acc, endTurn, requests, waits } = world();
    for (const text of ['a', 'b', 'c']) {
      const one = acc(message(text));
      expect(recording.sent(one)).toBeUndefined();
      expect(recording.received(one)).toBeUndefined();
    }
    endTurn();
    expect(requests().length).toBe(1);
    const brief = requests()[0]!.map((change) => [change[0], change[2], change[3], ...change.slice(7)]);
    expect(brief).toEqual([
      ['message', 'romeo', 'juliet@localhost', true, 0],
      ['message', 'juliet', 'romeo@localhost', false, 3],
    ]);
    expect(requests()[0]!.map((change) => change[5])).toEqual(['c', 'c']);
    expect(waits()).toBe(6);
  });

  it('keep apart what came after the user had written', () => {
    const { recording, acc, endTurn, requests } = world();
    recording.received(acc(message('a')));
    recording.sent(acc(message('mine'), Origin.C2S, parseJid('juliet@localhost/x')!, ROMEO.bareJid));
    recording.received(acc(message('b')));
    recording.received(acc(message('c')));
    endTurn();
    expect(requests()[0]!.map((change) => change.slice(7))).toEqual([
      [true, 0],
      [false, 2],
    ]);
  });

  it('are added to only while they have not left, even if others were too many', () => {
    const { recording, acc, endTurn, requests } = world();
    const from = (i: number) => acc(message('x'), Origin.S2S, parseJid(`p${i}@elsewhere.example`)!, JULIET);
    for (let i = 0; i <= KEPT_PER_BATCH_MAX; i++) recording.received(from(i));
    recording.received(from(0));
    endTurn();
    const counts = requests().map((changes) => changes.map((change) => [change[3], change[8]]));
    expect(counts[0]!.length).toBe(KEPT_PER_BATCH_MAX);
    expect(counts[0]![0]).toEqual(['p0@elsewhere.example', 1]);
    expect(counts[1]).toEqual([
      [`p${KEPT_PER_BATCH_MAX}@elsewhere.example`, 1],
      ['p0@elsewhere.example', 1],
    ]);
  });

  it('are waited for by nobody, if it is configured so', () => {
    const { recording, acc, waits } = world({ backend: 'rdbms_async' });
    recording.sent(acc(message('a')));
    expect(waits()).toBe(0);
  });

  it('hold senders up when many wait for the store, and refuse messages when too many do', async () => {
    const { recording, changes, acc, store, timers, outcomes, routed } = world();
    const peer = (i: number) => parseJid(`p${i}@elsewhere.example`)!;
    let verdict: unknown;
    for (let i = 0; i <= KEPT_BUSY; i++) {
      verdict = recording.sent(acc(message('x'), Origin.C2S, ROMEO, peer(i)));
      // What is gathered is not counted yet.
      changes.flush();
    }
    expect(verdict).toBeInstanceOf(Promise);
    timers.at(-1)!();
    expect(await verdict).toBeUndefined();
    for (let i = KEPT_BUSY; i < KEPT_MAX; i++) {
      void recording.sent(acc(message('x'), Origin.C2S, ROMEO, peer(i)));
    }
    changes.flush();
    expect(recording.sent(acc(message('too much')))).toBe(STOP);
    expect(outcomes).toEqual(['bounced']);
    expect(routed[0]!.stanza!.element.child('error')?.elements()[0]?.name).toBe('resource-constraint');
    // From elsewhere, too; but not what was let in here.
    expect(recording.received(acc(message('far'), Origin.S2S))).toBe(DROP);
    expect(routed.length).toBe(2);
    expect(store.kept.refused).toBe(2);
    expect(recording.received(acc(message('near')))).toBeUndefined();
    // What is in no inbox goes on.
    const state = Stanza.of(parseElementText("<message type='chat'><thread>t</thread></message>"));
    expect(recording.sent(acc(state))).toBeUndefined();
  });
});

describe('the time of an id', () => {
  it('is that of the message, if the server has given it; any other id is younger than none', () => {
    const now = 1_800_000_000_123_456;
    expect(timeOfId(stableId(now, 0), now)).toBe(now);
    expect(timeOfId(stableId(now - 1, 255), now)).toBe(now - 1);
    expect(timeOfId(stableId(now + 1, 0), now)).toBe(-1);
    for (const id of ['', 'abc', '123', 'A'.repeat(12), 'd6f9c3a2-1', stableId(1_000, 0)]) {
      expect(timeOfId(id, now)).toBe(-1);
    }
  });
});
