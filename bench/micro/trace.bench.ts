import assert from 'node:assert/strict';
import { type MicroResult, measure } from '../lib/micro.ts';
import { UntracedSources } from '../lib/untraced.ts';
import { makeWay } from '../lib/way.ts';

/**
 * What `meerkat trace` costs those whom nobody traces: a message's way on one shard, beside the same way made from the same sources without a
 * single look at whether anybody does. Then what it costs while somebody else is traced, and who is traced.
 */

/** Runs the scenarios; with `smoke` only a few rounds, to see that they work. */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<MicroResult[]> {
  const sources = new UntracedSources();
  try {
    const without = await makeWay(sources.root);
    const nobody = await makeWay();
    const other = await makeWay();
    const sender = await makeWay();
    other.watch('other');
    sender.watch('sender');
    const results = await measure(smoke, (add) => {
      // In this order, so that the first two run code that has never met a trace.
      add('a message, without a look at traces', () => without.send(1));
      add('a message, nobody is traced', () => nobody.send(1));
      add('a message, somebody else is traced', () => other.send(1));
      add('a message of a user who is traced', () => sender.send(1));
    });
    for (const way of [without, nobody, other, sender]) assert(way.send(1) > 200);
    assert(without.steps + nobody.steps + other.steps === 0 && sender.steps > 0);
    return results;
  } finally {
    sources.remove();
  }
}
