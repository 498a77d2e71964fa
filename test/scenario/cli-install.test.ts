import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { MeerkatRun, meerkat } from '../helpers/meerkat.ts';
import { createUsers, TestServer } from '../helpers/server.ts';

/** The ways in which the command is started: from the source tree, by npm, as a package; and what it is protected from (threats T54, T74). */

const ROOT = new URL('../../', import.meta.url).pathname;
const BIN = join(ROOT, 'bin/meerkat');
/** The machine's own tools, without the bundled Node in front. */
const PATH = '/usr/local/bin:/usr/bin:/bin';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-install-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function config(toml = ''): string {
  const file = join(directory, 'meerkat.toml');
  writeFileSync(
    file,
    `[general]
  hosts = ["localhost"]
  loglevel = "info"
  shards = 2
[[listen.c2s]]
  port = 0
  ip_address = "127.0.0.1"
[modules.mod_presence]
${toml}`,
  );
  createUsers(join(directory, 'data'), ['romeo']);
  return file;
}

async function started(run: MeerkatRun): Promise<number> {
  await run.until(({ stdout }) => stdout.includes('\n'), 'its readiness line');
  const [, port] = /^meerkat ready pid=\d+ c2s=127\.0\.0\.1:(\d+)\n$/.exec(run.stdout)!;
  return Number(port);
}

function flagsOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
}

describe('the command', () => {
  it('is found by npm in the source tree, without a network', async () => {
    const env = { npm_config_cache: join(directory, 'npm'), npm_config_offline: 'true', PATH };
    const { status, stdout } = await meerkat(['exec', 'meerkat', '--', '--version'], {
      program: ['npm'],
      env,
      cwd: ROOT,
    });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('runs through a link from anywhere, with the Node that came along', async () => {
    const link = join(directory, 'mk');
    symlinkSync(BIN, link);
    const second = join(directory, 'mk2');
    symlinkSync('mk', second);
    const { stdout } = await meerkat(['version', '--json'], { program: [second], env: { PATH }, cwd: '/' });
    const { node } = JSON.parse(stdout) as { node: string };
    expect(Number(node.split('.')[0])).toBeGreaterThanOrEqual(26);
  });

  it('runs a server below node_modules, as one installs it', async () => {
    const modules = join(directory, 'node_modules');
    mkdirSync(join(modules, '.bin'), { recursive: true });
    for (const name of readdirSync(join(ROOT, 'node_modules')))
      if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    for (const part of ['bin', 'src', 'workers', 'package.json'])
      cpSync(join(ROOT, part), join(modules, 'meerkat', part), { recursive: true });
    symlinkSync('../meerkat/bin/meerkat', join(modules, '.bin', 'meerkat'));

    const run = new MeerkatRun(['start', '--config', config()], {
      program: [join(modules, '.bin', 'meerkat')],
      env: { PATH },
      cwd: directory,
    });
    const romeo = await TestClient.login(await started(run), 'romeo@localhost/orchard');
    await romeo.nothingElse();
    run.child.kill('SIGTERM');
    expect(await run.result()).toMatchObject({
      status: 0,
      stderr: expect.not.stringContaining('Experimental'),
    });
  });
});

describe('a server', () => {
  it.each([
    ['the command', [BIN]],
    ['node', [process.execPath, join(ROOT, 'src/main.ts')]],
  ])('is the very process that %s was started as, protected', async (_what, program) => {
    const run = new MeerkatRun(['start', '--config', config()], { program, env: { PATH } });
    await started(run);
    const { pid } = run.child;
    expect(run.stdout).toContain(`pid=${pid} `);
    expect(flagsOf(pid!)).toEqual(expect.arrayContaining(['--disable-proto=delete', '--disable-sigusr1']));
    // glibc is told how to hand out memory.
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    expect(environment).toEqual(
      expect.arrayContaining(['MALLOC_MMAP_THRESHOLD_=65536', 'MALLOC_MMAP_MAX_=20000']),
    );
    run.child.kill('SIGTERM');
    expect(await run.result()).toMatchObject({ status: 0 });
  });

  it('takes no notice of SIGUSR1, and opens no inspector', async () => {
    const server = await TestServer.start({ users: ['romeo'] });
    const before = listeningPorts(server.pid);
    server.signal('SIGUSR1');
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    await romeo.nothingElse();
    expect(listeningPorts(server.pid)).toEqual(before);
    await server.stop();
  });

  it('has no __proto__ in any thread', async () => {
    const module = join(directory, 'mod-look.ts');
    writeFileSync(
      module,
      `import { z } from '${join(ROOT, 'node_modules/zod/index.js')}';
export default {
  name: 'mod_look',
  options: z.strictObject({}),
  setup(context) {
    context.log.warn({ what: 'looked', proto: Object.hasOwn(Object.prototype, '__proto__') }, 'looked');
  },
};
`,
    );
    const run = new MeerkatRun([
      'start',
      '--config',
      config(`[modules.mod_look]\n  path = "./mod-look.ts"\n`),
    ]);
    await started(run);
    run.child.kill('SIGTERM');
    const { stderr } = await run.result();
    const looked = stderr.split('\n').filter((line) => line.includes('"looked"'));
    expect(looked).toHaveLength(2);
    for (const line of looked) expect(JSON.parse(line)).toMatchObject({ proto: false });
  });

  it('refuses the inspector in production', async () => {
    const program = [process.execPath, '--inspect=127.0.0.1:0', join(ROOT, 'src/main.ts')];
    const { status, stderr } = await meerkat(['start', '--config', config()], {
      program,
      env: { NODE_ENV: 'production' },
    });
    expect(status).toBe(1);
    expect(stderr).toContain('[inspector_refused]');
  });
});

/** Local ports that a process listens on. */
function listeningPorts(pid: number): number[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [];
        return inode === undefined ? [] : [inode];
      } catch {
        return [];
      }
    }),
  );
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && inodes.has(fields[9]!))
    .map((fields) => Number.parseInt(fields[1]!.split(':')[1]!, 16))
    .sort();
}
