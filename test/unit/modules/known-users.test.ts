import { describe, expect, it } from 'vitest';
import { KnownUsers } from '../../../src/modules/mod-cache-users/known-users.ts';
import { Jid } from '../../../src/xmpp/jid.ts';

const ROMEO = new Jid('romeo', 'a.example', '');
const JULIET = new Jid('juliet', 'b.example', '');

function users(): KnownUsers {
  return new KnownUsers({ strategy: 'fifo', segments: 2 });
}

describe('KnownUsers', () => {
  it('knows who was seen, for as many rotations as there are segments', () => {
    const known = users();
    known.add(ROMEO);
    known.rotate();
    expect([known.has(ROMEO), known.has(JULIET)]).toEqual([true, false]);
    known.rotate();
    expect(known.has(ROMEO)).toBe(false);
  });

  it('an answer that was under way when the user was removed does not bring him back', () => {
    const known = users();
    known.add(ROMEO);
    known.removed(ROMEO.bare);
    expect(known.has(ROMEO)).toBe(false);
    known.add(ROMEO);
    expect(known.has(ROMEO)).toBe(false);
    known.rotate();
    known.add(ROMEO);
    expect(known.has(ROMEO)).toBe(true);
  });

  it('nor when all of his domain were; other domains are left alone', () => {
    const known = users();
    for (const jid of [ROMEO, JULIET]) known.add(jid);
    known.domainRemoved('a.example');
    known.add(ROMEO);
    expect([known.has(ROMEO), known.has(JULIET)]).toEqual([false, true]);
  });

  it('remembers a bounded number of removals, the latest ones', () => {
    const known = users();
    for (let i = 0; i <= 10_000; i++) known.removed(`user${i}@a.example`);
    known.add(new Jid('user0', 'a.example', ''));
    known.add(new Jid('user10000', 'a.example', ''));
    expect(known.has(new Jid('user0', 'a.example', ''))).toBe(true);
    expect(known.has(new Jid('user10000', 'a.example', ''))).toBe(false);
  });
});
