import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MODULE = new URL('../fixtures/modules/mod-gate.ts', import.meta.url).pathname;

/** What `mod_gate` wrote down. */
export interface GateLine {
  readonly hook: string;
  readonly jid?: string;
  readonly username?: string;
  readonly server?: string;
  readonly reason?: string;
  readonly method?: string;
}

/** The test's side of `mod_gate`. */
export class Gate {
  readonly file = join(tmpdir(), `mk-gate-${randomBytes(6).toString('hex')}.jsonl`);

  /** The section to put into a server's configuration. */
  get toml(): string {
    return `[modules.mod_gate]\n  path = "${MODULE}"\n  file = "${this.file}"\n`;
  }

  /** Lets those in who come from 127.0.0.70. */
  answer(): void {
    writeFileSync(`${this.file}.answer`, '');
  }

  lines(hook: string): GateLine[] {
    if (!existsSync(this.file)) return [];
    return readFileSync(this.file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as GateLine)
      .filter((line) => line.hook === hook);
  }
}
