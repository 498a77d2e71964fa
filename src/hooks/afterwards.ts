import type { Accumulator } from './accumulator.ts';

/**
 * Work that handlers of `roster_in_subscription` and `roster_out_subscription` leave for when the presence itself has been delivered or routed: the clients
 * hear of it first, and of the changed roster after it (RFC 6121 §3.1.6).
 */
export function afterwards(acc: Accumulator, work: () => void): void {
  acc.append('roster', 'afterwards', work);
}

/** Does what was left to do, once. */
export function runAfterwards(acc: Accumulator): void {
  const works = acc.get<readonly (() => void)[]>('roster', 'afterwards');
  if (works === undefined) return;
  acc.delete('roster', 'afterwards');
  for (const work of works) work();
}
