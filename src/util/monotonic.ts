/**
 * Milliseconds on the machine's monotonic clock: never jumps, and is the same clock in all threads (`performance.now()` counts from each
 * thread's own start).
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}
