import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MODULE = new URL('../fixtures/modules/mod-spy.ts', import.meta.url).pathname;

/** What `mod_spy` wrote down about one hook. */
export interface SpyLine {
  readonly hook: string;
  readonly id?: string;
  readonly name?: string;
  readonly type?: string;
  readonly from?: string;
  readonly to?: string;
  readonly shard: number;
}

/** The test's side of `mod_spy`: its configuration, and what it has seen. */
export class Spy {
  readonly file = join(tmpdir(), `mk-spy-${randomBytes(6).toString('hex')}.jsonl`);

  /** The section to put into a server's configuration. */
  toml(more = ''): string {
    return `[modules.mod_spy]\n  path = "${MODULE}"\n  file = "${this.file}"\n  ${more}\n`;
  }

  lines(): SpyLine[] {
    if (!existsSync(this.file)) return [];
    return readFileSync(this.file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as SpyLine);
  }

  /** The names of the hooks that the stanza with this id went through, in order. */
  hooksOf(id: string): string[] {
    return this.lines()
      .filter((line) => line.id === id)
      .map((line) => line.hook);
  }

  forget(): void {
    writeFileSync(this.file, '');
  }
}
