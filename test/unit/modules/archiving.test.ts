import { describe, expect, it } from 'vitest';
import type { Accumulator } from '../../../src/hooks/accumulator.ts';
import { Accumulator as Acc, Origin } from '../../../src/hooks/accumulator.ts';
import { DROP, STOP } from '../../../src/hooks/chain.ts';
import { KEPT_BYTES_MAX } from '../../../src/limits.ts';
import { Archiving } from '../../../src/modules/mod-mam/archiving.ts';
import { Horizons } from '../../../src/modules/mod-mam/horizons.ts';
import mod_mam from '../../../src/modules/mod-mam/mod-mam.ts';
import { type MamOptions, pmOptions } from '../../../src/modules/mod-mam/options.ts';
import type { Retractions } from '../../../src/modules/mod-mam/retractions.ts';
import { Wishes } from '../../../src/modules/mod-mam/wishes.ts';
import { ArchiveWriter } from '../../../src/modules/mod-mam/writer.ts';
import type { C2sParams, ModuleContext } from '../../../src/modules/module.ts';
import { type ArchiveRecord, ArchiveSide } from '../../../src/store/operations.ts';
import { type Jid, makeJid } from '../../../src/xmpp/jid.ts';
import { stableId } from '../../../src/xmpp/stable-id.ts';
import { Stanza } from '../../../src/xmpp/stanza.ts';
import { KeptStore } from '../../helpers/kept-store.ts';

/** What archiving asks of its writer, and what senders hear when that takes no more. */

const romeo = makeJid('romeo', 'localhost', 'r')!;
const juliet = makeJid('juliet', 'localhost', 'j')!;

class Bench {
  readonly store = new KeptStore();
  readonly refused: string[] = [];
  #turn: (() => void)[] = [];
  readonly writer: ArchiveWriter;
  readonly horizons = new Horizons();
  readonly archiving: Archiving;

  constructor() {
    const context = {
      shard: 0,
      store: this.store,
      atTurnEnd: (callback: () => void) => this.#turn.push(callback),
      onStop: () => {},
      hosts: ['localhost'],
      hasOtherHandlers: () => false,
      committing: () => {},
      count: () => {},
      outcome: () => {},
      after: () => () => {},
      timestamp: () => 2_000_000_000_000_000,
      sessions: () => [],
      accounts: { isRegistered: (jid: Jid) => jid.local !== 'nobody' },
      route: (acc: Accumulator) => {
        this.refused.push(acc.stanza!.element.child('error')!.elements()[0]!.name);
        return undefined;
      },
    } as unknown as ModuleContext<MamOptions>;
    this.writer = new ArchiveWriter(context);
    const options = pmOptions(mod_mam.options.parse({ pm: {} }))!;
    const wishes = new Wishes(context, undefined);
    this.archiving = new Archiving(context, options, this.writer, wishes, {} as Retractions, this.horizons);
  }

  acc(content: string, from = romeo, to = juliet): Accumulator {
    const stanza = Stanza.ofStored(Buffer.from(`<message type='chat' id='m'>${content}</message>`));
    return new Acc(1, 1_800_000_000_000_001, Origin.C2S, undefined, 'localhost', stanza, from, to);
  }

  async endTurn(): Promise<readonly ArchiveRecord[]> {
    for (const callback of this.#turn.splice(0)) callback();
    this.store.kept.flush();
    await new Promise((resolve) => setImmediate(resolve));
    return this.store.stored.splice(0) as ArchiveRecord[];
  }
}

const session = { jid: romeo } as unknown as C2sParams;

describe('archiving', () => {
  it('makes one record of a message that is sent and delivered, in one turn', async () => {
    const bench = new Bench();
    const acc = bench.acc('<body>x</body>');
    expect(bench.archiving.outgoing(acc, session)).toBeUndefined();
    const id = acc.get('mam', 'mam_id');
    expect(bench.archiving.incoming(acc)).toBeUndefined();
    const records = await bench.endTurn();
    expect(records).toHaveLength(1);
    expect(records[0]!).toMatchObject({
      sides: ArchiveSide.SENDER | ArchiveSide.RECIPIENT,
      from: romeo.full,
      to: juliet.full,
      micros: 1_800_000_000_000_001,
      originId: null,
    });
    expect(records[0]!.packet.toString()).toBe("<message type='chat' id='m'><body>x</body></message>");
    expect(acc.stanza!.element.child('stanza-id', 'urn:xmpp:sid:0')?.attribute('id')).toBe(id);
  });

  it('makes two of one that left in between, or that was changed, with the same id', async () => {
    const bench = new Bench();
    const late = bench.acc('<body>x</body>');
    bench.archiving.outgoing(late, session);
    const [first] = await bench.endTurn();
    bench.archiving.incoming(late);
    const [second] = await bench.endTurn();
    expect([first!.sides, second!.sides]).toEqual([ArchiveSide.SENDER, ArchiveSide.RECIPIENT]);
    expect(second!.micros).toBe(first!.micros);
    const changed = bench.acc('<body>x</body>');
    bench.archiving.outgoing(changed, session);
    changed.updateStanza(Stanza.ofStored(Buffer.from("<message type='chat'><body>y</body></message>")));
    bench.archiving.incoming(changed);
    expect((await bench.endTurn()).map(({ sides, micros }) => [sides, micros])).toEqual([
      [ArchiveSide.SENDER, first!.micros],
      [ArchiveSide.RECIPIENT, first!.micros],
    ]);
  });

  it('gives a message a new id if it comes behind what an owner has read, and both sides the same', async () => {
    const bench = new Bench();
    bench.horizons.read(juliet.bare, 1_800_000_000_000_001);
    const acc = bench.acc('<body>x</body>');
    bench.archiving.outgoing(acc, session);
    const [first] = await bench.endTurn();
    bench.archiving.incoming(acc);
    const [second] = await bench.endTurn();
    expect([first!.micros, second!.micros]).toEqual([2_000_000_000_000_000, 2_000_000_000_000_000]);
    expect(acc.stanza!.element.child('stanza-id', 'urn:xmpp:sid:0')?.attribute('id')).toBe(
      stableId(2_000_000_000_000_000, 0),
    );
  });

  it('gives it to the recipient alone if he has read meanwhile, also where mod_stanzaid has given one', async () => {
    const bench = new Bench();
    const acc = bench.acc('<body>x</body>');
    acc.setPermanent('stable_stanza_id', 'value', stableId(acc.timestamp, 0));
    bench.archiving.outgoing(acc, session);
    const [first] = await bench.endTurn();
    bench.horizons.read(juliet.bare, 1_900_000_000_000_000);
    bench.archiving.incoming(acc);
    const [second] = await bench.endTurn();
    expect([first!.micros, second!.micros]).toEqual([acc.timestamp, 2_000_000_000_000_000]);
    expect(acc.get('stable_stanza_id', 'value')).toBe(stableId(2_000_000_000_000_000, 0));
  });

  it('leaves the id of what comes behind what others have read, or before', async () => {
    const bench = new Bench();
    bench.horizons.read('nurse@localhost', 1_900_000_000_000_000);
    bench.horizons.read(juliet.bare, 1_800_000_000_000_000);
    const acc = bench.acc('<body>x</body>');
    bench.archiving.outgoing(acc, session);
    bench.archiving.incoming(acc);
    expect((await bench.endTurn())[0]!.micros).toBe(acc.timestamp);
  });

  it('leaves out a recipient who does not exist', async () => {
    const bench = new Bench();
    const acc = bench.acc('<body>x</body>', romeo, makeJid('nobody', 'localhost')!);
    bench.archiving.outgoing(acc, session);
    bench.archiving.incoming(acc);
    expect((await bench.endTurn()).map(({ sides }) => sides)).toEqual([ArchiveSide.SENDER]);
  });

  it('gives what was made because of another message an id of its own', async () => {
    const bench = new Bench();
    const acc = bench.acc('<body>x</body>');
    acc.hops = 1;
    bench.archiving.incoming(acc);
    expect((await bench.endTurn())[0]!.micros).toBe(2_000_000_000_000_000);
  });

  it('refuses senders with resource-constraint when its writer is full, and lets through what it has taken on', async () => {
    const bench = new Bench();
    bench.store.isDown = true;
    const before = bench.acc('<body>x</body>');
    bench.archiving.outgoing(before, session);
    const { last } = bench.writer;
    expect(last).toBeDefined();
    while (!bench.writer.isFull) {
      bench.writer.add({ ...last!, packet: Buffer.alloc(KEPT_BYTES_MAX / 4) });
      bench.writer.flush();
    }
    expect(bench.archiving.outgoing(bench.acc('<body>x</body>'), session)).toBe(STOP);
    expect(bench.archiving.incoming(bench.acc('<body>x</body>'))).toBe(DROP);
    expect(bench.refused).toEqual(['resource-constraint', 'resource-constraint']);
    expect(bench.store.kept.refused).toBe(2);
    // What is not archived goes on.
    expect(bench.archiving.outgoing(bench.acc('<subject>x</subject>'), session)).toBeUndefined();
    expect(bench.archiving.incoming(bench.acc('<subject>x</subject>'))).toBeUndefined();
  });

  it('has senders wait while its writer is busy; then the message goes its way within one turn', async () => {
    const bench = new Bench();
    while (!bench.writer.isBusy) {
      const acc = bench.acc(`<body>${'x'.repeat(1_048_576)}</body>`);
      expect(bench.archiving.outgoing(acc, session)).toBeUndefined();
      bench.archiving.incoming(acc);
      bench.writer.flush();
    }
    const acc = bench.acc('<body>late</body>');
    const waiting = bench.archiving.outgoing(acc, session) as Promise<unknown>;
    expect(waiting).toBeInstanceOf(Promise);
    expect(acc.get('mam', 'mam_id')).toBeUndefined();
    await bench.endTurn();
    expect(await waiting).toBeUndefined();
    bench.archiving.incoming(acc);
    const [record] = await bench.endTurn();
    expect(record!.sides).toBe(ArchiveSide.SENDER | ArchiveSide.RECIPIENT);
  });
});
