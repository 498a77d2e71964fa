import { acknowledgementLatency, archivedStream, archivePages } from './archive-figures.ts';
import { type Effort, errorsOf, line, type Measure, onRelay, onServer, plain, show } from './figure.ts';
import { inboxRead, inboxStream } from './inbox-figures.ts';
import { saxesCost } from './parse-cost.ts';
import { archivePartitions } from './partition-figures.ts';
import { type LoadOptions, type Measured, perOperation } from './processes.ts';
import { fullLogin, idle, login, resumeStorm } from './session-figures.ts';
import { percentile, spread } from './statistics.ts';

const FULL: Effort = {
  rounds: 5,
  seconds: 4,
  pairs: 100,
  sessions: 10_000,
  logins: 4_000,
  offline: 20_000,
  fullLogins: 1_500,
  resumptions: 4_000,
  storm: 6_000,
  parse: 200_000,
  archived: 1_000_000,
  pages: 4_000,
  inboxes: 4_000,
};
const SMOKE: Effort = {
  rounds: 1,
  seconds: 0.3,
  pairs: 4,
  sessions: 40,
  logins: 20,
  offline: 200,
  fullLogins: 10,
  resumptions: 60,
  storm: 60,
  parse: 1_000,
  archived: 3_000,
  pages: 100,
  inboxes: 40,
};

/** All figures, in the order of the page. */
export function figures(isSmoke: boolean): Measure[] {
  const effort = isSmoke ? SMOKE : FULL;
  return [
    pingPong(effort, 1, 1.3),
    pingPong(effort, 2, 1.7),
    stream(effort, 1, 1),
    stream(effort, 2, 1.5),
    rate(effort),
    presence(effort),
    carbons(effort),
    presenceStorm(effort, 1),
    presenceStorm(effort, 2),
    offline(effort),
    archivedStream(effort, 1, false),
    archivedStream(effort, 2, false),
    archivedStream(effort, 2, true),
    acknowledgementLatency(effort, 2),
    archivePages(effort),
    archivePartitions(effort),
    inboxRead(effort),
    inboxStream(effort, 2),
    login(effort, 'SCRAM-SHA-1', 'login-scram'),
    login(effort, 'PLAIN', 'login-plain'),
    fullLogin(effort),
    resumeStorm(effort, 1),
    resumeStorm(effort, 2),
    idle(effort, 'plain'),
    acknowledged(effort, 'ping-pong', 0),
    acknowledged(effort, 'stream', 64),
    idle(effort, 'full'),
    idle(effort, 'tls'),
    idle(effort, 'tls-post-quantum'),
  ];
}

/** Runs relay and server in turns, so that both see the same machine. */
async function besideRelay(
  effort: Effort,
  shards: number,
  options: LoadOptions,
): Promise<{ relay: Measured[]; server: Measured[] }> {
  const relay: Measured[] = [];
  const server: Measured[] = [];
  for (let round = 0; round < effort.rounds; round++) {
    relay.push(await onRelay(options));
    server.push(await onServer(shards, options));
  }
  return { relay, server };
}

function pingPong(effort: Effort, shards: number, target: number): Measure {
  const name = `ping-pong, ${shards} ${shards === 1 ? 'shard' : 'shards'}`;
  return {
    name,
    run: async () => {
      const options = { scenario: 'ping-pong', pairs: effort.pairs, seconds: effort.seconds };
      const { relay, server } = await besideRelay(effort, shards, options);
      const ratio = spread(server.map((one, i) => perOperation(one) / perOperation(relay[i]!)));
      return {
        name,
        summary: `${ratio.median.toFixed(2)} × the relay's processor time per message`,
        target: `≤ ${target} ×`,
        isReached: ratio.median <= target,
        details: [
          `ratio ${show(ratio, 2)} over ${effort.rounds} rounds`,
          line('relay', relay),
          line('Meerkat', server),
        ],
        errors: errorsOf([...relay, ...server]),
      };
    },
  };
}

function stream(effort: Effort, shards: number, target: number): Measure {
  const name = `stream with window 64, ${shards} ${shards === 1 ? 'shard' : 'shards'}`;
  return {
    name,
    run: async () => {
      const server: Measured[] = [];
      const parse: number[] = [];
      const options = { scenario: 'stream', pairs: effort.pairs, seconds: effort.seconds, amount: 64 };
      for (let round = 0; round < effort.rounds; round++) {
        parse.push(saxesCost(effort.parse));
        server.push(await onServer(shards, options));
      }
      const ratio = spread(server.map((one, i) => perOperation(one) / parse[i]!));
      return {
        name,
        summary: `${ratio.median.toFixed(2)} × what saxes needs to parse the message`,
        target: `≤ ${target} ×`,
        isReached: ratio.median <= target,
        details: [
          `ratio ${show(ratio, 2)} over ${effort.rounds} rounds`,
          `saxes ${show(spread(parse), 2)} µs to parse 283 bytes`,
          line('Meerkat', server),
        ],
        errors: errorsOf(server),
      };
    },
  };
}

const RATE = 2_000;

function rate(effort: Effort): Measure {
  const name = `latency at ${RATE} messages/s`;
  return {
    name,
    run: async () => {
      const options = { scenario: 'rate', pairs: effort.pairs, seconds: effort.seconds, amount: RATE };
      const { relay, server } = await besideRelay(effort, 1, options);
      const p99 = (one: Measured): number => percentile(one.latenciesMs ?? [], 0.99);
      const ratio = spread(server.map((one, i) => p99(one) / p99(relay[i]!)));
      const show99 = (all: readonly Measured[]): string =>
        `p50 ${show(spread(all.map((one) => percentile(one.latenciesMs ?? [], 0.5))), 2)} ms, ` +
        `p99 ${show(spread(all.map(p99)), 2)} ms`;
      return {
        name,
        summary: `p99 ${ratio.median.toFixed(2)} × the relay's`,
        target: '≤ 2 ×',
        isReached: ratio.median <= 2,
        details: [
          `relay: ${show99(relay)}`,
          `Meerkat: ${show99(server)}`,
          line('relay', relay),
          line('Meerkat', server),
        ],
        errors: errorsOf([...relay, ...server]),
      };
    },
  };
}

function presence(effort: Effort): Measure {
  const name = 'presence fan-out to 20 others';
  return {
    name,
    run: async () => {
      const relay: Measured[] = [];
      const copies: Measured[] = [];
      const server: Measured[] = [];
      for (let round = 0; round < effort.rounds; round++) {
        relay.push(await onRelay({ scenario: 'ping-pong', pairs: effort.pairs, seconds: effort.seconds }));
        copies.push(await onRelay({ scenario: 'presence', seconds: effort.seconds }));
        server.push(await onServer(1, { scenario: 'presence', seconds: effort.seconds }));
      }
      const ratio = spread(server.map((one, i) => perOperation(one) / perOperation(relay[i]!)));
      const besideCopies = spread(server.map((one, i) => perOperation(one) / perOperation(copies[i]!)));
      return {
        name,
        summary: `${ratio.median.toFixed(2)} × the relay's ping-pong message per delivered presence`,
        target: '≤ 0.5 ×',
        isReached: ratio.median <= 0.5,
        details: [
          `ratio ${show(ratio, 2)}`,
          line('relay, ping-pong', relay),
          line('relay, copying the same bytes to the same sockets', copies),
          line('Meerkat, deliveries', server),
          `${show(besideCopies, 2)} × the relay that copies the same bytes to the same sockets`,
        ],
        errors: errorsOf([...relay, ...copies, ...server]),
      };
    },
  };
}

function carbons(effort: Effort): Measure {
  const name = 'carbons fan-out to 8 others';
  return {
    name,
    run: async () => {
      const relay: Measured[] = [];
      const server: Measured[] = [];
      for (let round = 0; round < effort.rounds; round++) {
        relay.push(await onRelay({ scenario: 'ping-pong', pairs: effort.pairs, seconds: effort.seconds }));
        server.push(await onServer(1, { scenario: 'carbons', seconds: effort.seconds }));
      }
      const ratio = spread(server.map((one, i) => perOperation(one) / perOperation(relay[i]!)));
      return {
        name,
        summary: `${ratio.median.toFixed(2)} × the relay's ping-pong message per delivered message or copy`,
        // Each copy is routed like a message of its own, and is to cost no more than one.
        target: '≤ 1.4 ×',
        isReached: ratio.median <= 1.4,
        details: [
          `ratio ${show(ratio, 2)}`,
          line('relay, ping-pong', relay),
          line('Meerkat, deliveries', server),
        ],
        errors: errorsOf([...relay, ...server]),
      };
    },
  };
}

function presenceStorm(effort: Effort, shards: number): Measure {
  const name = `presence storm, ${shards} ${shards === 1 ? 'shard' : 'shards'}`;
  return {
    name,
    run: async () => {
      const relay: Measured[] = [];
      const server: Measured[] = [];
      for (let round = 0; round < effort.rounds; round++) {
        relay.push(await onRelay({ scenario: 'ping-pong', pairs: effort.pairs, seconds: effort.seconds }));
        const options = { scenario: 'presence-storm', amount: effort.storm };
        server.push(await onServer(shards, options, { accounts: effort.storm, hasRosters: true }));
      }
      const ratio = spread(server.map((one, i) => perOperation(one) / perOperation(relay[i]!)));
      return {
        name,
        summary: `${ratio.median.toFixed(2)} × the relay's ping-pong message per delivered presence`,
        target: '≤ 0.5 ×',
        isReached: ratio.median <= 0.5,
        details: [
          `ratio ${show(ratio, 2)}; ${effort.storm} users with 20 contacts each become available`,
          line('relay, ping-pong', relay),
          line('Meerkat, deliveries', server),
        ],
        errors: errorsOf([...relay, ...server]),
      };
    },
  };
}

function offline(effort: Effort): Measure {
  return plain('offline message, stored and delivered', effort.rounds, 40, async () =>
    onServer(1, { scenario: 'offline', amount: effort.offline }),
  );
}

/** What stream management costs: the server asks after each message, as by default, and the client answers. */
function acknowledged(effort: Effort, scenario: string, amount: number): Measure {
  const name = `${scenario} with stream management, 1 shard`;
  return {
    name,
    run: async () => {
      const plain: Measured[] = [];
      const acked: Measured[] = [];
      const options = { pairs: effort.pairs, seconds: effort.seconds, amount };
      for (let round = 0; round < effort.rounds; round++) {
        plain.push(await onServer(1, { ...options, scenario }));
        acked.push(await onServer(1, { ...options, scenario: `${scenario}-acknowledged` }));
      }
      const ratio = spread(acked.map((one, i) => perOperation(one) / perOperation(plain[i]!)));
      return {
        name,
        summary: `${ratio.median.toFixed(2)} × the processor time of a message without it`,
        target: undefined,
        isReached: undefined,
        details: [
          `ratio ${show(ratio, 2)} over ${effort.rounds} rounds`,
          line('without', plain),
          line('with', acked),
        ],
        errors: errorsOf([...plain, ...acked]),
      };
    },
  };
}
