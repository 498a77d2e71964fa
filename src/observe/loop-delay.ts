import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The delay is sampled this often, by a timer outside of JavaScript. */
const RESOLUTION_MS = 20;
const REPORT_MS = 1_000;

/** How late the thread's event loop was within the last second, in microseconds. */
export interface LoopDelay {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** Measures how late this thread's event loop runs, and reports once a second. Returns how to end it. */
export function watchLoopDelay(report: (delay: LoopDelay) => void): () => void {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  const timer = setInterval(() => {
    report({
      p50Us: late(histogram.percentile(50)),
      p99Us: late(histogram.percentile(99)),
      maxUs: late(histogram.max),
    });
    histogram.reset();
  }, REPORT_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    histogram.disable();
  };
}

/** A sample is the time between two turns of the timer: what is longer than it should be is the delay. */
function late(nanoseconds: number): number {
  return Math.max(0, Math.round(nanoseconds / 1_000 - RESOLUTION_MS * 1_000));
}
