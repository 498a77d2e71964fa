import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../../../src/cli/cli.ts';
import { scriptFor } from '../../../src/cli/completion.ts';

const program = buildProgram({ run: () => Promise.resolve() });
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-completion-'));
  writeFileSync(join(directory, 'meerkat.toml'), '');
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

function has(shell: string): boolean {
  return spawnSync(shell, ['--version']).status === 0;
}

/** What bash offers for the last of these words. */
function offered(...words: readonly string[]): string[] {
  const script = `${scriptFor('bash', program)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_meerkat
printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { cwd: directory, encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);
}

describe('completion in bash', () => {
  it('offers commands, and what begins like the word', () => {
    expect(offered('meerkat', '')).toEqual(expect.arrayContaining(['start', 'user', 'session', '--config']));
    expect(offered('meerkat', 'st')).toEqual(['start', 'stop', 'stats']);
  });

  it('offers the verbs of a command, also behind options', () => {
    expect(offered('meerkat', 'user', '')).toEqual(
      expect.arrayContaining(['add', 'delete', 'passwd', 'list', 'exists']),
    );
    expect(offered('meerkat', '--config', 'user', '--json', 'session', 'k')).toEqual(['kick']);
    expect(offered('meerkat', 'last', 'r')).toEqual(['remove-old']);
    expect(offered('meerkat', 'last', 'remove-old', 'localhost', '--b')).toEqual(['--before']);
    expect(offered('meerkat', 'private', 's')).toEqual(['set']);
    expect(offered('meerkat', 'vcard', 'g')).toEqual(['get']);
  });

  it('offers the options of a command, global ones included', () => {
    expect(offered('meerkat', 'trace', 'romeo@localhost', '--')).toEqual(
      expect.arrayContaining(['--for', '--count', '--json', '--socket']),
    );
  });

  it('offers files and directories where such are wanted', () => {
    expect(offered('meerkat', '--config', 'meer')).toEqual(['meerkat.toml']);
    expect(offered('meerkat', '--data', 'meer')).toEqual([]);
    expect(offered('meerkat', 'backup', 'meer')).toEqual(['meerkat.toml']);
    expect(offered('meerkat', 'completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
  });
});

/** Lines that are begun, and what they have become when a tabulator was typed behind each. */
const COMPLETED: readonly (readonly [begun: string, whole: string])[] = [
  ['meerkat us', 'meerkat user'],
  ['meerkat user pa', 'meerkat user passwd'],
  ['meerkat --json ver', 'meerkat --json version'],
  ['meerkat user --json exi', 'meerkat user --json exists'],
  ['meerkat user add romeo@localhost --js', 'meerkat user add romeo@localhost --json'],
  ['meerkat trace romeo@localhost --cou', 'meerkat trace romeo@localhost --count'],
  ['meerkat trace --for 3 --cou', 'meerkat trace --for 3 --count'],
  ['meerkat completion fi', 'meerkat completion fish'],
  ['meerkat --config meer', 'meerkat --config meerkat.toml'],
];

describe.runIf(has('fish') || process.env['TEST_ALL_CLIENTS'] !== undefined)('completion in fish', () => {
  it.each(COMPLETED)('makes of %s: %s', (begun, whole) => {
    writeFileSync(join(directory, 'completion.fish'), scriptFor('fish', program));
    const script = `source completion.fish; complete -C '${begun}'`;
    const stdout = execFileSync('fish', ['--no-config', '-c', script], { cwd: directory, encoding: 'utf8' });
    expect(stdout.split('\n').map((line) => line.split('\t')[0])).toEqual([whole.split(' ').at(-1), '']);
  });
});

describe.each(['bash', 'zsh', 'fish'] as const)('the script for %s', (shell) => {
  it.runIf(has(shell))('is accepted by the shell', () => {
    const file = join(directory, 'script');
    writeFileSync(file, scriptFor(shell, program));
    const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('knows every verb', () => {
    const script = scriptFor(shell, program);
    for (const command of program.commands) {
      expect(script).toContain(command.name());
      for (const inner of command.commands) expect(script).toContain(inner.name());
    }
  });
});
