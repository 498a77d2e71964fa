const STEPS = ['load', 'store', 'add', 'sub', 'exchange', 'compareExchange'] as const;

/** Thrown where the thread is killed. */
class Killed extends Error {}

/**
 * Runs `work` as a thread that is killed just before its `step`-th `Atomics` call. True if it was, false if it ended before. What it wrote to shared memory
 * stays as it is.
 */
export function dieBeforeStep(step: number, work: () => void): boolean {
  const originals = STEPS.map((name) => Atomics[name]);
  let count = 0;
  for (const [i, name] of STEPS.entries()) {
    const original = originals[i] as (...args: unknown[]) => unknown;
    (Atomics as unknown as Record<string, unknown>)[name] = (...args: unknown[]) => {
      if (count++ === step) throw new Killed();
      return original(...args);
    };
  }
  try {
    work();
    return false;
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    return true;
  } finally {
    for (const [i, name] of STEPS.entries())
      (Atomics as unknown as Record<string, unknown>)[name] = originals[i];
  }
}
