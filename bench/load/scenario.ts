/** What a scenario is told, and how it talks to the orchestrator that measures the server. */
export interface ScenarioContext {
  readonly port: number;
  /** Whether the other side is the bare relay: then there is nothing to log in to. */
  readonly isRelay: boolean;
  readonly pairs: number;
  readonly seconds: number;
  /** Messages under way per direction (stream), messages a second (rate), sessions (idle, login). */
  readonly amount: number;
  /** The counted part begins: the server's processor time is read now. */
  begin(): Promise<void>;
  /** The counted part is over; `count` operations were done in it. */
  end(count: number): Promise<void>;
}

/** What a scenario found out on its own side. */
export interface ScenarioResult {
  /** Operations counted: messages, deliveries, logins. */
  readonly count: number;
  readonly elapsedMs: number;
  /** Processor time of the client process in microseconds, within the counted part. */
  readonly clientCpuUs: number;
  /** Things that must not happen: lost, doubled or reordered messages. */
  readonly errors: number;
  /** Sorted latencies in milliseconds, where the scenario measures them. */
  readonly latenciesMs?: readonly number[];
}

export type Scenario = (context: ScenarioContext) => Promise<ScenarioResult>;

/** Runs the counted part of a scenario and adds up what belongs to every result. */
export async function counted(
  context: ScenarioContext,
  part: () => Promise<{ count: number; errors: number; latenciesMs?: readonly number[] }>,
): Promise<ScenarioResult> {
  await context.begin();
  const cpu = process.cpuUsage();
  const from = performance.now();
  const { count, errors, latenciesMs } = await part();
  const elapsedMs = performance.now() - from;
  const used = process.cpuUsage(cpu);
  await context.end(count);
  const result = { count, elapsedMs, clientCpuUs: used.user + used.system, errors };
  return latenciesMs === undefined ? result : { ...result, latenciesMs };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
