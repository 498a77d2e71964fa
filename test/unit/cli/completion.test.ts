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

describe.each(['bash', 'zsh', 'fish'] as const)('the script for %s', (shell) => {
  it.runIf(has(shell))('is accepted by the shell', () => {
    const { status, stderr } = spawnSync(shell, ['-n'], {
      input: scriptFor(shell, program),
      encoding: 'utf8',
    });
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
