import { describe, expect, it } from 'vitest';
import { problemsOf } from '../crash/durability/archive.ts';
import {
  type Direction,
  judge,
  type ReaderSession,
  type Sighting,
  type Transmission,
} from '../crash/durability/ledger.ts';

/** The checker of crash runs finds what it is there for. */

const ALIVE: ReaderSession = { openedAt: 0, lostAt: undefined, endedAt: undefined };
const LATER: ReaderSession = { openedAt: 500, lostAt: undefined, endedAt: undefined };

function sent(...more: Partial<Transmission>[]): Transmission[] {
  return more.map((one, serial) => ({
    serial,
    message: serial,
    sentAt: serial * 10,
    ackedAt: serial * 10 + 5,
    bounced: undefined,
    ...one,
  }));
}

function see(serial: number, session = ALIVE, isDelayed = false): Sighting {
  return { serial, session, isDelayed, at: session.openedAt + serial };
}

function verdictOn(direction: Partial<Direction>, store: number[] = [], memory: number[] = []) {
  const kills = { store, memory, storeThread: store };
  return judge([{ name: 'pair', sent: [], seen: [], sessions: [ALIVE], ...direction }], kills);
}

describe('the checker of crash runs', () => {
  it('is content with what came once and in order', () => {
    const verdict = verdictOn({ sent: sent({}, {}, {}), seen: [see(0), see(1), see(2)] });
    expect(verdict).toMatchObject({ problems: [], acknowledged: 3, bounced: 0, repeated: 0, sentTwice: 0 });
  });

  it('misses what was acknowledged, and not what was not', () => {
    const verdict = verdictOn({ sent: sent({}, {}, { ackedAt: undefined }), seen: [see(0)] });
    expect(verdict.problems).toEqual([
      'pair: 1 was acknowledged and is nowhere',
      expect.stringContaining('the first was sent at 10, acknowledged at 15'),
    ]);
  });

  it('lets a message go with the memory of a session that was killed, and only with that', () => {
    const killed: ReaderSession = { openedAt: 100, lostAt: 200, endedAt: undefined };
    const [before, during, after] = [
      { sentAt: 50, ackedAt: 60 },
      { sentAt: 150, ackedAt: 160 },
      { sentAt: 250, ackedAt: 260 },
    ];
    const verdict = verdictOn({ sent: sent(before, during, after), sessions: [killed, LATER] });
    expect(verdict.onlyInMemory.map(({ serial }) => serial)).toEqual([1]);
    expect(verdict.problems.filter((text) => text.includes('is nowhere'))).toHaveLength(2);
  });

  it('does not let a message go that lies before what its session has seen: that had come in order', () => {
    const killed: ReaderSession = { openedAt: 0, lostAt: 200, endedAt: undefined };
    const one = { sent: sent({}, {}, {}), sessions: [killed, LATER] };
    expect(verdictOn({ ...one, seen: [see(0, killed)] }).problems).toEqual([]);
    const { problems, onlyInMemory } = verdictOn({ ...one, seen: [see(1, killed)] });
    expect(problems[0]).toBe('pair: 0 was acknowledged and is nowhere');
    expect(onlyInMemory.map(({ serial }) => serial)).toEqual([2]);
  });

  it('lets a message go that was on its way into storage from a session that had just ended, and only then', () => {
    const ended: ReaderSession = { openedAt: 0, lostAt: undefined, endedAt: 100 };
    const one = { sent: sent({}), sessions: [ended] };
    expect(verdictOn(one).problems).not.toEqual([]);
    expect(verdictOn(one, [], [50, 6_000]).problems).not.toEqual([]);
    expect(verdictOn(one, [], [300]).onlyInMemory).toHaveLength(1);
    const after = sent({ sentAt: 150, ackedAt: 160 });
    expect(verdictOn({ sent: after, sessions: [ended] }, [], [300]).problems).not.toEqual([]);
  });

  it('lets a message go with a session to which the memory of one passed that the server had ended', () => {
    const ended: ReaderSession = { openedAt: 0, lostAt: undefined, endedAt: 100, isBroken: true };
    const killed: ReaderSession = { openedAt: 100, lostAt: 20_000, endedAt: undefined };
    const one = sent({ sentAt: 50, ackedAt: 60 });
    const sessions = [ended, killed];
    expect(verdictOn({ sent: one, sessions }).onlyInMemory).toHaveLength(1);
    // Its client had said what it had: the rest was stored.
    const left = { ...ended, isBroken: false };
    expect(verdictOn({ sent: one, sessions: [left, killed] }).problems).not.toEqual([]);
    // What was behind it has come.
    const two = sent({ sentAt: 50, ackedAt: 60 }, { sentAt: 55, ackedAt: 65 });
    expect(verdictOn({ sent: two, seen: [see(1, killed)], sessions }).problems).not.toEqual([]);
  });

  it('lets a message go that was routed anew after one kill when there was another', () => {
    const one = sent({ sentAt: 120, ackedAt: 300 });
    const killed: ReaderSession = { openedAt: 0, lostAt: 100, endedAt: undefined };
    const next: ReaderSession = { openedAt: 400, lostAt: 500, endedAt: undefined };
    const sessions = [killed, next];
    expect(verdictOn({ sent: one, sessions }, [], [100]).problems).not.toEqual([]);
    expect(verdictOn({ sent: one, sessions }, [], [100, 500]).onlyInMemory).toHaveLength(1);
    const later = sent({ sentAt: 2_000, ackedAt: 2_010 });
    expect(verdictOn({ sent: later, sessions }, [], [100, 500]).problems).not.toEqual([]);
  });

  it('sees what comes twice in a session, or in two of which none was lost', () => {
    expect(verdictOn({ sent: sent({}), seen: [see(0), see(0)] }).problems).toHaveLength(1);
    const seen = [see(0, ALIVE, true), see(0, LATER, true)];
    expect(verdictOn({ sent: sent({}), seen }).problems).toHaveLength(1);
    expect(verdictOn({ sent: sent({}), seen }, [2_000]).problems).toHaveLength(1);
    expect(verdictOn({ sent: sent({}), seen }, [100])).toMatchObject({ problems: [], repeated: 1 });
  });

  it('allows what was in hand when a session was killed to come again', () => {
    const killed: ReaderSession = { openedAt: 0, lostAt: 100, endedAt: undefined };
    const seen = [see(0, killed, true), see(0, LATER, true)];
    expect(verdictOn({ sent: sent({}), seen, sessions: [killed, LATER] })).toMatchObject({
      problems: [],
      repeated: 1,
    });
  });

  it('allows what its client may not have said that it has to come again', () => {
    const broken: ReaderSession = { openedAt: 0, lostAt: undefined, endedAt: 100, isBroken: true };
    const seen = [see(0, broken, true), see(0, LATER, true)];
    expect(verdictOn({ sent: sent({}), seen, sessions: [broken, LATER] })).toMatchObject({ problems: [] });
  });

  it('sees a wrong order', () => {
    const verdict = verdictOn({ sent: sent({}, {}), seen: [see(1), see(0)] });
    expect(verdict.problems).toEqual(['pair: 0 after 1', expect.stringContaining('0 was sent at 0')]);
  });

  it('allows what was to be stored to come late when the store was away, and only then', () => {
    const two = sent({ sentAt: 10_000 }, { sentAt: 10_200 });
    const overtaking = { ...see(1), at: 10_900 };
    const seen = [overtaking, see(0, ALIVE, true)];
    expect(verdictOn({ sent: two, seen }, [10_500])).toMatchObject({ problems: [], late: 1 });
    expect(verdictOn({ sent: two, seen }, [4_000, 11_000]).problems).not.toEqual([]);
    expect(verdictOn({ sent: two, seen: [overtaking, see(0)] }, [10_500]).problems).not.toEqual([]);
  });

  it('sees a message that came back and arrived, and one that nobody sent', () => {
    const came = verdictOn({ sent: sent({ bounced: 'resource-constraint' }), seen: [see(0)] });
    expect(came.problems).toHaveLength(1);
    const why = verdictOn({ sent: sent({ bounced: 'service-unavailable' }) });
    expect(why.problems).toEqual(['pair: 0 came back (service-unavailable)']);
    expect(verdictOn({ seen: [see(7)] }).problems).toEqual(['pair: 7 was never sent']);
  });

  it('counts messages that their client had to send twice', () => {
    const again = sent({ message: 0, ackedAt: undefined }, { message: 0 });
    expect(verdictOn({ sent: again, seen: [see(0), see(1)] })).toMatchObject({ problems: [], sentTwice: 1 });
  });
});

describe('the checker of archives', () => {
  const three = { sent: sent({}, {}, { ackedAt: undefined }) };

  it('wants everything that was acknowledged, once and in order, and excuses nothing', () => {
    expect(problemsOf(three, ['0', '1'])).toEqual([]);
    expect(problemsOf(three, ['0', '1', '2'])).toEqual([]);
    expect(problemsOf(three, ['0'])).toEqual(['1 was acknowledged and is not there']);
    expect(problemsOf(three, ['1', '0'])).toEqual(['0 after 1']);
    expect(problemsOf(three, ['0', '1', '1'])).toEqual(['1 is there again']);
    expect(problemsOf(three, ['0', '1', '7'])).toEqual(['7 was never sent']);
  });

  it('leaves open what has become of a message that came back', () => {
    expect(problemsOf({ sent: sent({ bounced: 'resource-constraint' }) }, [])).toEqual([]);
  });
});
