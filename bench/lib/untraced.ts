import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = new URL('../../', import.meta.url);

/** Every look at whether a stanza is traced, and what stands in its place: a constant, so that the compiler leaves the branch out. */
const LOOKS: readonly (readonly [RegExp, string])[] = [
  [/\bacc\.trace\b(?!\s*(?:=[^=]|\?\?=))/g, '(undefined as any)'],
  [/\bconst \{ trace \} = acc;/g, 'const trace: any = undefined;'],
  [/\bc2s\.isTraced\b(?!\s*=[^=])/g, 'false'],
];
/** There are about that many; far fewer, and the patterns do not fit the sources any more. */
const LOOKS_MIN = 20;

/** The sources of the server as they would be without traces: a copy, in a directory that {@link UntracedSources.remove} removes. */
export class UntracedSources {
  readonly #directory = mkdtempSync(join(tmpdir(), 'mk-untraced-'));

  constructor() {
    cpSync(new URL('src', ROOT), join(this.#directory, 'src'), { recursive: true });
    symlinkSync(new URL('node_modules', ROOT), join(this.#directory, 'node_modules'));
    writeFileSync(join(this.#directory, 'package.json'), '{"type":"module"}');
    let looks = 0;
    for (const file of readdirSync(join(this.#directory, 'src'), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      const path = join(this.#directory, 'src', file);
      let text = readFileSync(path, 'utf8');
      for (const [look, instead] of LOOKS)
        text = text.replace(look, () => {
          looks++;
          return instead;
        });
      writeFileSync(path, text);
    }
    assert(looks >= LOOKS_MIN, `only ${looks} looks at a trace were found`);
  }

  /** Where they begin, as the repository does. */
  get root(): URL {
    return pathToFileURL(`${this.#directory}/`);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }
}
