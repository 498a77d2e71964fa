import { describe, expect, it } from 'vitest';
import { Contacts } from '../../../src/modules/mod-presence/contacts.ts';
import { type Jid, parseJid } from '../../../src/xmpp/jid.ts';

const jid = (name: string): Jid => parseJid(`${name}@localhost`)!;
const jids = (...names: string[]): Jid[] => names.map(jid);
const names = (list: readonly Jid[]): string[] => list.map(({ local }) => local);

describe('contacts', () => {
  const some = Contacts.of(jids('c', 'a', 'b', 'a'), jids('d', 'b'));

  it('are found by what they see and whether they are seen', () => {
    expect(names(some.from()).sort()).toEqual(['a', 'b', 'c']);
    expect(names(some.to()).sort()).toEqual(['b', 'd']);
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      expect(some.isSeenBy(`${name}@localhost`), name).toBe('abc'.includes(name));
      expect(some.sees(`${name}@localhost`), name).toBe('bd'.includes(name));
    }
  });

  it('are kept by bare JID', () => {
    const one = Contacts.of([parseJid('a@localhost/desk')!], []);
    expect(one.isSeenBy('a@localhost')).toBe(true);
    expect(one.from()[0]!.full).toBe('a@localhost');
  });

  it('change one at a time, without touching what was', () => {
    const more = some.with(jid('e'), true, true).with(jid('b'), false, true).with(jid('a'), false, false);
    expect(names(more.from()).sort()).toEqual(['c', 'e']);
    expect(names(more.to()).sort()).toEqual(['b', 'd', 'e']);
    expect(names(some.from()).sort()).toEqual(['a', 'b', 'c']);
    expect(some.with(jid('c'), true, false)).toBe(some);
    expect(Contacts.of([], [])).toBe(Contacts.NONE);
  });

  it('are found among very many', () => {
    const many = Array.from({ length: 2_000 }, (_, i) => `u${(i * 7919) % 2_000}`);
    const all = Contacts.of(jids(...many.slice(0, 1_500)), jids(...many.slice(500)));
    many.forEach((name, i) => {
      expect(all.isSeenBy(`${name}@localhost`)).toBe(i < 1_500);
      expect(all.sees(`${name}@localhost`)).toBe(i >= 500);
    });
  });
});
