import { describe, expect, it } from 'vitest';
import { CompiledList, classOf, type StanzaClass } from '../../../src/modules/mod-privacy/matching.ts';
import type { ContactInfo, PrivacyItem } from '../../../src/modules/module.ts';
import { parseJid } from '../../../src/xmpp/jid.ts';

/** What lists say: the compiled form, compared with going through the items one by one. */

const ALL = {
  matchAll: true,
  matchIq: false,
  matchMessage: false,
  matchPresenceIn: false,
  matchPresenceOut: false,
};

function item(order: number, fields: Partial<PrivacyItem>): PrivacyItem {
  return { type: undefined, value: '', action: 'deny', order, ...ALL, ...fields };
}

const CLASSES: readonly StanzaClass[] = ['message', 'iq', 'presence-in', 'presence-out', 'other'];
const PEERS = ['a@x', 'a@x/r', 'b@x', 'x', 'x/r', 'a@y/r', 'y'].map((text) => parseJid(text)!);
const CONTACTS: readonly (ContactInfo | undefined)[] = [
  undefined,
  { subscription: 'both', groups: ['g'] },
  { subscription: 'none', groups: ['h', 'g'] },
];

/** XEP-0016 §2.1 as it is written. */
function slow(
  items: readonly PrivacyItem[],
  kind: StanzaClass,
  peer: (typeof PEERS)[number],
  contact?: ContactInfo,
): string {
  for (const one of items) {
    const isAbout =
      one.matchAll ||
      (kind === 'message' && one.matchMessage) ||
      (kind === 'iq' && one.matchIq) ||
      (kind === 'presence-in' && one.matchPresenceIn) ||
      (kind === 'presence-out' && one.matchPresenceOut);
    const jids = [
      peer.full,
      peer.bare,
      peer.domain,
      ...(peer.isBare ? [] : [`${peer.domain}/${peer.resource}`]),
    ];
    const isOf =
      one.type === undefined ||
      (one.type === 'jid' && jids.includes(one.value)) ||
      (one.type === 'group' && contact?.groups.includes(one.value) === true) ||
      (one.type === 'subscription' && (contact?.subscription ?? 'none') === one.value);
    if (isAbout && isOf) return one.action;
  }
  return 'allow';
}

describe('CompiledList', () => {
  it('decides as the items do in their order, whatever they are', () => {
    const values = [
      ['jid', 'a@x'],
      ['jid', 'a@x/r'],
      ['jid', 'x'],
      ['jid', 'x/r'],
      ['group', 'g'],
      ['subscription', 'none'],
      ['subscription', 'both'],
      [undefined, ''],
    ] as const;
    let seed = 7;
    const dice = (n: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
      return (seed >> 8) % n;
    };
    const seen = new Set<string>();
    for (let round = 0; round < 500; round++) {
      const items = Array.from({ length: dice(6) }, (_unused, order) => {
        const [type, value] = values[dice(values.length)]!;
        const bits = dice(2) === 0 ? 0 : 1 + dice(15);
        return item(order, {
          type,
          value,
          action: (['allow', 'deny', 'block'] as const)[dice(3)]!,
          matchAll: bits === 0,
          matchMessage: (bits & 1) !== 0,
          matchIq: (bits & 2) !== 0,
          matchPresenceIn: (bits & 4) !== 0,
          matchPresenceOut: (bits & 8) !== 0,
        });
      });
      const list = new CompiledList({ name: 'l', items });
      for (const kind of CLASSES) {
        for (const peer of PEERS) {
          for (const contact of CONTACTS) {
            const expected = slow(items, kind, peer, contact);
            seen.add(expected);
            expect(list.decide(kind, peer, contact), JSON.stringify({ items, kind, peer: peer.full })).toBe(
              expected,
            );
          }
        }
      }
    }
    expect([...seen].sort()).toEqual(['allow', 'block', 'deny']);
  });

  it('asks the roster only if an item is about it', () => {
    const needs = (...items: PrivacyItem[]): boolean => new CompiledList({ name: 'l', items }).needsRoster;
    expect(needs(item(1, { type: 'jid', value: 'a@x' }), item(2, {}))).toBe(false);
    expect(needs(item(1, { type: 'group', value: 'g' }))).toBe(true);
    expect(needs(item(1, { type: 'subscription', value: 'to' }))).toBe(true);
  });
});

describe('classOf', () => {
  it.each([
    ['message', 'chat', 'in', 'message'],
    ['message', undefined, 'in', 'message'],
    ['message', 'error', 'in', 'other'],
    ['message', 'chat', 'out', 'other'],
    ['iq', 'get', 'in', 'iq'],
    ['iq', 'error', 'in', 'iq'],
    ['iq', 'set', 'out', 'other'],
    ['presence', undefined, 'in', 'presence-in'],
    ['presence', 'unavailable', 'in', 'presence-in'],
    ['presence', 'unavailable', 'out', 'presence-out'],
    ['presence', 'available', 'out', 'presence-out'],
    ['presence', 'subscribe', 'in', 'other'],
    ['presence', 'probe', 'out', 'other'],
    ['presence', 'error', 'in', 'other'],
  ] as const)('of %s %s %s is %s', (name, type, dir, expected) => {
    expect(classOf(name, type, dir)).toBe(expected);
  });
});
