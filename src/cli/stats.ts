import type { Command } from 'commander';
import type { Stats } from '../admin/stats.ts';
import { formatBytes, formatDuration, print, table } from './io.ts';
import type { Runner } from './runner.ts';
import { withServer } from './server-access.ts';

export function addStats(program: Command, runner: Runner): void {
  program
    .command('stats')
    .description('the server at a glance')
    .action(() =>
      runner.run(async (target, io) => {
        const stats = (await withServer(target, io, (client) => client.request('stats'))) as Stats;
        print(io, stats, () => describe(stats));
        return 0;
      }),
    );
}

function describe(stats: Stats): string {
  const state = stats.isReady ? 'ready' : `not ready (${stats.notReadyBecause.join(', ')})`;
  return [
    `Meerkat ${stats.version} on Node.js ${stats.node}, process ${stats.pid}, up ${formatDuration(stats.uptimeMs)}, ${state}`,
    '',
    table(general(stats)),
    '',
    table(stanzas(stats), [1, 2, 3, 4]),
    '',
    table(shards(stats), [1, 2, 3, 4, 5, 6]),
  ].join('\n');
}

function general({ store, rings, ...stats }: Stats): string[][] {
  return [
    ['sessions', `${stats.sessions} of at most ${stats.sessionsMax}`],
    ['connections', `${stats.connections}, ${stats.unauthenticated} of them not logged in`],
    ['logins', `${stats.logins.success} succeeded, ${stats.logins.failure} failed`],
    ['bytes', `${formatBytes(stats.bytes.received)} received, ${formatBytes(stats.bytes.sent)} sent`],
    [
      'rings',
      `${rings.frames} frames, ${formatBytes(rings.waitingBytes)} waiting, ` +
        `${rings.overflowFrames} had to wait, ${rings.refusedFrames} refused`,
    ],
    [
      'store',
      `${store.isReady ? 'ready' : 'away'}, ${store.requests} requests, ${store.pending} waiting, ${store.failures} failed; ` +
        `${store.commits} commits of ${formatMs(store.meanCommitUs)}, at most ${formatMs(store.maxCommitUs)}`,
    ],
    [
      'writes kept',
      `${store.kept.count} of ${formatBytes(store.kept.bytes)}${store.kept.isStalled ? ': the store does not take them, or slowly' : ''}`,
    ],
    ['restarts', `${stats.restarts.shard} of shards, ${stats.restarts.store} of the store`],
    ['memory', `${formatBytes(stats.residentBytes)} resident`],
  ];
}

function stanzas({ stanzas, routed }: Stats): (string | number)[][] {
  const kinds = ['message', 'presence', 'iq', 'other'] as const;
  const row = (name: string, counts: Record<(typeof kinds)[number], number>): (string | number)[] => [
    name,
    ...kinds.map((kind) => counts[kind]),
  ];
  return [
    ['stanzas', ...kinds],
    row('received', stanzas.received),
    row('sent', stanzas.sent),
    ...(['delivered', 'forwarded', 'stored', 'bounced', 'dropped'] as const).map((outcome) =>
      row(outcome, routed[outcome]),
    ),
  ];
}

function shards({ shards }: Stats): (string | number)[][] {
  return [
    ['shard', 'sessions', 'connections', 'heap', 'loop delay p50', 'p99', 'max'],
    ...shards.map((shard) => [
      `${shard.shard}${shard.isReady ? '' : ' (away)'}`,
      shard.sessions,
      shard.connections,
      formatBytes(shard.heapUsedBytes),
      formatMs(shard.loopDelayP50Us),
      formatMs(shard.loopDelayP99Us),
      formatMs(shard.loopDelayMaxUs),
    ]),
  ];
}

function formatMs(us: number): string {
  return `${(us / 1_000).toFixed(2)} ms`;
}
