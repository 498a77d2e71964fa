import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { CHUNK_BYTES, INCLUDE_DEPTH_MAX, INCLUDES_MAX } from './limits.ts';

/** Why a file is not included. */
export class IncludeRefused extends Error {}

/** An open file, read in pieces. */
export class SourceFile {
  readonly path: string;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  // A mark at the beginning is left out; what is not UTF-8 throws.
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /** The next piece of the text; undefined at the end. Throws TypeError when it is not UTF-8. */
  read(): string | undefined {
    const bytes = readSync(this.#fd, this.#buffer);
    if (bytes > 0) return this.#decoder.decode(this.#buffer.subarray(0, bytes), { stream: true });
    // Throws when a character is cut off.
    this.#decoder.decode();
    return undefined;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/**
 * The main file and those that it includes (XInclude): regular files in the directory of the main file or below it, whatever links say, each once, not
 * endlessly deep (threat T70).
 */
export class IncludeFiles {
  readonly #directory: string;
  /** Device and inode of what was opened. */
  readonly #seen = new Set<string>();

  /** `main`: path of the main file. Throws when there is no such file. */
  constructor(main: string) {
    this.#directory = dirname(realpathSync(main));
  }

  /** Opens the main file. */
  openMain(main: string): SourceFile {
    return this.#open(realpathSync(main));
  }

  /** Opens what `href` in the file `from` stands for, which is `depth` files deep. Throws {@link IncludeRefused}. */
  open(href: string, from: string, depth: number): SourceFile {
    if (depth > INCLUDE_DEPTH_MAX) throw new IncludeRefused(`files are included ${depth} deep`);
    if (this.#seen.size > INCLUDES_MAX) throw new IncludeRefused(`more than ${INCLUDES_MAX} files`);
    if (/^[a-z][a-z0-9+.-]*:/i.test(href) || href.startsWith('//'))
      throw new IncludeRefused('it is not a relative path');
    if (/[?#\0]/.test(href)) throw new IncludeRefused('it is not the name of a file');
    let real: string;
    try {
      real = realpathSync(resolve(dirname(from), decoded(href)));
    } catch (cause) {
      throw new IncludeRefused(
        (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : String(cause),
      );
    }
    const inside = this.#directory === sep ? sep : this.#directory + sep;
    if (!real.startsWith(inside)) throw new IncludeRefused('it is outside of the directory of the file');
    return this.#open(real);
  }

  #open(path: string): SourceFile {
    // Opening a pipe must not wait for somebody who writes into it.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stat = fstatSync(fd);
    const key = `${stat.dev}:${stat.ino}`;
    const problem = !stat.isFile()
      ? 'it is no regular file'
      : this.#seen.has(key)
        ? 'it was read already'
        : undefined;
    if (problem !== undefined) {
      closeSync(fd);
      throw new IncludeRefused(problem);
    }
    this.#seen.add(key);
    return new SourceFile(path, fd);
  }
}

/** `href` is a URI: it may have escapes. There are servers that write names as they are, so a lone percent sign stands for itself. */
function decoded(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
}
