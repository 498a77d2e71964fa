import {
  type LoadOptions,
  type Measured,
  type MeerkatOptions,
  perOperation,
  runLoad,
  startMeerkat,
  startRelay,
} from './processes.ts';
import { type Spread, spread } from './statistics.ts';

/** One figure of `docs/benchmarks.md`. */
export interface Figure {
  readonly name: string;
  /** The measured value with its unit, in words. */
  readonly summary: string;
  /** What the project set out to reach. */
  readonly target: string | undefined;
  readonly isReached: boolean | undefined;
  readonly details: readonly string[];
  /** Messages lost, doubled or out of order: must be 0. */
  readonly errors: number;
}

/** How to measure one figure. */
export interface Measure {
  readonly name: string;
  readonly run: () => Promise<Figure>;
}

/** What a run of all figures costs in time. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
  readonly pairs: number;
  readonly sessions: number;
  readonly logins: number;
  readonly offline: number;
  /** Logins with all that a client asks for. */
  readonly fullLogins: number;
  /** Sessions that are resumed. */
  readonly resumptions: number;
  /** Users of the presence storm. */
  readonly storm: number;
  readonly parse: number;
  /** Messages in archives that are read, and pages that are. */
  readonly archived: number;
  readonly pages: number;
  /** Inboxes that are read. */
  readonly inboxes: number;
}

/** Runs a scenario on a relay of its own. */
export async function onRelay(options: LoadOptions): Promise<Measured> {
  const target = await startRelay();
  try {
    return await runLoad(target, options);
  } finally {
    await target.stop();
  }
}

/** Runs a scenario on a server of its own. */
export async function onServer(
  shards: number,
  options: LoadOptions,
  server: Partial<MeerkatOptions> = {},
): Promise<Measured> {
  return (await onOneServer(shards, [options], server))[0]!;
}

/** Runs scenarios on one server, one after the other. */
export async function onOneServer(
  shards: number,
  all: readonly LoadOptions[],
  server: Partial<MeerkatOptions> = {},
): Promise<Measured[]> {
  const target = await startMeerkat({ accounts: 1_200, ...server, shards });
  const measured: Measured[] = [];
  try {
    for (const options of all) measured.push(await runLoad(target, options));
    return measured;
  } finally {
    await target.stop();
  }
}

/** A figure that is a processor time by itself. */
export function plain(
  name: string,
  rounds: number,
  targetUs: number,
  measure: () => Promise<Measured>,
): Measure {
  return {
    name,
    run: async () => {
      const all: Measured[] = [];
      for (let round = 0; round < rounds; round++) all.push(await measure());
      const cost = spread(all.map(perOperation));
      return {
        name,
        summary: `${cost.median.toFixed(0)} µs of processor time`,
        target: `≤ ${targetUs} µs`,
        isReached: cost.median <= targetUs,
        details: [line('Meerkat', all)],
        errors: errorsOf(all),
      };
    },
  };
}

/** Things that must not happen, of all rounds. */
export function errorsOf(all: readonly Measured[]): number {
  return all.reduce((sum, one) => sum + one.errors, 0);
}

/** A median, with the smallest and the largest in brackets. */
export function show({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

/** What one side needed, and how busy the client was with it: a client that never waits would be what is measured. */
export function line(who: string, all: readonly Measured[]): string {
  const server = spread(all.map(perOperation));
  const user = spread(all.map((one) => one.server.user / one.count));
  const client = spread(all.map((one) => one.clientCpuUs / one.count));
  const perSecond = spread(all.map((one) => (one.count / one.elapsedMs) * 1_000));
  const busy = spread(all.map((one) => one.clientCpuUs / 10 / one.elapsedMs));
  return (
    `${who}: ${show(server, 2)} µs each (${user.median.toFixed(2)} of them user time), ` +
    `${perSecond.median.toFixed(0)} a second; the client needed ${client.median.toFixed(2)} µs each, and was busy ${busy.median.toFixed(0)} % of the time`
  );
}
