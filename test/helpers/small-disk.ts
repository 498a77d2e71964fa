import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHUNK = Buffer.alloc(4_096);

/**
 * A storage directory on a disk that can be made full, and have room again: a tmpfs of its own where one may be mounted. Elsewhere the server's process may not make
 * files any larger, which it cannot tell from a disk that fails.
 */
export class SmallDisk {
  readonly directory: string;
  /** Whether it is a disk of its own, and not the server's process that is limited. */
  readonly isMounted: boolean;

  constructor(mebibytes: number) {
    this.directory = mkdtempSync(join(tmpdir(), 'mk-disk-'));
    this.isMounted = mount(this.directory, mebibytes);
  }

  /** What the storage directory is named in the configuration. */
  get storage(): string {
    return join(this.directory, 'data');
  }

  /** Not a byte more can be written by the process. */
  fill(pid: number): void {
    if (!this.isMounted) {
      limitFiles(pid, '4096');
      return;
    }
    const file = openSync(join(this.directory, 'filler'), 'w');
    try {
      for (;;) writeSync(file, CHUNK);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
    } finally {
      closeSync(file);
    }
  }

  /** There is room again. */
  free(pid: number): void {
    if (this.isMounted) rmSync(join(this.directory, 'filler'), { force: true });
    else limitFiles(pid, 'unlimited');
  }

  remove(): void {
    if (this.isMounted) execFileSync('umount', [this.directory]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function mount(directory: string, mebibytes: number): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0777`, 'tmpfs', directory], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

function limitFiles(pid: number, soft: string): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${soft}:unlimited`]);
}
