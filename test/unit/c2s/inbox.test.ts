import { describe, expect, it } from 'vitest';
import type { C2s } from '../../../src/c2s/c2s.ts';
import { deliver, holdReceiving } from '../../../src/c2s/receive.ts';
import { Accumulator } from '../../../src/hooks/accumulator.ts';
import { INBOX_BYTES_MAX, INBOX_STANZAS_MAX } from '../../../src/limits.ts';
import { Jid } from '../../../src/xmpp/jid.ts';
import { Stanza } from '../../../src/xmpp/stanza.ts';
import { parseElementText } from '../../../src/xmpp/trusted-xml.ts';

const ROMEO = new Jid('romeo', 'localhost', 'orchard');
const JULIET = new Jid('juliet', 'localhost', 'balcony');

/** A session whose receiving is suspended for ever, and what was refused. */
function setUp() {
  const refused: Accumulator[] = [];
  const host = { inboxFull: (acc: Accumulator) => refused.push(acc) };
  const c2s = { host, inbox: undefined, inboxBytes: 0, holds: 0, orderHolds: 0 } as unknown as C2s;
  holdReceiving(c2s, new Promise(() => {}));
  return { c2s, refused };
}

function message(body: string): Accumulator {
  const stanza = Stanza.of(parseElementText(`<message><body>${body}</body></message>`));
  return new Accumulator(0, 0, 0, undefined, 'localhost', stanza, ROMEO, JULIET);
}

describe('a session whose receiving is suspended', () => {
  it('keeps so many stanzas, and tells the senders of more', () => {
    const { c2s, refused } = setUp();
    for (let i = 0; i < INBOX_STANZAS_MAX; i++) deliver(c2s, message('x'));
    expect(refused).toEqual([]);
    const more = message('one more');
    deliver(c2s, more);
    expect(refused).toEqual([more]);
    expect(c2s.inbox).toHaveLength(INBOX_STANZAS_MAX);
  });

  it('keeps so many bytes', () => {
    const { c2s, refused } = setUp();
    const body = 'x'.repeat(INBOX_BYTES_MAX >> 2);
    for (let i = 0; i < 5; i++) deliver(c2s, message(body));
    expect(c2s.inboxBytes).toBeLessThanOrEqual(INBOX_BYTES_MAX);
    expect(refused.length).toBe(2);
  });
});
