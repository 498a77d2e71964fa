import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

/** Where and with what a result was measured. */
export interface Environment {
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly kernel: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
}

export function environment(): Environment {
  const all = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    node: process.version,
    kernel: release(),
    processor: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
