/** Milliseconds of a processor that `work` takes: on a busy machine the clock says nothing about it. */
export function cpuMs(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
