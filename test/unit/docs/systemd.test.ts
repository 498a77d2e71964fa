import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The unit of docs/operations.md, looked at by systemd itself. */

const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
const unit = /```ini\n(\[Unit\].*?)```/s.exec(page)![1]!;
const isHere = spawnSync('systemd-analyze', ['--version']).status === 0;

/**
 * What systemd finds wrong with it; it also looks at the units of the machine that this one wants, which are not our business. The program and the user need not be there: another program, and root, stand for them.
 */
function problems(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'mk-unit-'));
  const file = join(directory, 'meerkat.service');
  const program = /\/opt\/meerkat\/node_modules\/\.bin\/meerkat/g;
  writeFileSync(file, text.replace(program, '/bin/true').replace(/^(User|Group)=meerkat$/gm, '$1=root'));
  const verify = ['verify', '--recursive-errors=no', file];
  const { status, stdout, stderr } = spawnSync('systemd-analyze', verify, { encoding: 'utf8' });
  rmSync(directory, { recursive: true });
  const own = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('meerkat.service'));
  return [...own, ...(status === 0 ? [] : [`status ${status}`, stderr])].join('\n');
}

describe.runIf(isHere || process.env['TEST_ALL_CLIENTS'] !== undefined)('the systemd unit', () => {
  it('has nothing that systemd does not know', () => {
    expect(unit).toContain('ExecStart=');
    expect(problems(unit)).toBe('');
    expect(problems(unit.replace('KillMode=', 'KillMod='))).toMatch(/Unknown key( name)? 'KillMod'/);
  });
});
