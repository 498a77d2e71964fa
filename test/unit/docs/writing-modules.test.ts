import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** The page on writing modules names code: here it is held to it. */

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const PAGE = read('docs/writing-modules.md');
const PARTS = readdirSync(new URL('../../../src/modules/api', import.meta.url)).map((file) =>
  read(`src/modules/api/${file}`),
);
const API = [read('src/modules/module.ts'), ...PARTS].join('\n');
const EXAMPLE = read('docs/examples/mod_greeter.ts');

/** The members of `ModuleContext`, and of the interfaces that it extends. */
function members(name = 'ModuleContext'): string[] {
  const [, above, body] = new RegExp(`export interface ${name}\\b([^{]*)\\{\\n(.*?)\\n\\}`, 's').exec(API)!;
  const inherited = above!.includes('extends') ? above!.slice(above!.indexOf('extends') + 7).split(',') : [];
  const own = [...body!.matchAll(/^ {2}(?:readonly )?([a-zA-Z]+)[<(:]/gm)].map(([, member]) => member!);
  return [...own, ...inherited.flatMap((one) => members(one.trim()))];
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
