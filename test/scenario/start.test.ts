import { createPrivateKey } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestCertificates } from '../helpers/certificates.ts';
import { TestClient } from '../helpers/client.ts';
import { MeerkatRun, meerkat } from '../helpers/meerkat.ts';
import { eventually } from '../helpers/process.ts';
import { createUsers } from '../helpers/server.ts';

/** Starting the server: what it is told by options, environment and files, and what it says when it cannot. */

const HEAD = '[general]\n  hosts = ["localhost"]\n  shards = 1\n';
const C2S = '[[listen.c2s]]\n  port = 0\n  ip_address = "127.0.0.1"\n';

let directory: string;
let config: string;
let run: MeerkatRun | undefined;
let certificates: TestCertificates;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-start-'));
  config = join(directory, 'meerkat.toml');
  certificates = new TestCertificates();
});

afterEach(async () => {
  run?.child.kill('SIGTERM');
  await run?.result();
  run = undefined;
  certificates.remove();
  rmSync(directory, { recursive: true });
});

/** Starts a server that is to run. Returns the port of its first client listener. */
async function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  run = new MeerkatRun(['start', ...args], { env, cwd: directory });
  await run.until(({ stdout }) => stdout.includes('\n'), 'it is ready');
  return Number(/c2s=\S+:(\d+)/.exec(run.stdout)![1]);
}

/** Starts a server that cannot, and returns what it says. */
async function failure(text: string): Promise<string> {
  writeFileSync(config, text);
  const { status, stdout, stderr } = await meerkat(['start', '--config', config]);
  expect(status).toBe(1);
  expect(stdout).toBe('');
  return stderr;
}

describe('a server does not start', () => {
  it('with a certificate that cannot be used, and tells of all of them', async () => {
    const { cert } = await certificates.make('one.example');
    const { key } = await certificates.make('two.example');
    const { certfile, keyfile } = certificates.write('mixed', cert, key);
    const tls = `    certfile = "${certfile}"\n    keyfile = "${keyfile}"\n`;
    const stderr = await failure(
      `${HEAD}${C2S}  [listen.c2s.tls]\n${tls}[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n  [listen.http.tls]\n${tls}`,
    );
    expect(stderr).toContain('meerkat: the server cannot start [certificate_invalid]');
    expect(stderr).toContain(`  listen.c2s[0].tls: ${certfile}: it cannot be used:`);
    expect(stderr).toContain(`  listen.http[0].tls: ${certfile}: it cannot be used:`);
    // Another server can have the directory at once.
    expect(existsSync(join(directory, 'data', 'meerkat.sock'))).toBe(false);
  });

  it('without its certificate', async () => {
    const stderr = await failure(
      `${HEAD}${C2S}  [listen.c2s.tls]\n    certfile = "/nonexistent.crt"\n    keyfile = "/nonexistent.key"\n`,
    );
    expect(stderr).toContain('[certificate_invalid]');
    expect(stderr).toContain('/nonexistent.crt');
  });

  it('where another program has the port', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const stderr = await failure(`${HEAD}${C2S.replace('port = 0', `port = ${port}`)}`);
    expect(stderr).toContain('[listen_failed]');
    expect(stderr).toContain(`127.0.0.1:${port}`);
    other.close();
  });

  it('without its configuration file', async () => {
    const { status, stderr } = await meerkat(['start', '--config', join(directory, 'missing.toml')]);
    expect(status).toBe(1);
    expect(stderr).toContain('[config_invalid]');
    expect(stderr).toContain('missing.toml');
  });

  it('in a storage directory that it may not write to', async () => {
    writeFileSync(join(directory, 'data'), 'in the way');
    expect(await failure(`${HEAD}${C2S}`)).toContain('[storage_failed]');
  });
});

describe('a server', () => {
  it('warns about a certificate that few clients take, and serves it', async () => {
    const { certfile, keyfile } = certificates.makeEd25519('rare.example');
    writeFileSync(
      config,
      `${HEAD}${C2S}  [listen.c2s.tls]\n    mode = "tls"\n    certfile = "${certfile}"\n    keyfile = "${keyfile}"\n`,
    );
    const port = await start(['--config', config]);
    await eventually(() => run!.stderr.includes('"certificate_warning"'), 'the warning is logged');
    expect(run!.stderr).toContain('few clients take a key of the type ed25519');
    expect(await subject(port)).toBe('rare.example');
    const checked = await meerkat(['check-config', '--config', config]);
    expect(checked.status).toBe(0);
    expect(checked.stdout).toContain('few clients take a key of the type ed25519');
  });

  it('reads a password from a file, for a key that is encrypted', async () => {
    const { certfile, key } = await certificates.make('locked.example');
    const locked = createPrivateKey(key).export({
      format: 'pem',
      type: 'pkcs8',
      cipher: 'aes-256-cbc',
      passphrase: 'open sesame',
    });
    const keyfile = join(directory, 'locked.key');
    writeFileSync(keyfile, locked);
    writeFileSync(join(directory, 'key.password'), 'open sesame\n');
    writeFileSync(
      config,
      `${HEAD}${C2S}  [listen.c2s.tls]\n    mode = "tls"\n    certfile = "${certfile}"\n    keyfile = "${keyfile}"\n    password_file = "key.password"\n`,
    );
    expect(await subject(await start(['--config', config]))).toBe('locked.example');
    run!.child.kill('SIGTERM');
    await run!.result();
    writeFileSync(join(directory, 'key.password'), 'not-this-one\n');
    const { status, stderr } = await meerkat(['start', '--config', config]);
    expect(status).toBe(1);
    expect(stderr).toContain('[certificate_invalid]');
    expect(stderr).not.toContain('not-this-one');
  });

  it('makes a certificate only for a listener that needs one', async () => {
    writeFileSync(config, `${HEAD}${C2S}`);
    await start(['--config', config]);
    expect(existsSync(join(directory, 'data', 'selfsigned.crt'))).toBe(false);
    writeFileSync(
      config,
      `${HEAD}${C2S}[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n  [listen.http.tls]\n`,
    );
    run!.child.kill('SIGTERM');
    expect((await run!.result()).stderr).not.toContain('self_signed_certificate');
    await start(['--config', config]);
    expect(existsSync(join(directory, 'data', 'selfsigned.crt'))).toBe(true);
    expect(run!.stderr).toContain('self_signed_certificate');
  });

  it('keeps its data where --data says, whatever the file says', async () => {
    const data = join(directory, 'elsewhere');
    createUsers(data, ['romeo']);
    writeFileSync(config, `${HEAD}${C2S}[storage]\n  directory = "./not-here"\n`);
    const port = await start(['--config', config, '--data', data]);
    await (await TestClient.login(port, 'romeo@localhost/orchard')).close();
    expect(existsSync(join(directory, 'not-here'))).toBe(false);
    const list = await meerkat(['--config', config, '--data', data, 'user', 'list']);
    expect(list.stdout).toBe('romeo@localhost\n');
  });

  it('obeys the environment, and the command line before it', async () => {
    const [data, other] = [join(directory, 'by-env'), join(directory, 'by-option')];
    createUsers(other, ['romeo']);
    writeFileSync(config, `${HEAD}${C2S}`);
    const env = {
      MEERKAT_CONFIG: config,
      MEERKAT_DATA: data,
      MEERKAT_LOGLEVEL: 'info',
      MEERKAT_ADMIN_SOCKET: join(directory, 'admin.sock'),
    };
    const port = await start(['--data', other], env);
    await (await TestClient.login(port, 'romeo@localhost/orchard')).close();
    expect(existsSync(data)).toBe(false);
    expect(existsSync(join(directory, 'admin.sock'))).toBe(true);
    run!.child.kill('SIGTERM');
    const { stderr } = await run!.result();
    // Only at the level `info`.
    expect(stderr).toContain('"what":"stopping"');
  });

  it('starts with no configuration at all, and makes what it needs for itself alone', async () => {
    // Another server of this machine may have the port of the built-in configuration.
    run = new MeerkatRun(['start', '--data', join(directory, 'data')], { cwd: directory });
    await run.until(({ stdout, stderr }) => /ready|listen_failed/.test(stdout + stderr), 'it has tried');
    const { stderr } = run;
    if (!stderr.includes('listen_failed')) {
      expect(run.stdout).toMatch(/^meerkat ready pid=\d+ c2s=127\.0\.0\.1:5222/);
      const secret = readFileSync(join(directory, 'data', 'secret'));
      expect(secret.length).toBe(32);
    }
    expect(stderr).toContain('"self_signed_certificate"');
  });
});

/** Who the certificate on a port is for. */
function subject(port: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
