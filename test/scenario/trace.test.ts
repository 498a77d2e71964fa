import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { MeerkatRun } from '../helpers/meerkat.ts';
import { TestServer } from '../helpers/server.ts';

/** `meerkat trace`: a stanza's steps, live, from all shards and in order. */

let directory: string;
let server: TestServer;
const clients: TestClient[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk-trace-'));
  writeFileSync(
    join(directory, 'mod-witness.ts'),
    `export default {
  name: 'mod_witness',
  options: { safeParse: (data) => ({ success: true, data }) },
  setup(context) {
    context.hook('user_send_message', 10, () => undefined);
    context.hook('user_send_message', 20, (acc) => (acc.stanza.element.childText('body') === 'slow' ? Promise.resolve() : undefined));
    context.hook('user_receive_message', 10, () => undefined);
    context.globalHook('filter_packet', 10, () => undefined);
  },
};
`,
  );
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_witness]\n  path = "${join(directory, 'mod-witness.ts')}"\n`,
  });
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function login(jid: string): Promise<TestClient> {
  const client = await TestClient.login(server.port(), jid);
  clients.push(client);
  return client;
}

interface Line {
  readonly ref: number;
  readonly timeUs: number;
  readonly shard: number;
  readonly stanza: string;
  readonly depth: number;
  readonly step: string;
  readonly module?: string;
  readonly outcome?: string;
  readonly us?: number;
}

async function trace(jid: string, ...args: readonly string[]): Promise<MeerkatRun> {
  const run = new MeerkatRun(['--config', server.configFile, 'trace', jid, ...args]);
  await run.until(({ stderr }) => stderr.includes(`tracing ${jid}`), 'the trace begins');
  return run;
}

function linesOf(run: MeerkatRun): Line[] {
  return run.stdout
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line);
}

/** Waits until some step was shown. */
async function shown(run: MeerkatRun, step: string, outcome = ''): Promise<void> {
  await run.until(
    () => linesOf(run).some((line) => line.step === step && (line.outcome ?? '').includes(outcome)),
    `${step} ${outcome}`,
  );
}

async function stopped(run: MeerkatRun): Promise<void> {
  run.child.kill('SIGINT');
  expect(await run.result()).toMatchObject({ status: 0 });
}

const HELLO = "<message to='juliet@localhost/balcony' type='chat' id='m1'><body>Hello</body></message>";

describe('a trace', () => {
  it('shows each step of a stanza that crosses shards, in order and with times', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const juliet = await login('juliet@localhost/balcony');
    const run = await trace('romeo@localhost', '--json');
    romeo.send(HELLO);
    await juliet.message();
    await shown(run, 'socket');
    const lines = linesOf(run);
    expect(lines.map(({ step, module, outcome }) => [step, module ?? '', outcome ?? ''])).toEqual([
      ['user_send_message 10', 'mod_witness', 'ok'],
      ['user_send_message 20', 'mod_witness', 'ok'],
      ['filter_packet 10', 'mod_witness (localhost)', 'ok'],
      ['router global', '', 'pass'],
      ['router localdomain', '', 'asked'],
      [expect.stringMatching(/^frame to shard [01]$/), '', '1 session'],
      ['outcome', '', 'forwarded: juliet@localhost/balcony'],
      ['session', '', expect.stringMatching(/^juliet@localhost\/balcony on shard [01]$/)],
      ['outcome', '', 'delivered: juliet@localhost/balcony'],
      ['user_receive_message 10', 'mod_witness', 'ok'],
      ['socket', '', 'written to juliet@localhost/balcony'],
    ]);
    expect(new Set(lines.map(({ ref }) => ref)).size).toBe(1);
    expect(new Set(lines.slice(0, 7).map(({ shard }) => shard)).size).toBe(1);
    expect(new Set(lines.map(({ shard }) => shard))).toEqual(new Set([0, 1]));
    expect(lines.every((line, i) => i === 0 || line.timeUs >= lines[i - 1]!.timeUs)).toBe(true);
    expect(Math.abs(lines[0]!.timeUs / 1_000 - Date.now())).toBeLessThan(60_000);
    for (const { step, us } of lines.filter(({ module }) => module !== undefined))
      expect(us, step).toBeTypeOf('number');
    expect(lines[0]!.stanza).toBe(
      'message type=chat id=m1 romeo@localhost/orchard → juliet@localhost/balcony',
    );
    await stopped(run);
  });

  it('shows what a user is sent by others, from the first step on', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const juliet = await login('juliet@localhost/balcony');
    const run = await trace('juliet@localhost', '--json');
    romeo.send(HELLO);
    await juliet.message();
    await shown(run, 'socket');
    expect(linesOf(run)[0]).toMatchObject({ step: 'user_send_message 10' });
    await stopped(run);
  });

  it('shows sessions that are opened after it began', async () => {
    const run = await trace('romeo@localhost', '--json');
    const juliet = await login('juliet@localhost/balcony');
    const romeo = await login('romeo@localhost/orchard');
    romeo.send(HELLO);
    await juliet.message();
    await shown(run, 'socket', 'juliet@localhost/balcony');
    await stopped(run);
  });

  it('shows nothing of others, and never the content', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const juliet = await login('juliet@localhost/balcony');
    const nurse = await login('nurse@localhost/hall');
    const run = await trace('juliet@localhost', '--json');
    romeo.send("<message to='nurse@localhost' type='chat' id='secret'><body>Confidential</body></message>");
    await nurse.message();
    romeo.send("<message to='juliet@localhost' type='chat' id='m2'><body>Confidential</body></message>");
    await juliet.message();
    await shown(run, 'socket', 'juliet');
    expect(run.stdout).not.toContain('nurse');
    expect(run.stdout).not.toContain('Confidential');
    await stopped(run);
  });

  it('shows what is made because of a stanza below it, with the same reference', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const run = await trace('romeo@localhost', '--json');
    romeo.send("<message to='nobody@localhost' type='chat' id='m3'><body>x</body></message>");
    await romeo.message();
    await shown(run, 'socket');
    const lines = linesOf(run);
    const [first] = lines;
    expect(lines.find(({ step }) => step === 'error')).toMatchObject({
      depth: 0,
      outcome: 'service-unavailable',
    });
    expect(lines.find(({ step }) => step === 'socket')).toMatchObject({
      depth: 1,
      ref: first!.ref,
      stanza: 'message type=error id=m3 nobody@localhost → romeo@localhost/orchard',
    });
    await stopped(run);
  });

  it('shows a handler that answers later twice: when it is suspended and when it is done', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const juliet = await login('juliet@localhost/balcony');
    const run = await trace('romeo@localhost', '--json');
    romeo.send("<message to='juliet@localhost/balcony' type='chat'><body>slow</body></message>");
    await juliet.message();
    await shown(run, 'socket');
    const steps = linesOf(run).filter(({ step }) => step === 'user_send_message 20');
    expect(steps.map(({ outcome }) => outcome)).toEqual(['suspended', 'ok']);
    await stopped(run);
  });

  it('does not disturb another: each shows its own user, and ends alone', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const juliet = await login('juliet@localhost/balcony');
    const nurse = await login('nurse@localhost/hall');
    const [a, b, c] = await Promise.all([
      trace('romeo@localhost', '--json'),
      trace('nurse@localhost', '--json'),
      trace('romeo@localhost', '--json'),
    ]);
    romeo.send(HELLO);
    await juliet.message();
    await Promise.all([shown(a, 'socket'), shown(c, 'socket')]);
    expect(linesOf(a)).toEqual(linesOf(c));
    await stopped(a);
    nurse.send("<message to='juliet@localhost/balcony' type='chat' id='n1'><body>x</body></message>");
    await juliet.message();
    await shown(b, 'socket');
    expect(b.stdout).not.toContain('romeo');
    expect(c.stdout).not.toContain('nurse');
    await stopped(b);
    romeo.send(HELLO);
    await juliet.message();
    await c.until(
      () => linesOf(c).filter(({ step }) => step === 'socket').length === 2,
      'the second message',
    );
    await stopped(c);
  });

  it('ends after --for seconds, and after --count stanzas', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const juliet = await login('juliet@localhost/balcony');
    const timed = await trace('juliet@localhost', '--json', '--for', '0.2');
    expect(await timed.result()).toMatchObject({ status: 0 });
    const counted = await trace('romeo@localhost', '--json', '--count', '2');
    for (let i = 0; i < 4; i++) {
      romeo.send(HELLO);
      await juliet.message();
    }
    expect(await counted.result()).toMatchObject({ status: 0 });
    const lines = linesOf(counted);
    expect(new Set(lines.map(({ ref }) => ref)).size).toBe(2);
    expect(lines.filter(({ step }) => step === 'socket')).toHaveLength(2);
  });

  it('is easy to read: a line for the stanza, its steps below in columns', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const juliet = await login('juliet@localhost/balcony');
    const run = await trace('romeo@localhost', '--count', '1');
    romeo.send(HELLO);
    await juliet.message();
    const { stdout } = await run.result();
    const [head, ...steps] = stdout.trimEnd().split('\n');
    expect(head).toMatch(
      /^\d\d:\d\d:\d\d\.\d{6} message type=chat id=m1 romeo@localhost\/orchard → juliet@localhost\/balcony$/,
    );
    expect(steps[0]).toMatch(/^ +\+0 µs {2}shard \d {3}user_send_message 10 +mod_witness +ok +\d+ µs$/);
    const columns = steps.map((line) => line.indexOf('shard '));
    expect(new Set(columns).size).toBe(1);
  });

  it('needs an address', async () => {
    const run = new MeerkatRun(['--config', server.configFile, 'trace', '@']);
    expect(await run.result()).toMatchObject({ status: 1, stderr: expect.stringContaining('[invalid_jid]') });
  });
});
