import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { Bench } from 'tinybench';
import { UntracedSources } from '../lib/untraced.ts';
import { makeWay, type Way } from '../lib/way.ts';

/**
 * What `meerkat trace` costs those whom nobody traces: a message's way on one shard, beside the same way made from the same sources without a
 * single look at whether anybody does. Then what it costs while somebody else is traced, and who is traced.
 */

/** Messages in one sample, written together. */
const BATCH = 50;

/** Results go here, so that no work can be left out. */
let sink = 0;

function add(bench: Bench, name: string, way: Way, whom: Parameters<Way['watch']>[0]): void {
  bench.add(
    name,
    () => {
      sink += way.send(BATCH);
    },
    { beforeAll: () => way.watch(whom) },
  );
}

/** Runs the scenarios; with `smoke` only a few rounds, to see that they work. */
export async function run(options: {
  smoke: boolean;
}): Promise<{ name: string; nsPerOp: number; opsPerSecond: number; samples: number; rme: number }[]> {
  const sources = new UntracedSources();
  try {
    // In this order, so that the first two run code that has never met a trace.
    const [without, nobody, other, sender] = [
      await makeWay(sources.root),
      await makeWay(),
      await makeWay(),
      await makeWay(),
    ];
    for (const way of [without, nobody, other, sender]) assert(way.send(1) > 200);
    const bench = new Bench(
      options.smoke ? { time: 0, iterations: 2, warmup: false, throws: true } : { time: 1_000, throws: true },
    );
    add(bench, 'a message, without a look at traces', without, 'nobody');
    add(bench, 'a message, nobody is traced', nobody, 'nobody');
    add(bench, 'a message, somebody else is traced', other, 'other');
    add(bench, 'a message of a user who is traced', sender, 'sender');
    await bench.run();
    assert(sink > 0);
    assert(nobody.steps === 0 && other.steps === 0 && sender.steps > 0);
    return bench.tasks.map((task) => {
      assert(task.result.state === 'completed');
      const { p50, samplesCount, rme } = task.result.latency;
      const nsPerOp = (p50 * 1e6) / BATCH;
      return { name: task.name, nsPerOp, opsPerSecond: 1e9 / nsPerOp, samples: samplesCount, rme };
    });
  } finally {
    sources.remove();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { name, nsPerOp, rme } of await run({ smoke: process.argv.includes('--smoke') }))
    console.log(`${name.padEnd(40)} ${nsPerOp.toFixed(0).padStart(6)} ns  ±${rme.toFixed(1)} %`);
}
