import { beforeEach, describe, expect, it } from 'vitest';
import { Accumulator } from '../../../src/hooks/accumulator.ts';
import { DROP, type Verdict } from '../../../src/hooks/chain.ts';
import type { HostType } from '../../../src/hooks/host-type.ts';
import { HOOK_INDEX } from '../../../src/hooks/points.ts';
import { FRAME_TEXT_MAX } from '../../../src/limits.ts';
import { NO_PRIORITY } from '../../../src/memory/directory.ts';
import type { Delivery } from '../../../src/sm/delivery.ts';
import { Multicast } from '../../../src/sm/multicast.ts';
import type { Outcomes } from '../../../src/sm/outcomes.ts';
import { type Jid, parseJid } from '../../../src/xmpp/jid.ts';
import { Stanza } from '../../../src/xmpp/stanza.ts';
import { parseElementText } from '../../../src/xmpp/trusted-xml.ts';

/** Presence to many accounts, on a shard with the number 0. */

const ROMEO = parseJid('romeo@localhost/orchard')!;
const PRESENCE = Stanza.of(parseElementText('<presence/>'));
const bare = (name: string): Jid => parseJid(name)!;

interface Entry {
  readonly shard: number;
  readonly number: number;
  readonly priority: number;
}

describe('multicasting', () => {
  let sessions: Map<string, Entry[]>;
  let table: Map<number, { jid: Jid; deliver: (acc: Accumulator) => void }>;
  let got: string[];
  let frames: {
    shard: number;
    targets: readonly number[];
    accounts: string;
    from: string;
    type: string | undefined;
  }[];
  let longWay: string[];
  let hops: number[];
  let counted: string[];
  let ways: number[];
  let filter: ((acc: Accumulator) => Verdict | Promise<Verdict>) | null;
  let isStraight: boolean;
  let multicast: Multicast;

  beforeEach(() => {
    sessions = new Map();
    table = new Map();
    got = [];
    frames = [];
    longWay = [];
    hops = [];
    counted = [];
    ways = [];
    filter = null;
    isStraight = true;
    const hostType = {
      name: 'localhost',
      get chains() {
        const chains: unknown[] = [];
        chains[HOOK_INDEX.filter_local_packet] = filter === null ? null : { run: filter };
        return chains;
      },
    } as unknown as HostType;
    const delivery = {
      reroutes: { isIdle: true },
      goesStraight: () => isStraight,
      route: (acc: Accumulator) => void longWay.push(acc.to.full),
      sm: {
        shard: 0,
        table,
        find: (to: Jid) => {
          const list = sessions.get(to.bare) ?? [];
          return {
            length: list.length,
            shard: list.map(({ shard }) => shard),
            number: list.map(({ number }) => number),
            priority: list.map(({ priority }) => priority),
          };
        },
        here: (number: number) => table.get(number),
        remote: {
          forwardMany: (
            shard: number,
            targets: readonly number[],
            accounts: string,
            _cause: Accumulator,
            { type }: Stanza,
            from: Jid,
          ) => {
            frames.push({ shard, targets: [...targets], accounts, from: from.full, type });
            return true;
          },
        },
      },
    } as unknown as Delivery;
    multicast = new Multicast(delivery, {
      route: (acc) => {
        longWay.push(acc.to.full);
        hops.push(acc.hops);
      },
      usersOf: (domain) => (domain === 'localhost' ? hostType : undefined),
      outcomes: {
        ended: (_acc, outcome) => void counted.push(outcome),
        endedOf: (_stanza, outcome, by) => void counted.push(`${by} ${outcome}`),
        sentOn: (_stanza, by) => void ways.push(by),
        arrivedOf: (_stanza, by) => void ways.push(by),
        copiedOf: (_stanza, by) => void ways.push(by),
      } as Partial<Outcomes> as Outcomes,
    });
  });

  function there(user: string, shard: number, number: number, priority = 0): void {
    sessions.set(user, [...(sessions.get(user) ?? []), { shard, number, priority }]);
    if (shard === 0) here(number, `${user}/r${number}`);
  }

  function here(number: number, jid: string): void {
    table.set(number, { jid: bare(jid), deliver: (acc) => void got.push(`${jid} as ${acc.to.full}`) });
  }

  const cause = () => new Accumulator(1, 1, 1, undefined, 'localhost', PRESENCE, ROMEO, ROMEO.bareJid);
  const send = (...to: string[]) => multicast.send(cause(), PRESENCE, ROMEO, to.map(bare));
  const receive = (targets: readonly number[], text: string) =>
    multicast.deliverHere(targets, text, PRESENCE, (to) => cause().derive(PRESENCE, ROMEO, to));

  /** As many outcomes as ways were counted. */
  function expectBalance(): void {
    const outcomes = counted.map((one) => (/^\d/.test(one) ? Number.parseInt(one, 10) : 1));
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
    expect(sum(outcomes)).toBe(sum(ways));
  }

  it('counts as many outcomes as ways: of sessions here, elsewhere, gone', () => {
    there('a@localhost', 0, 1);
    there('a@localhost', 0, 6);
    there('a@localhost', 1, 2);
    there('b@localhost', 1, 3);
    there('b@localhost', 2, 4);
    // In the directory, and just gone.
    sessions.set('c@localhost', [{ shard: 0, number: 99, priority: 0 }]);
    send('a@localhost', 'b@localhost', 'c@localhost', 'nobody@localhost');
    expect(counted.toSorted()).toEqual([
      '1 dropped',
      '1 dropped',
      '1 forwarded',
      '2 forwarded',
      'delivered',
      'delivered',
    ]);
    expectBalance();
    receive([2, 1, 98, 1, 97], 'a@localhost\nb@localhost');
    expectBalance();
  });

  it('delivers here, and to each other shard in one frame', () => {
    there('a@localhost', 0, 1);
    there('a@localhost', 1, 2);
    there('b@localhost', 1, 3);
    there('b@localhost', 1, 4);
    there('c@localhost', 2, 5);
    send('a@localhost', 'b@localhost', 'c@localhost');
    expect(got).toEqual(['a@localhost/r1 as a@localhost']);
    expect(frames).toMatchObject([
      { shard: 1, targets: [1, 2, 2, 3, 4], accounts: 'a@localhost\nb@localhost' },
      { shard: 2, targets: [1, 5], accounts: 'c@localhost' },
    ]);
    expect(counted.sort()).toEqual(['1 forwarded', '2 forwarded', 'delivered']);
  });

  it('keeps apart what a session sends as soon as it has got something, from what goes to the others', () => {
    const probe = Stanza.of(parseElementText("<presence type='probe'/>"));
    const owner = bare('b@localhost/r2');
    for (const [i, name] of ['a', 'b', 'c'].entries()) there(`${name}@localhost`, i === 1 ? 0 : 1, i + 1);
    table.set(2, {
      jid: owner,
      deliver: (acc) => multicast.send(acc, PRESENCE, owner, [bare('c@localhost')]),
    });
    multicast.send(cause(), probe, ROMEO, ['a@localhost', 'b@localhost', 'c@localhost'].map(bare));
    expect(frames.map(({ accounts, from, type }) => [accounts, from, type])).toEqual([
      ['c@localhost', owner.full, undefined],
      ['a@localhost\nc@localhost', ROMEO.full, 'probe'],
    ]);
  });

  it('leaves out sessions that are not available, and accounts without any', () => {
    there('a@localhost', 1, 2, NO_PRIORITY);
    send('a@localhost', 'b@localhost');
    expect(frames).toEqual([]);
    expect(counted).toEqual(['1 dropped', '1 dropped']);
  });

  it('takes the long way to whoever is no user here, has moved, or is meant by a full JID', () => {
    there('a@localhost', 1, 2);
    isStraight = false;
    send('a@localhost', 'a@localhost/desk', 'a@elsewhere.example', 'localhost');
    expect(longWay.sort()).toEqual(['a@elsewhere.example', 'a@localhost', 'a@localhost/desk', 'localhost']);
    expect(frames).toEqual([]);
  });

  it('counts as routed once more what others have caused, and only that', () => {
    send('a@elsewhere.example');
    const answered = new Accumulator(1, 1, 1, undefined, 'localhost', PRESENCE, bare('a@localhost/x'), ROMEO);
    multicast.send(answered, PRESENCE, ROMEO, [bare('a@elsewhere.example')]);
    expect(hops).toEqual([0, 1]);
  });

  it('asks filter_local_packet for each, which may drop, wait or change it', async () => {
    for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) there(`${name}@localhost`, 0, i);
    filter = (acc) => {
      if (acc.to.local === 'a') return DROP;
      if (acc.to.local === 'b') return Promise.resolve(undefined);
      if (acc.to.local === 'c')
        acc.updateStanza(Stanza.of(parseElementText("<presence><x xmlns='urn:x'/></presence>")));
      return undefined;
    };
    send('a@localhost', 'b@localhost', 'c@localhost', 'd@localhost');
    expect(got).toEqual(['d@localhost/r3 as d@localhost']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(longWay.sort()).toEqual(['b@localhost', 'c@localhost']);
  });

  it('begins another frame when one has enough', () => {
    const long = 'x'.repeat(1_000);
    for (let i = 0; i < 61; i++) there(`${long}${i}@localhost`, 1, i);
    send(...Array.from({ length: 61 }, (_, i) => `${long}${i}@localhost`));
    expect(frames.length).toBeGreaterThan(1);
    for (const { accounts } of frames) expect(accounts.length).toBeLessThan(FRAME_TEXT_MAX + 2_000);
    expect(frames.flatMap(({ accounts }) => accounts.split('\n'))).toHaveLength(61);
  });

  describe('in the other shard', () => {
    it('delivers to the sessions that are meant', () => {
      here(2, 'a@localhost/x');
      here(3, 'b@localhost/y');
      here(4, 'b@localhost/z');
      receive([1, 2, 2, 3, 4], 'a@localhost\nb@localhost');
      expect(got).toEqual([
        'a@localhost/x as a@localhost',
        'b@localhost/y as b@localhost',
        'b@localhost/z as b@localhost',
      ]);
    });

    it('delivers to nobody else who has such a number by now', () => {
      here(2, 'mallory@localhost/x');
      here(3, 'b@localhost/y');
      here(4, 'b@localhost.example/z');
      here(5, 'b@local/z');
      receive([1, 2, 4, 3, 4, 5, 9, 1, 3], 'a@localhost\nb@localhost\nbb@localhost');
      expect(got).toEqual(['b@localhost/y as b@localhost']);
    });
  });
});
