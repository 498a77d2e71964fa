import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { catalogue } from '../../../src/config/catalogue.ts';
import { defaultConfigText } from '../../../src/config/default-config.ts';
import { documentSchema } from '../../../src/config/schema/document.ts';
import { tomlPositions } from '../../../src/config/toml-positions.ts';
import { load, loaded, moduleSchemas } from './helpers.ts';

const FILE = fileURLToPath(new URL('../../../config/meerkat.toml', import.meta.url));
const TEXT = readFileSync(FILE, 'utf8');
/** Every commented option made active. */
const COMPLETE = TEXT.replace(/^#(?=[[\w"])/gm, '');

/** The paths of a text, with `[]` for every index. */
function pathsOf(text: string): Set<string> {
  return new Set(Array.from(tomlPositions(text).keys(), (path) => path.replace(/\[\d+\]/g, '[]')));
}

/** Whether the text has an option of the schema, where NAME stands for any name. */
function mentions(paths: ReadonlySet<string>, path: string): boolean {
  const pattern = new RegExp(`^${RegExp.escape(path).replace(/NAME/g, '[^.[]+')}$`);
  return [...paths].some((one) => pattern.test(one));
}

describe('config/meerkat.toml', () => {
  it('loads without a warning', () => {
    expect(load(TEXT, { file: FILE })).toMatchObject({ ok: true, warnings: [] });
  });

  it('is what the server does without a file', () => {
    const { document: ours, ...rest } = loaded(TEXT);
    const { document: builtIn, ...defaults } = loaded(defaultConfigText());
    expect(rest).toEqual(defaults);
    expect({ ...ours, shaper: undefined, auth: undefined, modules: undefined }).toEqual({
      ...builtIn,
      shaper: undefined,
      auth: undefined,
      modules: undefined,
    });
  });

  it('has every option, commented or not', () => {
    const paths = pathsOf(COMPLETE);
    // Sections of a host are those of the server, so what they hold is not repeated.
    const wanted = catalogue(documentSchema).filter(
      ({ path }) => !/^host_config\[\]\.(?:auth|acl|access|outgoing_pools)\./.test(path),
    );
    expect(wanted.length).toBeGreaterThan(90);
    expect(wanted.map(({ path }) => path).filter((path) => !mentions(paths, path))).toEqual([]);
  });

  it('has every option of the built-in modules', () => {
    const paths = pathsOf(COMPLETE);
    for (const [name, schema] of moduleSchemas) {
      for (const { path } of catalogue(schema as z.ZodType)) {
        if (path !== '') expect(paths).toContain(`modules.${name}.${path}`);
      }
    }
  });

  it('is right in its comments too', () => {
    // The examples name files that are not there, and the two ways to give a secret exclude each other.
    const text = COMPLETE.replace(/^(?:password|basic_auth)_file = .*$/gm, '').replace(
      'path = "./mod-mine.ts"',
      'path = "mod-mine"',
    );
    const result = load(text, { file: FILE });
    expect(result.ok ? [] : result.problems).toEqual([]);
    expect(result.warnings.filter(({ message }) => !message.startsWith('cannot read '))).toEqual([]);
  });

  it('shows the default of each option that has one', () => {
    const complete = COMPLETE.split('\n');
    for (const { path, defaultText } of catalogue(documentSchema)) {
      const value = /^`([^`]*)`$/.exec(defaultText ?? '')?.[1];
      const key = path.slice(path.lastIndexOf('.') + 1);
      // Active lines and examples show something else than the default.
      if (
        value === undefined ||
        /^(?:general\.(?:hosts|host_types|loglevel)|host_config|acl|shaper|.*\.http\b.*host)/.test(path)
      )
        continue;
      const lines = complete.filter(
        (line) => line.startsWith(`${key} = `) || line.startsWith(`password.${key} = `),
      );
      expect(
        lines.some((line) => line.endsWith(` = ${value}`)),
        `${path} = ${value}`,
      ).toBe(true);
    }
  });

  it('shows the default of each option of the built-in modules, or an example where that is empty', () => {
    for (const [name, schema] of moduleSchemas) {
      const section = COMPLETE.split(`\n[modules.${name}]\n`)[1]?.split('\n[')[0] ?? '';
      for (const { path, defaultText } of catalogue(schema as z.ZodType)) {
        const value = /^`([^`]*)`$/.exec(defaultText ?? '')?.[1];
        if (value === undefined || value === '[]' || path.includes('.')) continue;
        expect(section.split('\n'), `${name}.${path}`).toContain(`${path} = ${value}`);
      }
    }
  });

  it('keeps its lines short enough to read', () => {
    const long = TEXT.split('\n').filter((line) => line.startsWith('# ') && line.length > 130);
    expect(long).toEqual([]);
  });
});
