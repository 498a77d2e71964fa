import { describe, expect, test } from 'vitest';
import { Accumulator, Flag, Origin } from '../../../src/hooks/accumulator.ts';
import { HostType } from '../../../src/hooks/host-type.ts';
import { EMPTY_TABLE } from '../../../src/hooks/registry.ts';
import { VISITS_MAX } from '../../../src/limits.ts';
import { Element } from '../../../src/xml/element.ts';
import { NS_CLIENT } from '../../../src/xmpp/namespaces.ts';
import { Stanza } from '../../../src/xmpp/stanza.ts';
import { StanzaError } from '../../../src/xmpp/stanza-error.ts';
import { ALICE, accumulator, BOB, jid, message } from './fakes.ts';

const HERE = new HostType('here', EMPTY_TABLE);
const THERE = new HostType('there', EMPTY_TABLE);

const UNAVAILABLE = new StanzaError('service-unavailable');

function stanza(name: string, type?: string): Stanza {
  return Stanza.of(Element.of(name, NS_CLIENT, { id: 's1', type }));
}

describe('keys', () => {
  test('are found under namespace and name, and nowhere else', () => {
    const acc = accumulator();
    acc.set('mam', 'mam_id', 'X');
    expect(acc.get('mam', 'mam_id')).toBe('X');
    expect(acc.get('mam', 'other')).toBeUndefined();
    expect(acc.get('other', 'mam_id')).toBeUndefined();
  });

  test('keep false, 0 and the empty string', () => {
    const acc = accumulator();
    for (const value of [false, 0, '']) {
      acc.set('test', 'temporary', value);
      acc.setPermanent('test', 'permanent', value);
      expect([acc.get('test', 'temporary'), acc.get('test', 'permanent')]).toEqual([value, value]);
    }
  });

  test('that are set again have the new value', () => {
    const acc = accumulator();
    acc.set('test', 'key', 1);
    acc.set('test', 'key', 2);
    expect(acc.get('test', 'key')).toBe(2);
  });

  test('can be deleted, temporary and permanent ones', () => {
    const acc = accumulator();
    acc.set('test', 'temporary', 1);
    acc.setPermanent('test', 'permanent', 1);
    acc.delete('test', 'temporary');
    acc.delete('test', 'permanent');
    acc.delete('test', 'never set');
    expect(acc.get('test', 'temporary')).toBeUndefined();
    expect(acc.get('test', 'permanent')).toBeUndefined();
    expect(acc.permanentKeys()?.size).toBe(0);
  });

  test('that were permanent and deleted are temporary when they are set again', () => {
    const acc = accumulator();
    acc.setPermanent('test', 'key', 1);
    acc.delete('test', 'key');
    acc.set('test', 'key', 2);
    acc.strip(undefined, 'example.com');
    expect(acc.get('test', 'key')).toBeUndefined();
  });

  test('collect a list: each value goes to its end', () => {
    const acc = accumulator();
    acc.append('test', 'list', 'a');
    acc.append('test', 'list', 'b');
    expect(acc.get('test', 'list')).toEqual(['a', 'b']);
  });

  test('that collect a list do not change a list that somebody read before', () => {
    const acc = accumulator();
    acc.append('test', 'list', 'a');
    const before = acc.get('test', 'list');
    acc.append('test', 'list', 'b');
    expect(before).toEqual(['a']);
  });
});

describe('permanence', () => {
  test('survives a strip; temporary keys do not', () => {
    const acc = accumulator();
    acc.set('test', 'temporary', 1);
    acc.setPermanent('test', 'permanent', 2);
    acc.strip(THERE, 'there.example');
    expect(acc.get('test', 'temporary')).toBeUndefined();
    expect(acc.get('test', 'permanent')).toBe(2);
  });

  test('stays when a permanent key is set again', () => {
    const acc = accumulator();
    acc.setPermanent('test', 'key', 1);
    acc.set('test', 'key', 2);
    acc.strip(undefined, 'example.com');
    expect(acc.get('test', 'key')).toBe(2);
  });

  test('is given to a temporary key that is set permanently', () => {
    const acc = accumulator();
    acc.set('test', 'key', 1);
    acc.setPermanent('test', 'key', 2);
    expect(acc.get('test', 'key')).toBe(2);
    acc.strip(undefined, 'example.com');
    expect(acc.get('test', 'key')).toBe(2);
  });

  test('is given to all temporary keys of a namespace, and to no others', () => {
    const acc = accumulator();
    acc.makePermanent('test');
    acc.set('test', 'one', 1);
    acc.set('test', 'two', 2);
    acc.set('tester', 'three', 3);
    acc.makePermanent('test');
    acc.strip(undefined, 'example.com');
    expect(['one', 'two'].map((key) => acc.get('test', key))).toEqual([1, 2]);
    expect(acc.get('tester', 'three')).toBeUndefined();
  });

  test('is not given to a list that is appended to', () => {
    const acc = accumulator();
    acc.append('test', 'list', 'a');
    acc.strip(undefined, 'example.com');
    expect(acc.get('test', 'list')).toBeUndefined();
  });

  test('stays with a permanent list that is appended to', () => {
    const acc = accumulator();
    acc.setPermanent('test', 'list', ['a']);
    acc.append('test', 'list', 'b');
    acc.strip(undefined, 'example.com');
    expect(acc.get('test', 'list')).toEqual(['a', 'b']);
  });

  test('can be told to whoever carries the stanza on', () => {
    const acc = accumulator();
    expect(acc.permanentKeys()).toBeUndefined();
    acc.set('test', 'temporary', 1);
    acc.setPermanent('stable_stanza_id', 'value', 5n);
    expect([...acc.permanentKeys()!]).toEqual([['stable_stanza_id/value', 5n]]);
  });

  test('comes along with adopted keys, over temporary ones of the same name', () => {
    const acc = accumulator();
    acc.set('test', 'key', 'temporary');
    acc.adoptPermanent(new Map([['test/key', 'adopted']]));
    expect(acc.get('test', 'key')).toBe('adopted');
    acc.strip(undefined, 'example.com');
    expect(acc.get('test', 'key')).toBe('adopted');
  });

  test('needs nothing to be adopted', () => {
    const acc = accumulator();
    acc.adoptPermanent(undefined);
    acc.adoptPermanent(new Map());
    expect(acc.permanentKeys()).toBeUndefined();
  });

  test('is not shared with the one that the keys were taken from', () => {
    const one = accumulator();
    one.setPermanent('test', 'key', 1);
    const other = accumulator();
    other.adoptPermanent(one.permanentKeys());
    other.setPermanent('test', 'key', 2);
    expect(one.get('test', 'key')).toBe(1);
  });
});

describe('a strip', () => {
  test('moves to the other domain and its host type, which may be unknown', () => {
    const acc = accumulator();
    acc.hostType = HERE;
    acc.strip(THERE, 'there.example');
    expect([acc.hostType, acc.lserver]).toEqual([THERE, 'there.example']);
    acc.strip(undefined, 'component.example');
    expect([acc.hostType, acc.lserver]).toEqual([undefined, 'component.example']);
  });

  test('keeps reference, time, origin, stanza, addresses and the session that it came from', () => {
    const acc = accumulator();
    const sid = { time: 1, shard: 0, number: 2 };
    acc.originSid = sid;
    acc.originJid = ALICE;
    acc.receiverSid = sid;
    const before = acc.stanza;
    acc.strip(THERE, 'there.example');
    expect(acc).toMatchObject({
      ref: 7,
      timestamp: 1_000_000,
      origin: Origin.C2S,
      originSid: sid,
      receiverSid: sid,
    });
    expect([acc.stanza, acc.from, acc.to, acc.originJid]).toEqual([before, ALICE, BOB, ALICE]);
  });

  test('forgets the actions that were asked for', () => {
    const acc = accumulator();
    acc.addAction({ kind: 'stop', reason: 'x' });
    acc.strip(THERE, 'there.example');
    expect(acc.actions).toBeUndefined();
  });

  test('forgets that an error was sent, and no other flag', () => {
    const acc = accumulator();
    acc.addFlag(Flag.ERROR_SENT | Flag.CARBON);
    acc.strip(THERE, 'there.example');
    expect(acc.flags).toBe(Flag.CARBON);
  });
});

describe('the stanza', () => {
  test('can be replaced while the addresses stay', () => {
    const acc = accumulator();
    const other = message({}, 'changed');
    acc.updateStanza(other);
    expect([acc.stanza, acc.from, acc.to]).toEqual([other, ALICE, BOB]);
  });

  test('can be replaced together with its addresses', () => {
    const acc = accumulator();
    const carol = jid('carol@example.com');
    acc.updateStanza(message(), BOB, carol);
    expect([acc.from, acc.to]).toEqual([BOB, carol]);
  });
});

describe('actions', () => {
  test('are kept in the order of asking', () => {
    const acc = accumulator();
    expect(acc.actions).toBeUndefined();
    acc.addAction({ kind: 'socket_send', xml: '<r/>' });
    acc.addAction({ kind: 'stop', reason: 'x' });
    expect(acc.actions?.map((action) => action.kind)).toEqual(['socket_send', 'stop']);
  });
});

describe('a derived accumulator', () => {
  function derived(): [Accumulator, Accumulator] {
    const acc = accumulator();
    acc.hostType = HERE;
    acc.originSid = { time: 1, shard: 0, number: 2 };
    acc.originJid = ALICE;
    acc.setPermanent('test', 'permanent', 1);
    acc.set('test', 'temporary', 1);
    acc.addAction({ kind: 'stop', reason: 'x' });
    acc.addFlag(Flag.CARBON);
    acc.trace = { isDryRun: false, note: () => {} };
    return [acc, acc.derive(message({ type: 'headline' }), BOB, ALICE)];
  }

  test('has the same reference, time, origin, context and permanent keys', () => {
    const [acc, nested] = derived();
    for (const field of [
      'ref',
      'timestamp',
      'origin',
      'hostType',
      'lserver',
      'originSid',
      'originJid',
    ] as const) {
      expect(nested[field]).toBe(acc[field]);
    }
    expect(nested.trace).toBe(acc.trace);
    expect(nested.get('test', 'permanent')).toBe(1);
  });

  test('has its own stanza and addresses', () => {
    const [, nested] = derived();
    expect(nested.stanza?.type).toBe('headline');
    expect([nested.from, nested.to]).toEqual([BOB, ALICE]);
  });

  test('starts without temporary keys, actions and flags', () => {
    const [, nested] = derived();
    expect(nested.get('test', 'temporary')).toBeUndefined();
    expect(nested.actions).toBeUndefined();
    expect(nested.flags).toBe(0);
  });

  test('does not change the one that it came from', () => {
    const [acc, nested] = derived();
    nested.setPermanent('test', 'permanent', 2);
    nested.delete('test', 'permanent');
    nested.strip(THERE, 'there.example');
    expect(acc.get('test', 'permanent')).toBe(1);
    expect(acc.lserver).toBe('example.com');
  });

  test('counts the hops', () => {
    const [acc, nested] = derived();
    nested.visited();
    const last = nested.derive(message(), ALICE, BOB);
    expect([acc, nested, last].map(({ hops, visits }) => [hops, visits])).toEqual([
      [0, 0],
      [1, 2],
      [2, 3],
    ]);
    for (let i = 0; i < VISITS_MAX; i++) last.visited();
    expect([last.hops, last.visits]).toEqual([2, VISITS_MAX]);
  });
});

describe('an error reply', () => {
  test('goes back to the sender with type, error and the original children', () => {
    const acc = accumulator(message({ type: 'chat', 'xml:lang': 'de' }));
    const reply = acc.errorReply(UNAVAILABLE)!;
    expect([reply.from, reply.to]).toEqual([BOB, ALICE]);
    expect(reply.stanza?.type).toBe('error');
    const { element } = reply.stanza!;
    expect(element.name).toBe('message');
    expect(Object.fromEntries(element.attributes)).toEqual({ id: 'm1', type: 'error', 'xml:lang': 'de' });
    expect(element.elements().map((child) => child.name)).toEqual(['error', 'body']);
    expect(element.child('error')?.attribute('type')).toBe('cancel');
  });

  test('leaves the original stanza as it is', () => {
    const acc = accumulator(message({ type: 'chat' }));
    acc.errorReply(UNAVAILABLE);
    expect(acc.stanza?.element.attribute('type')).toBe('chat');
    expect(acc.stanza?.element.child('error')).toBeUndefined();
  });

  test.each([
    ['message', 'error'],
    ['presence', 'error'],
    ['iq', 'error'],
    ['iq', 'result'],
  ])('is never made to a stanza of kind %s and type %s', (name, type) => {
    const acc = accumulator(stanza(name, type));
    expect(acc.errorReply(UNAVAILABLE)).toBeUndefined();
    expect(acc.flags).toBe(0);
  });

  test.each([
    ['message', undefined],
    ['message', 'groupchat'],
    ['presence', undefined],
    ['iq', 'get'],
    ['iq', 'set'],
  ])('is made to a stanza of kind %s and type %s', (name, type) => {
    expect(accumulator(stanza(name, type)).errorReply(UNAVAILABLE)?.stanza?.type).toBe('error');
  });

  test('is not made without a stanza', () => {
    const acc = new Accumulator(1, 1, Origin.NONE, undefined, 'example.com', undefined, ALICE, BOB);
    expect(acc.errorReply(UNAVAILABLE)).toBeUndefined();
  });

  test('is made once in a context, and again after a strip', () => {
    const acc = accumulator();
    expect(acc.errorReply(UNAVAILABLE)).toBeDefined();
    expect(acc.errorReply(UNAVAILABLE)).toBeUndefined();
    acc.strip(THERE, 'there.example');
    expect(acc.errorReply(UNAVAILABLE)).toBeDefined();
  });

  test('is never answered by an error itself', () => {
    expect(accumulator().errorReply(UNAVAILABLE)!.errorReply(UNAVAILABLE)).toBeUndefined();
  });
});

describe('a roll-back', () => {
  test('restores every kind of change since the beginning', () => {
    const acc = accumulator();
    acc.set('test', 'temporary', 'old');
    acc.setPermanent('test', 'permanent', 'old');
    acc.set('test', 'deleted', 'old');
    acc.setPermanent('test', 'deleted permanently', 'old');
    const before = acc.stanza;
    const mark = acc.begin();
    acc.set('test', 'temporary', 'new');
    acc.setPermanent('test', 'permanent', 'new');
    acc.set('test', 'permanent', 'newer');
    acc.delete('test', 'deleted');
    acc.delete('test', 'deleted permanently');
    acc.set('test', 'fresh', 1);
    acc.append('test', 'list', 1);
    acc.updateStanza(message(), BOB, ALICE);
    acc.addFlag(Flag.NO_STORE);
    acc.addAction({ kind: 'stop', reason: 'x' });
    acc.rollBack(mark);
    expect(acc.get('test', 'temporary')).toBe('old');
    expect(acc.get('test', 'permanent')).toBe('old');
    expect(acc.get('test', 'deleted')).toBe('old');
    expect(acc.get('test', 'deleted permanently')).toBe('old');
    expect(acc.get('test', 'fresh')).toBeUndefined();
    expect(acc.get('test', 'list')).toBeUndefined();
    expect([acc.stanza, acc.from, acc.to]).toEqual([before, ALICE, BOB]);
    expect([acc.flags, acc.actions]).toEqual([0, undefined]);
  });

  test('makes a temporary key temporary again', () => {
    const acc = accumulator();
    acc.set('test', 'key', 'old');
    const mark = acc.begin();
    acc.setPermanent('test', 'key', 'new');
    acc.rollBack(mark);
    expect(acc.get('test', 'key')).toBe('old');
    acc.strip(undefined, 'example.com');
    expect(acc.get('test', 'key')).toBeUndefined();
  });

  test('takes back adopted keys', () => {
    const acc = accumulator();
    const mark = acc.begin();
    acc.adoptPermanent(new Map([['test/key', 1]]));
    acc.rollBack(mark);
    expect(acc.get('test', 'key')).toBeUndefined();
  });

  test('takes back a strip, and what was set before and after it', () => {
    const acc = accumulator();
    acc.hostType = HERE;
    acc.set('test', 'old', 1);
    acc.addFlag(Flag.ERROR_SENT);
    acc.addAction({ kind: 'stop', reason: 'x' });
    const mark = acc.begin();
    acc.set('test', 'before', 1);
    acc.strip(THERE, 'there.example');
    acc.set('test', 'after', 1);
    acc.rollBack(mark);
    expect([acc.hostType, acc.lserver, acc.flags]).toEqual([HERE, 'example.com', Flag.ERROR_SENT]);
    expect(acc.actions).toHaveLength(1);
    expect(acc.get('test', 'old')).toBe(1);
    expect(acc.get('test', 'before')).toBeUndefined();
    expect(acc.get('test', 'after')).toBeUndefined();
  });

  test('leaves alone what was committed before, and what was changed in between', () => {
    const acc = accumulator();
    acc.begin();
    acc.set('test', 'committed', 1);
    acc.commit();
    acc.set('test', 'between', 1);
    const mark = acc.begin();
    acc.set('test', 'failed', 1);
    acc.rollBack(mark);
    expect(acc.get('test', 'committed')).toBe(1);
    expect(acc.get('test', 'between')).toBe(1);
    expect(acc.get('test', 'failed')).toBeUndefined();
  });

  test('takes back what was committed inside of it', () => {
    const acc = accumulator();
    const outer = acc.begin();
    acc.set('test', 'outer', 1);
    acc.begin();
    acc.set('test', 'inner', 1);
    acc.commit();
    acc.rollBack(outer);
    expect(acc.get('test', 'outer')).toBeUndefined();
    expect(acc.get('test', 'inner')).toBeUndefined();
  });

  test('inside another one takes back its own part', () => {
    const acc = accumulator();
    acc.begin();
    acc.set('test', 'key', 'outer');
    const inner = acc.begin();
    acc.set('test', 'key', 'inner');
    acc.rollBack(inner);
    expect(acc.get('test', 'key')).toBe('outer');
    acc.commit();
    expect(acc.get('test', 'key')).toBe('outer');
  });

  test('of an empty beginning changes nothing', () => {
    const acc = accumulator();
    acc.set('test', 'key', 1);
    acc.rollBack(acc.begin());
    expect(acc.get('test', 'key')).toBe(1);
  });
});
