import assert from 'node:assert/strict';
import { Accumulator } from '../../src/hooks/accumulator.ts';
import { Router } from '../../src/router/router.ts';
import { DONE, type RoutingModule } from '../../src/router/routing-module.ts';
import { Element } from '../../src/xml/element.ts';
import { parseJid } from '../../src/xmpp/jid.ts';
import { NS_CLIENT } from '../../src/xmpp/namespaces.ts';
import { Stanza } from '../../src/xmpp/stanza.ts';
import { type MicroBench, measure } from '../lib/micro.ts';
import { makeWay } from '../lib/way.ts';

/** The chain of routing modules alone, and a message's whole way on one shard: read, hooks, router, session manager, hooks, written. */

function chain(links: number): () => number {
  let taken = 0;
  const modules = Array.from(
    { length: links },
    (_unused, i): RoutingModule => ({
      name: `link_${i}`,
      route: () => {
        if (i < links - 1) return undefined;
        taken++;
        return DONE;
      },
    }),
  );
  const router = new Router(modules, {
    dropped: () => assert.fail('dropped'),
    noRoute: () => assert.fail('no route'),
    failed: (_acc, module, step, cause) => assert.fail(`${module} ${step}: ${cause}`),
    looped: () => assert.fail('looped'),
  });
  const jid = parseJid('romeo@localhost/orchard')!;
  const stanza = Stanza.of(Element.of('message', NS_CLIENT, { type: 'chat' }));
  const acc = new Accumulator(1, 1, 0, undefined, 'localhost', stanza, jid, jid);
  return () => {
    acc.isRouted = false;
    router.route(acc);
    return taken;
  };
}

export const run: MicroBench = async ({ smoke }) => {
  const way = await makeWay();
  assert(way.send(1) > 200);
  return await measure(smoke, (add) => {
    add('1 routing module, which takes the stanza', chain(1));
    add('6 routing modules, the last takes it', chain(6));
    add("a message's whole way on one shard, alone in its turn", () => way.send(1));
  });
};
