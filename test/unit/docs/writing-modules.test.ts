import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** The page on writing modules names code: here it is held to it. */

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const PAGE = read('docs/writing-modules.md');
const API = read('src/modules/module.ts');
const EXAMPLE = read('docs/examples/mod_greeter.ts');

/** The members of `ModuleContext`. */
function members(): string[] {
  const body = /export interface ModuleContext<[^{]*\{\n(.*?)\n\}/s.exec(API)![1]!;
  return [...body.matchAll(/^ {2}(?:readonly )?([a-zA-Z]+)[<(:]/gm)].map(([, name]) => name!);
}

describe('docs/writing-modules.md', () => {
  it('names every member of the context, and no other', () => {
    const named = new Set([...PAGE.matchAll(/context\.([a-zA-Z]+)/g)].map(([, name]) => name!));
    expect(members().length).toBeGreaterThan(40);
    expect([...named].toSorted()).toEqual(members().toSorted());
  });

  it('shows lines of the example, apart from the smallest module', () => {
    const [first, ...others] = [...PAGE.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);
    expect(first).toContain('defineModule');
    expect(others.length).toBeGreaterThan(3);
    for (const code of others) expect(EXAMPLE).toContain(code);
  });

  it('imports only what there is', () => {
    for (const text of [PAGE, EXAMPLE]) {
      const names = /import \{([^}]*)\} from 'meerkat\/module'/.exec(text)![1]!.split(',');
      for (const name of names.map((one) => one.replace('type ', '').trim()).filter(Boolean)) {
        const isNamed = new RegExp(`\\b${name}\\b`).test(API) || name.startsWith('NS_');
        expect(isNamed, name).toBe(true);
      }
    }
  });
});
