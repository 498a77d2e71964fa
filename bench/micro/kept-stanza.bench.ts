import { Accumulator, Origin } from '../../src/hooks/accumulator.ts';
import { KeptStanza } from '../../src/hooks/kept-stanza.ts';
import { SmStream } from '../../src/modules/mod-stream-management/stream.ts';
import type { C2sParams, SessionHandle } from '../../src/modules/module.ts';
import { JidCache } from '../../src/xmpp/jid-cache.ts';
import { Stanza, StanzaKind } from '../../src/xmpp/stanza.ts';
import { type MicroBench, measure } from '../lib/micro.ts';

/** What keeping a stanza costs until its client has acknowledged it. */

const BYTES = Buffer.from(
  `<message from='alice@localhost/laptop' to='bob@localhost/phone' id='a1b2c3d4' type='chat'><body>${'x'.repeat(180)}</body></message>`,
);
const jids = new JidCache(10);
const FROM = jids.trusted('alice@localhost/laptop');
const TO = jids.trusted('bob@localhost/phone');

function accumulator(): Accumulator {
  const stanza = Stanza.ofBytes(StanzaKind.MESSAGE, 'chat', BYTES, 0, BYTES.length);
  return new Accumulator(1, 1, Origin.C2S, undefined, 'localhost', stanza, FROM, TO);
}

export const run: MicroBench = ({ smoke }) =>
  measure(smoke, (add) => {
    const acc = accumulator();
    const session = { hostType: undefined, lserver: 'localhost' } as C2sParams;
    const stream = new SmStream(session, {} as SessionHandle, 'id', 1_000, 100, { bytes: 0 });
    const kept = KeptStanza.of(acc);
    add('keep a message of 270 bytes', () => KeptStanza.of(acc).text.length);
    add('keep, queue, acknowledge', () => {
      stream.push(KeptStanza.of(acc));
      stream.acknowledge(stream.sent);
      return stream.length;
    });
    add('retain a copy of its own instead', () => accumulator().stanza!.retain().kind);
    add('restore it', () => kept.restore(session).stanza!.kind);
  });
