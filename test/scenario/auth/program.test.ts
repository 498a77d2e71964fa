import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { answerTo, opened, tryPlain } from '../../helpers/login.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { eventually } from '../../helpers/process.ts';
import { TestServer } from '../../helpers/server.ts';
import { plain } from '../../helpers/xml.ts';

/** The method `external`, with a program of the test's own. */

const PROGRAM = new URL('../../fixtures/authenticate.mjs', import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), 'mk-ext-'));
const accounts = join(directory, 'accounts');
const log = join(directory, 'log');

let server: TestServer;

beforeAll(async () => {
  writeFileSync(log, '');
  server = await TestServer.start({
    toml: `
      [auth]
        [auth.external]
          program = "${process.execPath} ${PROGRAM} ${accounts} ${log}"
          instances = 2
      [modules.mod_presence]`,
    isFaulty: true,
  });
});

afterAll(async () => {
  const { pid } = server;
  await server.stop();
  // The programs end with the server.
  const pids = new Set(questions().map(({ pid: program }) => program));
  expect(pids.size).toBeGreaterThan(0);
  await eventually(() => [...pids].every((program) => !isRunning(program)), 'the programs have ended');
  expect(isRunning(pid)).toBe(false);
  rmSync(directory, { recursive: true, force: true });
});

beforeEach(() => {
  writeFileSync(accounts, 'romeo@localhost:juliet:and:colons\njuliet@localhost:balcony\n');
});

/** Whether a process is there and has not ended: one whose parent thread died is listed on until the server ends. */
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

function questions(): { pid: number; text: string }[] {
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ pid: Number(line.split(' ')[0]), text: line.slice(line.indexOf(' ') + 1) }));
}

function login(user: string, password: string): Promise<string> {
  return tryPlain(server.port(), 'localhost', user, password);
}

function behave(how: string): void {
  writeFileSync(accounts, `behave: ${how}\nromeo@localhost:juliet\n`);
}

describe('a program that answers', () => {
  it('is asked whether a password is right', async () => {
    expect(await login('romeo', 'juliet:and:colons')).toBe('success');
    expect(questions().at(-1)!.text).toBe('auth:romeo:localhost:juliet:and:colons');
    expect(await login('romeo', 'juliet')).toBe('not-authorized');
    expect(await login('mercutio', 'x')).toBe('not-authorized');
  });

  it('offers PLAIN only', async () => {
    const { client, mechanisms } = await opened(server.port(), 'localhost');
    expect(mechanisms).toEqual(['PLAIN']);
    client.cut();
  });

  it('may take its time for an answer, and write it in pieces', async () => {
    behave('slowly');
    expect(await login('romeo', 'whatever')).toBe('success');
  });

  it('registers, changes and removes', async () => {
    const run = (args: string[], input = ''): ReturnType<typeof meerkat> =>
      meerkat([...args, '--config', server.configFile], { input });
    expect((await run(['user', 'add', 'nurse@localhost'], 'one\n')).status).toBe(0);
    expect(await login('nurse', 'one')).toBe('success');
    expect((await run(['user', 'add', 'nurse@localhost'], 'one\n')).status).not.toBe(0);
    expect((await run(['user', 'passwd', 'nurse@localhost'], 'two\n')).status).toBe(0);
    expect(await login('nurse', 'two')).toBe('success');
    expect((await run(['user', 'delete', 'nurse@localhost'])).status).toBe(0);
    expect(await login('nurse', 'two')).toBe('not-authorized');
  });

  it('runs in as many copies as configured in each shard, which take turns', async () => {
    const before = questions().length;
    for (let i = 0; i < 8; i++) await login('juliet', 'balcony');
    const pids = new Map<number, number>();
    for (const { pid } of questions().slice(before)) pids.set(pid, (pids.get(pid) ?? 0) + 1);
    expect([...pids.values()]).toEqual([2, 2, 2, 2]);
  });
});

describe('a program that does not answer as agreed: temporary-auth-failure, and a new copy', () => {
  it.each(['exit', 'garbage'])('%s', async (how) => {
    behave(how);
    expect(await login('romeo', 'juliet')).toBe('temporary-auth-failure');
    writeFileSync(accounts, 'romeo@localhost:juliet\n');
    for (let i = 0; i < 4; i++) expect(await login('romeo', 'juliet')).toBe('success');
  });

  it('one that answers twice has no say in the next question', async () => {
    behave('twice');
    // The first answer may count; the second one is never taken for that to another question.
    await login('romeo', 'wrong');
    await login('romeo', 'wrong');
    writeFileSync(accounts, 'romeo@localhost:juliet\n');
    for (let i = 0; i < 8; i++) expect(await login('romeo', 'wrong')).toBe('not-authorized');
  });

  it('one that hangs: a failure in time, and an end of that copy', async () => {
    behave('hang');
    const before = questions().length;
    const { client } = await opened(server.port(), 'localhost');
    expect(await answerTo(client, plain('romeo', 'juliet'))).toBe('temporary-auth-failure');
    const { pid } = questions()[before]!;
    await eventually(() => !isRunning(pid), 'the copy has ended');
    writeFileSync(accounts, 'romeo@localhost:juliet\n');
    // The same stream may try again.
    expect(await answerTo(client, plain('romeo', 'juliet'))).toBe('success');
    client.cut();
  });
});

it('a shard that dies takes its copies along, and its successor has new ones', async () => {
  for (let i = 0; i < 8; i++) await login('juliet', 'balcony');
  const before = new Set(
    questions()
      .map(({ pid }) => pid)
      .filter(isRunning),
  );
  expect(before.size).toBe(4);
  await server.strike('shard 1', 'throw');
  await eventually(() => [...before].filter(isRunning).length === 2, 'two copies have ended');
  await eventually(() => server.log.includes('shard_died'), 'the death is noticed');
  await eventually(async () => {
    for (let i = 0; i < 8; i++) if ((await login('juliet', 'balcony')) !== 'success') return false;
    return (
      new Set(
        questions()
          .slice(-8)
          .map(({ pid }) => pid),
      ).size === 4
    );
  }, 'all four copies are asked');
});

it('no password is logged (T69)', () => {
  expect(server.log).not.toContain('and:colons');
  expect(server.log).not.toContain('balcony');
  expect(server.log).toContain('auth_backend_failed');
});
