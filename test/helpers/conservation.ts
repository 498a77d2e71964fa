import { expect } from 'vitest';
import { Scrape } from './http.ts';

/** What the counters of messages say: of all shards together. */
export interface MessageCounts {
  /** By source: from clients, made by the server, … */
  readonly clients: number;
  readonly entered: number;
  readonly arrived: number;
  readonly delivered: number;
  readonly forwarded: number;
  readonly stored: number;
  readonly bounced: number;
  readonly dropped: number;
  /** Messages of which no outcome is counted. */
  readonly underWay: number;
}

export async function messageCounts(httpPort: number): Promise<MessageCounts> {
  const metrics = await Scrape.of(httpPort);
  const routed = (outcome: string): number =>
    metrics.sum('meerkat_stanzas_routed_total', 'kind="message"', `outcome="${outcome}"`);
  const entered = metrics.sum('meerkat_messages_entered_total');
  const ended = metrics.sum('meerkat_stanzas_routed_total', 'kind="message"');
  return {
    clients: metrics.sum('meerkat_messages_entered_total', 'source="client"'),
    entered,
    arrived: metrics.sum('meerkat_messages_entered_total', 'source="shard"'),
    delivered: routed('delivered'),
    forwarded: routed('forwarded'),
    stored: routed('stored'),
    bounced: routed('bounced'),
    dropped: routed('dropped'),
    underWay: entered - ended,
  };
}

/** Whoever waits gives up when nothing has come to an end for so long. */
const STILL_MS_MAX = 10_000;

/**
 * Waits until no message is under way, and fails if that does not come: every message that was accepted was delivered, stored, bounced or dropped, each once, and none
 * was lost between shards. `hasLostShards`: what was under way to those is not counted anywhere.
 */
export async function expectConservation(httpPort: number, hasLostShards = false): Promise<MessageCounts> {
  let since = performance.now();
  let counts = await messageCounts(httpPort);
  while (!isEven(counts, hasLostShards) && performance.now() < since + STILL_MS_MAX) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = counts;
    counts = await messageCounts(httpPort);
    if (counts.underWay !== before.underWay || counts.arrived !== before.arrived) since = performance.now();
  }
  expect(counts).toMatchObject({ underWay: 0, ...(!hasLostShards && { arrived: counts.forwarded }) });
  return counts;
}

/** The same for a server that has lost shards, or was started again in between. */
export async function expectNothingUnderWay(httpPort: number): Promise<void> {
  await expectConservation(httpPort, true);
}

function isEven({ underWay, arrived, forwarded }: MessageCounts, hasLostShards: boolean): boolean {
  return underWay === 0 && (hasLostShards || arrived === forwarded);
}
