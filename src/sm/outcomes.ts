import type { Accumulator } from '../hooks/accumulator.ts';
import { Counter } from '../memory/counters.ts';
import { type Stanza, StanzaKind } from '../xmpp/stanza.ts';

/** How the routing of one stanza ended. */
export type RouteOutcome = 'delivered' | 'forwarded' | 'stored' | 'bounced' | 'dropped';

/** The first cell of each outcome; the kind of the stanza is added to it. */
const OUTCOMES: Record<RouteOutcome, number> = {
  delivered: Counter.route_delivered_message,
  forwarded: Counter.route_forwarded_message,
  stored: Counter.route_stored_message,
  bounced: Counter.route_bounced_message,
  dropped: Counter.route_dropped_message,
};

/**
 * Counts of a shard: where messages come from, and how each of their ways ends. What came in, counted from all sources, equals what ended: a message that gets lost in between shows
 * (the metrics `messages_entered_total` and `stanzas_routed_total`).
 *
 * The methods `…Of` are for a stanza that goes to many at once, which has no accumulator for each.
 */
export class Outcomes {
  readonly #counters: Float64Array;

  constructor(counters: Float64Array) {
    this.#counters = counters;
  }

  // ── where they come from ───────────────────────────────────────────────────────────────────────────────────

  fromClient(acc: Accumulator): void {
    this.#entered(acc, Counter.messages_from_clients);
  }

  fromServer(acc: Accumulator): void {
    this.#entered(acc, Counter.messages_from_server);
  }

  /** A session gives back what had ended there: it is routed again. */
  takenBack(acc: Accumulator): void {
    this.#entered(acc, Counter.messages_taken_back);
  }

  /** A stanza for so many sessions came from another shard. */
  arrived(acc: Accumulator, sessions: number): void {
    if (acc.stanza !== undefined) this.arrivedOf(acc.stanza, sessions);
  }

  arrivedOf(of: Stanza, ways: number): void {
    if (of.kind !== StanzaKind.MESSAGE) return;
    this.#counters[Counter.messages_from_shards]!++;
    this.#counters[Counter.messages_copied]! += ways - 1;
  }

  /** The server sends it to so many accounts. */
  sentOn(of: Stanza, accounts: number): void {
    if (of.kind === StanzaKind.MESSAGE) this.#counters[Counter.messages_from_server]! += accounts;
  }

  /** It has so many ways more, each of which has an outcome of its own. */
  copied(acc: Accumulator, more: number): void {
    if (acc.stanza === undefined || acc.trace?.isDryRun) return;
    this.copiedOf(acc.stanza, more);
  }

  copiedOf(of: Stanza, more: number): void {
    if (of.kind === StanzaKind.MESSAGE) this.#counters[Counter.messages_copied]! += more;
  }

  #entered(acc: Accumulator, source: number): void {
    if (acc.stanza?.kind !== StanzaKind.MESSAGE || acc.trace?.isDryRun) return;
    this.#counters[source]!++;
  }

  // ── how they end ───────────────────────────────────────────────────────────────────────────────────────────

  /** Counts and traces how routing ended. */
  ended(acc: Accumulator, outcome: RouteOutcome): void {
    const { trace } = acc;
    if (trace !== undefined) {
      trace.note({ step: 'outcome', outcome: `${outcome}: ${acc.to.full}`, decision: outcome });
      if (trace.isDryRun) return;
    }
    this.#counters[OUTCOMES[outcome] + (acc.stanza?.kind ?? StanzaKind.OTHER)]!++;
  }

  endedOf(of: Stanza, outcome: RouteOutcome, by: number): void {
    this.#counters[OUTCOMES[outcome] + of.kind]! += by;
  }
}
