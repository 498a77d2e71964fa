import { readdirSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../../src/admin/errors.ts';
import { SASL_CONDITIONS } from '../../../src/auth/sasl/result.ts';
import { buildProgram } from '../../../src/cli/cli.ts';
import { STANZA_ERRORS } from '../../../src/xmpp/stanza-error.ts';
import { STREAM_ERRORS } from '../../../src/xmpp/stream-error.ts';

/** Whether `docs/operations.md` still speaks of the server that there is. */

const ROOT = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/operations.md', ROOT), 'utf8');
const program = buildProgram({ run: () => Promise.resolve() });

/** The text below a heading, up to the next one of its level or above. */
function section(heading: string): string {
  const [, marks = ''] = new RegExp(`^(#+) ${heading}$`, 'm').exec(page) ?? [];
  expect(marks, heading).not.toBe('');
  const rest = page.slice(page.indexOf(`${marks} ${heading}\n`) + heading.length + marks.length);
  const end = rest.slice(1).search(new RegExp(`^#{1,${marks.length}} `, 'm'));
  return end < 0 ? rest : rest.slice(0, end + 1);
}

/** The words in code in the first column of the tables of a section. */
function firstColumn(heading: string): string[] {
  return [...section(heading).matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map(([, word]) => word!),
  );
}

function sources(): string {
  const files = [new URL('src/', ROOT), new URL('workers/', ROOT)].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => new URL(file, folder)),
  );
  return files
    .filter(({ pathname }) => pathname.endsWith('.ts'))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
}

function verbs(command: Command, words: readonly string[] = []): string[] {
  return command.commands.flatMap((inner) => {
    const all = [...words, inner.name()];
    return inner.commands.length > 0 ? verbs(inner, all) : [all.join(' ')];
  });
}

describe('docs/operations.md', () => {
  it('explains every error code of commands, and no other', () => {
    expect(firstColumn('Commands and start').toSorted()).toEqual([...ERROR_CODES].toSorted());
  });

  it('has an example of every command, and no other', () => {
    const examples = firstColumn('Commands').filter((text) => text.startsWith('meerkat '));
    const known = [...verbs(program), 'help'];
    const shown = examples.map((text) =>
      known.find((verb) => text === `meerkat ${verb}` || text.startsWith(`meerkat ${verb} `)),
    );
    expect(shown).not.toContain(undefined);
    expect(shown.toSorted()).toEqual(known.toSorted());
  });

  it('names options of commands that exist', () => {
    const options = (command: Command): (string | undefined)[] => [
      ...command.options.map(({ long }) => long),
      ...command.commands.flatMap(options),
    ];
    const known = new Set(options(program));
    const named = [...section('Commands').matchAll(/(?<![\w-])--[a-z]+/g)].map(([flag]) => flag);
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((flag) => !known.has(flag))).toEqual([]);
  });

  it('names lines of the log that are written', () => {
    const text = sources();
    const named = firstColumn('Logs').filter((word) => word !== 'what');
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((what) => !text.includes(`what: '${what}'`))).toEqual([]);
  });

  it('names metrics that exist', () => {
    const metrics = readFileSync(new URL('docs/metrics.md', ROOT), 'utf8');
    const named = [...page.matchAll(/\bmeerkat_[a-z_]+\b/g)].map(([name]) => name);
    expect(named.length).toBeGreaterThan(10);
    const unknown = named.filter(
      (name) => !metrics.includes(`| \`${name}\` |`) && !name.startsWith('meerkat_process_'),
    );
    expect(unknown).toEqual([]);
  });

  it.each([
    ['Errors of streams', STREAM_ERRORS],
    ['Failures of logins', SASL_CONDITIONS],
    ['Errors of stanzas', Object.keys(STANZA_ERRORS)],
  ])('names conditions that exist: %s', (heading, conditions) => {
    const named = firstColumn(heading);
    expect(named.length).toBeGreaterThan(4);
    expect(named.filter((condition) => !(conditions as readonly string[]).includes(condition))).toEqual([]);
  });

  it('explains the PRAGMAs that are set', () => {
    const text = sources();
    const set = [...text.matchAll(/pragma\([`'](\w+) = /g)].map(([, name]) => name!);
    // The lock is a file of its own.
    const wanted = new Set(set.filter((name) => name !== 'locking_mode'));
    expect(wanted.size).toBeGreaterThan(4);
    expect(firstColumn('Durability').filter((word) => /^[a-z_]+$/.test(word))).toEqual(
      expect.arrayContaining([...wanted]),
    );
  });

  it('points at headings and files that exist', () => {
    const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading!.toLowerCase().replaceAll(' ', '-'),
    );
    const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!);
    expect(links.length).toBeGreaterThan(15);
    const here = links.filter((link) => link.startsWith('#')).map((link) => link.slice(1));
    expect(here.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
  });
});
