import assert from 'node:assert/strict';
import { Accumulator } from '../../src/hooks/accumulator.ts';
import { HostType } from '../../src/hooks/host-type.ts';
import { HookRegistry } from '../../src/hooks/registry.ts';
import { runHook } from '../../src/hooks/run.ts';
import { Element } from '../../src/xml/element.ts';
import { parseJid } from '../../src/xmpp/jid.ts';
import { NS_CLIENT } from '../../src/xmpp/namespaces.ts';
import { Stanza } from '../../src/xmpp/stanza.ts';
import { type MicroBench, measure } from '../lib/micro.ts';

/** What a hook costs the stanza that passes it: without handlers, with one, with ten that do nothing. */

function pass(handlers: number): () => number {
  const registry = new HookRegistry({
    deadlineMs: 1_000,
    failed: (...args: unknown[]) => assert.fail(String(args)),
  });
  let ran = 0;
  for (let i = 0; i < handlers; i++) {
    registry.add('user_send_message', 'localhost', 50, `mod_${i}`, () => {
      ran++;
    });
  }
  const hostType = new HostType('localhost', registry.compile('localhost'));
  const jid = parseJid('romeo@localhost/orchard')!;
  const stanza = Stanza.of(Element.of('message', NS_CLIENT, { type: 'chat' }));
  const acc = new Accumulator(1, 1, 0, hostType, 'localhost', stanza, jid, jid);
  const params = {} as Parameters<typeof runHook<'user_send_message'>>[3];
  return () => {
    runHook(hostType, 'user_send_message', acc, params);
    return ran;
  };
}

export const run: MicroBench = ({ smoke }) =>
  measure(
    smoke,
    (add) => {
      for (const handlers of [0, 1, 10]) add(`handlers: ${handlers}`, pass(handlers));
    },
    1_000,
  );
