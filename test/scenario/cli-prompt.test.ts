import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';

/** A password that is asked for on a terminal (made by `script` of util-linux). */

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ shards: 1 });
});

afterAll(async () => {
  await server.stop();
});

/** Runs `user add` on a terminal and types each answer when it is asked. Resolves to all that stood on the screen. */
function typing(jid: string, answers: readonly string[]): Promise<{ screen: string; status: number | null }> {
  const command = `${process.execPath} ${MAIN} --config ${server.configFile} user add ${jid}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: 'pipe' });
  const left = [...answers];
  let screen = '';
  let asked = 0;
  child.stdout.on('data', (data: Buffer) => {
    screen += data.toString();
    const questions = screen.match(/(Password|Again): /g)?.length ?? 0;
    for (; asked < questions; asked++) child.stdin.write(left.shift() ?? '\u0003');
  });
  return new Promise((resolve) => child.once('close', (status) => resolve({ screen, status })));
}

describe('a password on a terminal', () => {
  it('is asked for twice, can be corrected, and is not shown', async () => {
    const { screen, status } = await typing('romeo@localhost', ['sx\u007fecret\r', 'secret\r']);
    expect(status).toBe(0);
    expect(screen).toContain('romeo@localhost added');
    expect(screen).not.toContain('ecret');
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    await romeo.close();
  });

  it('must be typed the same twice', async () => {
    const { screen, status } = await typing('juliet@localhost', ['secret\r', 'secrets\r']);
    expect(status).toBe(1);
    expect(screen).toContain('[password_missing]');
  });

  it('is given up by Ctrl-C', async () => {
    expect(await typing('juliet@localhost', ['sec\u0003'])).toMatchObject({ status: 1 });
  });
});
