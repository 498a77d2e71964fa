import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The unit of docs/operations.md, looked at by systemd itself. */

const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
const unit = /```ini\n(\[Unit\].*?)```/s.exec(page)![1]!;
const isHere = spawnSync('systemd-analyze', ['--version']).status === 0;

/** What systemd finds wrong. The program and the user need not be there: another program, and root, stand for them. */
function problems(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'mk-unit-'));
  const file = join(directory, 'meerkat.service');
  const program = /\/opt\/meerkat\/node_modules\/\.bin\/meerkat/g;
  writeFileSync(file, text.replace(program, '/bin/true').replace(/^(User|Group)=meerkat$/gm, '$1=root'));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
  rmSync(directory, { recursive: true });
  return `${stdout}${stderr}${status === 0 ? '' : `status ${status}`}`;
}

describe.runIf(isHere || process.env['TEST_ALL_CLIENTS'] !== undefined)('the systemd unit', () => {
  it('has nothing that systemd does not know', () => {
    expect(unit).toContain('ExecStart=');
    expect(problems(unit)).toBe('');
    expect(problems(unit.replace('KillMode=', 'KillMod='))).toContain("Unknown key 'KillMod'");
  });
});
