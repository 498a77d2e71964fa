import { type Effort, errorsOf, line, type Measure, onOneServer, onServer, show } from './figure.ts';
import { type Measured, type MeerkatOptions, perOperation } from './processes.ts';
import { spread } from './statistics.ts';

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
