import { readdirSync, readFileSync } from 'node:fs';

/** What Linux says about a process. */

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kib) * 1024;
}

/** Open file descriptors. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Looks again and again until `isDone`, which is asked about something that happens in another process; fails after a while. */
export async function eventually(isDone: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const until = Date.now() + 60_000;
  while (!(await isDone())) {
    if (Date.now() > until) throw new Error(`this did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
