import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AdminError } from '../admin/errors.ts';

/**
 * A file that is there as a whole or not at all: until {@link finish} it has another name. Nobody else may read it. Throws `file_exists` when it is there already and
 * may not be replaced.
 */
export class FinishedFile {
  readonly path: string;
  readonly #part: string;
  readonly #fd: number;
  #bytes = 0;

  constructor(path: string, isForced: boolean) {
    if (!isForced && existsSync(path))
      throw new AdminError('file_exists', `${path} exists already (--force replaces it)`);
    this.path = path;
    this.#part = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
    this.#fd = openSync(this.#part, 'wx', 0o600);
  }

  get bytes(): number {
    return this.#bytes;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#fd, bytes, written);
    this.#bytes += bytes.length;
  }

  /** Gives it its name, once it is on the disk. */
  finish(): void {
    fsyncSync(this.#fd);
    closeSync(this.#fd);
    renameSync(this.#part, this.path);
    const directory = openSync(dirname(this.path), 'r');
    fsyncSync(directory);
    closeSync(directory);
  }

  /** Takes it away again. */
  discard(): void {
    closeSync(this.#fd);
    rmSync(this.#part, { force: true });
  }
}
