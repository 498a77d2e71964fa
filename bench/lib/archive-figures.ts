import { type Effort, errorsOf, line, type Measure, onOneServer, onServer, show } from './figure.ts';
import { type Measured, type MeerkatOptions, perOperation } from './processes.ts';
import { percentile, spread } from './statistics.ts';

/** Figures of archives (mod_mam): what it takes to archive, and to read. */

/** Beside the same without an archive. `isSearchable`: the words of messages are indexed, as by default. */
export function archivedStream(effort: Effort, shards: number, isSearchable: boolean): Measure {
  const name = `archived stream, ${shards} ${shards === 1 ? 'shard' : 'shards'}${isSearchable ? ', with search' : ''}`;
  return {
    name,
    run: async () => {
      const plain: Measured[] = [];
      const archived: Measured[] = [];
      const acknowledged: Measured[] = [];
      const options = { pairs: effort.pairs, seconds: effort.seconds, amount: 64 };
      const archive = { archive: isSearchable ? 'searchable' : 'plain' } as const;
      for (let round = 0; round < effort.rounds; round++) {
        plain.push(await onServer(shards, { ...options, scenario: 'stream' }));
        archived.push(await onServer(shards, { ...options, scenario: 'archived-stream' }, archive));
        acknowledged.push(
          await onServer(shards, { ...options, scenario: 'archived-stream-acknowledged' }, archive),
        );
      }
      const cost = spread(archived.map(perOperation));
      const ratio = spread(archived.map((one, i) => perOperation(one) / perOperation(plain[i]!)));
      return {
        name,
        summary: `${cost.median.toFixed(1)} µs of processor time per message, ${ratio.median.toFixed(2)} × the same without an archive`,
        target: isSearchable ? undefined : '≤ 25 µs and ≤ 5 ×',
        isReached: isSearchable ? undefined : cost.median <= 25 && ratio.median <= 5,
        details: [
          `ratio ${show(ratio, 2)} over ${effort.rounds} rounds; a message is one row for both archives`,
          line('without archive', plain),
          line('with', archived),
          line('with, and acknowledged when it is on the disk', acknowledged),
        ],
        errors: errorsOf([...plain, ...archived, ...acknowledged]),
      };
    },
  };
}

const RATE = 1_000;
const ADDED_MS_MAX = 5;

/** How long senders wait for acknowledgements: with an archive until the message is on the disk. */
export function acknowledgementLatency(effort: Effort, shards: number): Measure {
  const name = `acknowledgement at ${RATE} messages/s, ${shards} shards`;
  return {
    name,
    run: async () => {
      const plain: Measured[] = [];
      const archived: Measured[] = [];
      const { pairs, seconds } = effort;
      const options = { scenario: 'acknowledged-rate', pairs, seconds, amount: RATE };
      for (let round = 0; round < effort.rounds; round++) {
        plain.push(await onServer(shards, options));
        archived.push(await onServer(shards, options, { archive: 'plain' }));
      }
      const at = (share: number, all: readonly Measured[]) =>
        spread(all.map((one) => percentile(one.latenciesMs ?? [], share)));
      const times = (all: readonly Measured[]): string =>
        `p50 ${show(at(0.5, all), 2)} ms, p99 ${show(at(0.99, all), 2)} ms`;
      const added = at(0.5, archived).median - at(0.5, plain).median;
      const added99 = at(0.99, archived).median - at(0.99, plain).median;
      return {
        name,
        summary: `an archive on the disk adds ${added.toFixed(2)} ms to the median, ${added99.toFixed(2)} ms to the 99th percentile`,
        target: `≤ ${ADDED_MS_MAX} ms to the median`,
        isReached: added <= ADDED_MS_MAX,
        details: [
          `without archive: ${times(plain)}`,
          `with: ${times(archived)}`,
          line('without archive', plain),
          line('with', archived),
        ],
        errors: errorsOf([...plain, ...archived]),
      };
    },
  };
}

export function archivePages(effort: Effort): Measure {
  const name = 'archive pages of 50';
  return {
    name,
    run: async () => {
      const first: Measured[] = [];
      const deep: Measured[] = [];
      const server: Partial<MeerkatOptions> = { archive: 'plain', archived: effort.archived };
      for (let round = 0; round < Math.min(effort.rounds, 3); round++) {
        const scenarios = ['archive-first-pages', 'archive-deep-pages'];
        const loads = scenarios.map((scenario) => ({ scenario, amount: effort.pages }));
        const [one, other] = await onOneServer(1, loads, server);
        first.push(one!);
        deep.push(other!);
      }
      const cost = spread(first.map(perOperation));
      const deepCost = spread(deep.map(perOperation));
      const ratio = deepCost.median / cost.median;
      return {
        name,
        summary: `${(cost.median / 1_000).toFixed(2)} ms of processor time, from the middle of a deep archive ${(deepCost.median / 1_000).toFixed(2)} ms`,
        target: '≤ 2 ms',
        isReached: cost.median <= 2_000 && deepCost.median <= 2_000,
        details: [
          `${effort.archived} messages of a thousand users, a tenth of them between two`,
          line('first pages', first),
          line(`page after page of the deep archives, ${ratio.toFixed(2)} ×`, deep),
        ],
        errors: errorsOf([...first, ...deep]),
      };
    },
  };
}
