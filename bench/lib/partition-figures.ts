import { type Effort, errorsOf, line, type Measure, onOneServer, onServer } from './figure.ts';
import { type Measured, perOperation } from './processes.ts';
import { spread } from './statistics.ts';

/** What is measured, in this order. */
const COUNTS = [1, 2, 4] as const;
/** Users to whom the one with the deep archive has written. */
const DEEP_PEERS = 20;

interface Measurements {
  readonly stream: Measured[];
  readonly acknowledged: Measured[];
  readonly first: Measured[];
  readonly deep: Measured[];
  readonly withOne: Measured[];
}

/** An archive in one, two and four files (`storage.partitions`): what it takes to archive, and to read. */
export function archivePartitions(effort: Effort): Measure {
  const name = `archive in ${COUNTS.join(', ')} files, 2 shards`;
  return {
    name,
    run: async () => {
      const all = new Map<number, Measurements>();
      for (let round = 0; round < Math.min(effort.rounds, 3); round++) {
        for (const partitions of COUNTS) {
          const made = all.get(partitions) ?? {
            stream: [],
            acknowledged: [],
            first: [],
            deep: [],
            withOne: [],
          };
          all.set(partitions, made);
          await measure(effort, partitions, made);
        }
      }
      const summary = [...all].map(([partitions, { stream, deep }]) => {
        const perSecond = spread(stream.map((one) => (one.count / one.elapsedMs) * 1_000)).median;
        const page = spread(deep.map(perOperation)).median / 1_000;
        return `${partitions}: ${perSecond.toFixed(0)} messages a second, ${page.toFixed(2)} ms a page`;
      });
      return {
        name,
        summary: summary.join('; '),
        target: undefined,
        isReached: undefined,
        details: [
          `pages are of 50; ${effort.archived} messages of a thousand users, a tenth of them of one, to ${DEEP_PEERS} others`,
          ...[...all].flatMap(([partitions, made]) => linesOf(partitions, made)),
        ],
        errors: errorsOf([...all.values()].flatMap((made) => Object.values(made).flat())),
      };
    },
  };
}

async function measure(effort: Effort, partitions: number, made: Measurements): Promise<void> {
  const load = { pairs: effort.pairs, seconds: effort.seconds, amount: 64 };
  const empty = { archive: 'plain', partitions } as const;
  made.stream.push(await onServer(2, { ...load, scenario: 'archived-stream' }, empty));
  made.acknowledged.push(await onServer(2, { ...load, scenario: 'archived-stream-acknowledged' }, empty));
  const full = { ...empty, archived: effort.archived, deepPeers: DEEP_PEERS };
  const scenarios = ['archive-first-pages', 'archive-wide-pages', 'archive-pages-with-one'];
  const loads = scenarios.map((scenario) => ({ scenario, amount: effort.pages }));
  const [first, deep, withOne] = await onOneServer(2, loads, full);
  made.first.push(first!);
  made.deep.push(deep!);
  made.withOne.push(withOne!);
}

function linesOf(partitions: number, made: Measurements): string[] {
  const of = partitions === 1 ? 'one file' : `${partitions} files`;
  return [
    line(`${of}: archived`, made.stream),
    line(`${of}: archived, and acknowledged when it is on the disk`, made.acknowledged),
    line(`${of}: first pages of everything`, made.first),
    line(`${of}: page after page of everything, in a deep archive`, made.deep),
    line(`${of}: page after page of what was said with one peer`, made.withOne),
  ];
}
