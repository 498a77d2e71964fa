/** How long to look for trouble, and where to start: `FUZZ_RUNS=100000 FUZZ_SEED=42 npx vitest run test/fuzz`. */
export const FUZZ_SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);

/** Runs of one property. `share` is what part of the whole it gets. */
export function fuzzRuns(share = 1): number {
  return Math.ceil(Number(process.env['FUZZ_RUNS'] ?? 1000) * share);
}

/** For `fc.assert`. A failure prints the seed and the smallest input found. */
export function settings(share = 1): { seed: number; numRuns: number } {
  return { seed: FUZZ_SEED, numRuns: fuzzRuns(share) };
}

/** Generous: only a hang should end a test. */
export const FUZZ_TIMEOUT_MS = 60_000 + fuzzRuns(50);
