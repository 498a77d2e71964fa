import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PAGES } from '../../../docs/pages.ts';
import { XEP_TITLES } from '../../../docs/standards.ts';
import { xepsPage } from '../../../docs/xeps-page.ts';
import { BUILT_IN_MODULES } from '../../../src/modules/registry.ts';

const DOCS = new URL('../../../docs/', import.meta.url);

describe('npm run docs', () => {
  it.each([...PAGES])('has been run since %s would change', (file, page) => {
    expect(readFileSync(new URL(file, DOCS), 'utf8')).toBe(page());
  });

  it.each([...PAGES])('writes into %s that it is generated', (_file, page) => {
    expect(page()).toMatch(/^(?:# .*\n\n)?<!-- (?:Generated|Written) /);
  });
});

describe('xepsPage', () => {
  it('has a row for every specification that a module declares', () => {
    const page = xepsPage(BUILT_IN_MODULES.values());
    for (const { name, xeps = [] } of BUILT_IN_MODULES.values()) {
      for (const { number, version } of xeps) {
        const row = page
          .split('\n')
          .find(
            (line) => line.includes(`[${name}]`) && line.includes(`XEP-${String(number).padStart(4, '0')}]`),
          );
        expect(row, `${name} ${number}`).toContain(` | ${XEP_TITLES.get(number)} | ${version} | `);
      }
    }
  });

  it('refuses a specification without a title', () => {
    const unknown = { ...BUILT_IN_MODULES.get('mod_ping')!, xeps: [{ number: 9999, version: '1' }] };
    expect(() => xepsPage([unknown])).toThrow('XEP 9999');
  });
});

describe('docs/modules', () => {
  it.each([...BUILT_IN_MODULES.values()])(
    'has a page for $name that names its options, specifications and no others',
    (definition) => {
      const file = new URL(`modules/${definition.name}.md`, DOCS);
      expect(existsSync(file)).toBe(true);
      const page = readFileSync(file, 'utf8');
      expect(page).toMatch(new RegExp(`^# ${definition.name}\n`));
      for (const { number } of definition.xeps ?? [])
        expect(page).toContain(`XEP-${String(number).padStart(4, '0')}`);
      const options = Object.keys(
        (definition.options as unknown as { shape: Record<string, unknown> }).shape,
      );
      const named = [...page.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name);
      const [section = ''] = page.split('\n## Options\n').slice(1);
      const inTable = [...section.split('\n## ')[0]!.matchAll(/^\| `([a-z_]+)` \|/gm)].map(
        ([, name]) => name,
      );
      expect(inTable.toSorted()).toEqual(options.toSorted());
      expect(named.length).toBeGreaterThanOrEqual(inTable.length);
    },
  );
});
