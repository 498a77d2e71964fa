import { type Effort, errorsOf, line, type Measure, onServer, show } from './figure.ts';
import { CONVERSATIONS, INBOX_USERS } from './inboxes.ts';
import { type Measured, perOperation } from './processes.ts';
import { spread } from './statistics.ts';

/** Figures of inboxes (mod_inbox): what it takes to read one, and to keep them. */

export function inboxRead(effort: Effort): Measure {
  const name = `inbox of ${CONVERSATIONS} conversations`;
  return {
    name,
    run: async () => {
      const read: Measured[] = [];
      for (let round = 0; round < Math.min(effort.rounds, 3); round++) {
        const options = { scenario: 'inbox', amount: effort.inboxes };
        read.push(await onServer(1, options, { inbox: 'rdbms', hasInboxes: true }));
      }
      const cost = spread(read.map(perOperation));
      return {
        name,
        summary: `${(cost.median / 1_000).toFixed(2)} ms of processor time to read it`,
        target: '≤ 2 ms',
        isReached: cost.median <= 2_000,
        details: [`of ${INBOX_USERS} users, in the store and on the way`, line('Meerkat', read)],
        errors: errorsOf(read),
      };
    },
  };
}

/** A stream of messages, beside the same without inboxes. */
export function inboxStream(effort: Effort, shards: number): Measure {
  const name = `stream with inboxes, ${shards} ${shards === 1 ? 'shard' : 'shards'}`;
  return {
    name,
    run: async () => {
      const without: Measured[] = [];
      const waited: Measured[] = [];
      const async: Measured[] = [];
      const options = { scenario: 'stream', pairs: effort.pairs, seconds: effort.seconds, amount: 64 };
      for (let round = 0; round < effort.rounds; round++) {
        without.push(await onServer(shards, options));
        waited.push(await onServer(shards, options, { inbox: 'rdbms' }));
        async.push(await onServer(shards, options, { inbox: 'rdbms_async' }));
      }
      const cost = spread(waited.map(perOperation));
      const ratio = spread(waited.map((one, i) => perOperation(one) / perOperation(without[i]!)));
      return {
        name,
        summary: `${cost.median.toFixed(1)} µs of processor time per message, ${ratio.median.toFixed(2)} × the same without inboxes`,
        target: undefined,
        isReached: undefined,
        details: [
          `ratio ${show(ratio, 2)} over ${effort.rounds} rounds; a message is in two inboxes`,
          line('without inboxes', without),
          line('with', waited),
          line('with the backend rdbms_async', async),
        ],
        errors: errorsOf([...without, ...waited, ...async]),
      };
    },
  };
}
