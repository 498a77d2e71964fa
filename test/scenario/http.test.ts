import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCertificates } from '../helpers/certificates.ts';
import { TestClient } from '../helpers/client.ts';
import { freePort } from '../helpers/daemon.ts';
import { MeerkatRun } from '../helpers/meerkat.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';

/** What HTTP listeners of a real server show: metrics and health. */

const LISTENER = `[[listen.http]]
  port = 0
  ip_address = "127.0.0.1"
  max_connections_per_address = "infinity"
  connections_per_second_per_address = "infinity"
`;
const MODULES = '[modules.mod_presence]\n[modules.mod_offline]\n';

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

interface GetOptions {
  readonly method?: string;
  readonly host?: string;
  readonly secure?: boolean;
  readonly body?: string;
}

function get(port: number, path: string, options: GetOptions = {}): Promise<Answer & { issuer?: string }> {
  const request = options.secure ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        port,
        path,
        host: '127.0.0.1',
        method: options.method ?? 'GET',
        agent: false,
        headers: options.host === undefined ? {} : { host: options.host },
        rejectUnauthorized: false,
      },
      (response) => {
        const parts: Buffer[] = [];
        const certificate = options.secure ? (response.socket as TLSSocket).getPeerCertificate() : undefined;
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(parts).toString(),
            ...(certificate === undefined ? {} : { issuer: String(certificate.subject.CN) }),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}

/** The samples of an exposition: `name{labels}` and value. */
function samples(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const space = line.lastIndexOf(' ');
    found.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return found;
}

function sum(all: ReadonlyMap<string, number>, name: string, ...labels: readonly string[]): number {
  let total = 0;
  for (const [key, value] of all) {
    if (key.replace(/\{.*/, '') === name && labels.every((label) => key.includes(label))) total += value;
  }
  return total;
}

describe('metrics', () => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      shards: 2,
      users: ['romeo', 'juliet', 'nurse'],
      toml: `${LISTENER}${MODULES}`,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  });

  afterAll(async () => {
    await server.stop();
  });

  async function scrape(): Promise<Map<string, number>> {
    return samples((await get(server.port('http'), '/metrics')).body);
  }

  it('are in the text format of Prometheus', async () => {
    const { status, headers, body } = await get(server.port('http'), '/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/plain');
    const names = new Set([...samples(body).keys()].map((key) => key.replace(/\{.*/, '')));
    expect([...names].filter((name) => !name.startsWith('meerkat_'))).toEqual([]);
    for (const name of names) {
      // Parts of a histogram or summary are declared under its own name.
      const base = name.replace(/_(bucket|sum|count)$/, '');
      expect(body.includes(`# TYPE ${name} `) || body.includes(`# TYPE ${base} `), name).toBe(true);
    }
    // What docs/metrics.md has is what there is.
    const page = readFileSync('docs/metrics.md', 'utf8');
    const documented = [...page.matchAll(/^\| `(meerkat_\w+)` \| (\w+) \|/gm)];
    expect(documented.length).toBeGreaterThan(40);
    for (const [, name, type] of documented) expect(body).toContain(`# TYPE ${name} ${type}\n`);
    const undocumented = [...names].filter(
      (name) => !documented.some(([, known]) => known === name) && !/^meerkat_(process|nodejs)_/.test(name),
    );
    expect(undocumented).toEqual([]);
    expect(body).toMatch(/^meerkat_build_info\{version="[\d.]+",node="26[\d.]+"\} 1$/m);
  });

  it('count stanzas by kind and outcome, exactly', async () => {
    const before = await scrape();
    for (let i = 0; i < 5; i++)
      romeo.send("<message to='juliet@localhost/balcony' type='chat'><body>x</body></message>");
    for (let i = 0; i < 5; i++) await juliet.message();
    romeo.send("<message to='nurse@localhost' type='chat'><body>x</body></message>");
    romeo.send("<message to='nobody@localhost' type='chat'><body>x</body></message>");
    await romeo.message();
    await juliet.iq('get', 'localhost', "<nothing xmlns='urn:test:nothing'/>");
    const after = await scrape();
    const more = (name: string, ...labels: string[]): number =>
      sum(after, name, ...labels) - sum(before, name, ...labels);
    expect(more('meerkat_stanzas_received_total', 'kind="message"')).toBe(7);
    expect(more('meerkat_stanzas_received_total', 'kind="iq"')).toBe(1);
    expect(more('meerkat_stanzas_routed_total', 'kind="message"', 'outcome="forwarded"')).toBe(5);
    // Those, and the error that came back.
    expect(more('meerkat_stanzas_routed_total', 'kind="message"', 'outcome="delivered"')).toBe(6);
    expect(more('meerkat_stanzas_routed_total', 'kind="message"', 'outcome="stored"')).toBe(1);
    expect(more('meerkat_stanzas_routed_total', 'kind="message"', 'outcome="bounced"')).toBe(1);
    expect(more('meerkat_messages_bounced_total')).toBe(0);
    expect(more('meerkat_stanza_errors_sent_total')).toBe(2);
    expect(more('meerkat_module_events_total', 'event="mod_offline_stored"')).toBeLessThanOrEqual(1);
    expect(more('meerkat_hook_runs_total', 'hook="offline_message"', 'host_type="localhost"')).toBe(1);
    expect(more('meerkat_store_requests_total')).toBeGreaterThan(0);
    expect(more('meerkat_store_commits_total')).toBe(1);
    expect(more('meerkat_store_commit_seconds_total')).toBeGreaterThan(0);
    expect(sum(after, 'meerkat_sessions')).toBe(2);
  });

  it('count logins by result', async () => {
    const before = await scrape();
    await expect(TestClient.login(server.port(), 'romeo@localhost/x', { password: 'wrong' })).rejects.toThrow(
      'not-authorized',
    );
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
    const after = await scrape();
    const more = (...labels: string[]): number =>
      sum(after, 'meerkat_logins_total', ...labels) - sum(before, 'meerkat_logins_total', ...labels);
    expect(more('result="success"')).toBe(1);
    expect(more('result="failure"')).toBe(1);
    await nurse.close();
  });

  it('tell about every shard, the store, rings, the process and certificates', async () => {
    // The delay of event loops is written once a second.
    await eventually(
      async () =>
        [...(await scrape()).keys()].some((key) => key.startsWith('meerkat_loop_delay_seconds{shard="1"')),
      'loop delay',
    );
    // What somebody's end has to write passes a ring, too.
    const depth = ['0', '1'].map((from) => `{from="${from}",to="store"}`);
    await eventually(async () => {
      const all = await scrape();
      return depth.every((ring) => all.get(`meerkat_ring_depth_bytes${ring}`) === 0);
    }, 'empty rings');
    const all = await scrape();
    for (const shard of ['0', '1']) {
      expect(all.get(`meerkat_shard_up{shard="${shard}"}`)).toBe(1);
      expect(all.get(`meerkat_loop_delay_seconds{shard="${shard}",quantile="0.99"}`)).toBeGreaterThanOrEqual(
        0,
      );
    }
    expect(all.get('meerkat_loop_delay_seconds{shard="store",quantile="1"}')).toBeGreaterThanOrEqual(0);
    expect(all.get('meerkat_ring_waiting_frames{from="0",to="1"}')).toBe(0);
    expect(all.get('meerkat_store_up{store="0"}')).toBe(1);
    expect(all.get('meerkat_ready')).toBe(1);
    expect(all.get('meerkat_thread_restarts_total{kind="shard"}')).toBe(0);
    expect(all.get('meerkat_process_resident_memory_bytes')).toBeGreaterThan(1e7);
    expect([...all.keys()].some((key) => key.startsWith('meerkat_process_cpu_seconds_total'))).toBe(true);
  });

  it('have label values from closed lists only, whatever clients send (threat T75)', async () => {
    const series = new Set((await scrape()).keys());
    for (let i = 0; i < 200; i++) {
      romeo.send(`<iq type='get' id='x${i}' to='localhost'><x xmlns='urn:flood:${i}'/></iq>`);
      romeo.send(
        `<message to='u${i}@d${i}.example' type='t${i}' id='y${i}'><a${i} xmlns='urn:n${i}'/></message>`,
      );
    }
    await romeo.until((element) => element.attribute('id') === 'y199');
    const added = [...(await scrape()).keys()].filter((key) => !series.has(key));
    expect(added.filter((key) => !/^meerkat_(hook_runs|module_events)_total|gc_duration/.test(key))).toEqual(
      [],
    );
    expect(added.length).toBeLessThan(20);
    expect(added.join('\n')).not.toMatch(/flood|example|urn/);
  });

  it('are not to be changed, and nothing else is there', async () => {
    const port = server.port('http');
    expect((await get(port, '/metrics', { method: 'POST', body: '{}' })).status).toBe(404);
    expect((await get(port, '/metrics', { method: 'DELETE' })).status).toBe(404);
    expect((await get(port, '/metrics/../../etc/passwd')).status).toBe(404);
    expect((await get(port, '/..%2f..%2fetc%2fpasswd')).status).toBe(404);
    const { status, headers, body } = await get(port, '/<script>');
    expect(status).toBe(404);
    expect(body).toBe('{"error":"not found"}');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect((await get(port, '/metrics', { method: 'HEAD' })).status).toBe(200);
  });

  it('come out whole for several who ask at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => get(server.port('http'), '/metrics')));
    for (const { status, body } of all) {
      expect(status).toBe(200);
      expect(samples(body).get('meerkat_store_up{store="0"}')).toBe(1);
    }
  });
});

describe('a listener of the configuration', () => {
  it('serves metrics where it says, to the host that it says, within its limits', async () => {
    const server = await TestServer.start({
      shards: 1,
      toml: `[[listen.http]]
  port = 0
  ip_address = "127.0.0.1"
  max_connections_per_address = 2
  connections_per_second_per_address = "infinity"
[[listen.http.handlers.mongoose_prometheus_handler]]
  host = "metrics.example"
  path = "/stats/prometheus"
`,
    });
    const port = server.port('http');
    expect((await get(port, '/stats/prometheus', { host: 'metrics.example' })).status).toBe(200);
    expect((await get(port, '/stats/prometheus', { host: 'other.example' })).status).toBe(404);
    expect((await get(port, '/metrics', { host: 'metrics.example' })).status).toBe(404);
    expect((await get(port, '/livez', { host: 'whatever' })).status).toBe(200);

    const open = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await Promise.all(open.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    const third = connect(port, '127.0.0.1');
    third.on('error', () => {});
    await new Promise((resolve) => third.once('close', resolve));
    for (const socket of open) socket.destroy();
    await eventually(async () => {
      const answer = await get(port, '/stats/prometheus', { host: 'metrics.example' }).catch(() => undefined);
      return (
        answer?.body.includes('connections_refused_total{listener="listen.http[0]",reason="address"}') ===
        true
      );
    }, 'the refusal is counted');
    await server.stop();
  });

  it('encrypts with its certificate, or the one made at the first start', async () => {
    const certificates = new TestCertificates();
    const { certfile, keyfile } = await certificates.make('metrics.example');
    const server = await TestServer.start({
      shards: 1,
      toml: `${LISTENER}  [listen.http.tls]
    certfile = "${certfile}"
    keyfile = "${keyfile}"
${LISTENER}  [listen.http.tls]
`,
    });
    const own = await get(server.port('http', 0), '/metrics', { secure: true });
    expect(own.issuer).toBe('metrics.example');
    expect((await get(server.port('http', 1), '/readyz', { secure: true })).issuer).toBe('localhost');
    const all = samples(own.body);
    expect(
      all.get('meerkat_tls_certificate_days_left{listener="listen.http[0]",domain="*"}'),
    ).toBeGreaterThan(0);
    expect(
      all.get('meerkat_tls_certificate_days_left{listener="listen.http[1]",domain="*"}'),
    ).toBeGreaterThan(3_000);
    await expect(get(server.port('http', 0), '/metrics')).rejects.toThrow();
    await server.stop();
    certificates.remove();
  });
});

describe('health', () => {
  it('is ready between start and stop only, and alive all the time', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mk-health-'));
    const port = await freePort();
    // A module that takes its time to start.
    writeFileSync(
      join(directory, 'mod-slow.ts'),
      `import { existsSync } from 'node:fs';
const cell = new Int32Array(new SharedArrayBuffer(4));
export default {
  name: 'mod_slow',
  options: { safeParse: (data) => ({ success: true, data }) },
  setup() {
    for (let i = 0; i < 500 && !existsSync('${join(directory, 'go')}'); i++) Atomics.wait(cell, 0, 0, 10);
  },
};
`,
    );
    const config = join(directory, 'meerkat.toml');
    writeFileSync(
      config,
      `[general]\n  hosts = ["localhost"]\n  shards = 2\n[[listen.c2s]]\n  port = 0\n  ip_address = "127.0.0.1"\n` +
        `[[listen.http]]\n  port = ${port}\n  ip_address = "127.0.0.1"\n[modules.mod_slow]\n  path = "./mod-slow.ts"\n`,
    );
    const run = new MeerkatRun(['start', '--config', config]);
    const health = async (path: string): Promise<Answer | undefined> =>
      await get(port, path).catch(() => undefined);
    await eventually(async () => (await health('/readyz')) !== undefined, 'the listener is there');
    expect(await health('/readyz')).toMatchObject({
      status: 503,
      body: '{"status":"unavailable","reasons":["starting"]}',
    });
    expect(await health('/livez')).toMatchObject({ status: 200 });
    writeFileSync(join(directory, 'go'), '');
    await run.until(({ stdout }) => stdout.includes('\n'), 'it is ready');
    expect(await health('/readyz')).toMatchObject({ status: 200, body: '{"status":"ok","reasons":[]}' });

    // A client that does not hang up holds the server for a moment.
    const [, c2s] = /c2s=\S+:(\d+)/.exec(run.stdout)!;
    const client = await TestClient.connect(Number(c2s));
    await client.openStream('localhost');
    client.socket.pause();
    run.child.kill('SIGTERM');
    await eventually(async () => (await health('/readyz'))?.status === 503, 'it is not ready any more');
    expect(await health('/readyz')).toMatchObject({
      body: '{"status":"unavailable","reasons":["draining"]}',
    });
    expect(await health('/livez')).toMatchObject({ status: 200 });
    expect(await run.result()).toMatchObject({ status: 0 });
    rmSync(directory, { recursive: true });
  });

  it('is not ready while a shard is away, and again when it was replaced', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mk-health-'));
    writeFileSync(
      join(directory, 'mod-frail.ts'),
      `import { existsSync, writeFileSync } from 'node:fs';
const cell = new Int32Array(new SharedArrayBuffer(4));
export default {
  name: 'mod_frail',
  options: { safeParse: (data) => ({ success: true, data }) },
  setup(context) {
    while (existsSync('${join(directory, 'died')}') && !existsSync('${join(directory, 'go')}')) Atomics.wait(cell, 0, 0, 10);
    context.hook('user_send_message', 1, (acc) => {
      if (acc.stanza.element.childText('body') !== 'die') return undefined;
      writeFileSync('${join(directory, 'died')}', '');
      process.exit(1);
    });
  },
};
`,
    );
    const server = await TestServer.start({
      shards: 2,
      users: ['romeo', 'juliet'],
      toml: `${LISTENER}[modules.mod_presence]\n[modules.mod_frail]\n  path = "${join(directory, 'mod-frail.ts')}"\n`,
    });
    const port = server.port('http');
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    romeo.send("<message to='juliet@localhost'><body>die</body></message>");
    await eventually(async () => (await get(port, '/readyz')).status === 503, 'a shard is away');
    expect((await get(port, '/readyz')).body).toBe('{"status":"unavailable","reasons":["shard"]}');
    expect((await get(port, '/livez')).status).toBe(200);
    // Its metrics are there all the same.
    const away = samples((await get(port, '/metrics')).body);
    expect(sum(away, 'meerkat_shard_up')).toBe(1);
    expect(away.get('meerkat_ready')).toBe(0);
    await juliet.nothingElse();
    writeFileSync(join(directory, 'go'), '');
    await eventually(async () => (await get(port, '/readyz')).status === 200, 'the shard is back');
    const back = samples((await get(port, '/metrics')).body);
    expect(sum(back, 'meerkat_shard_up')).toBe(2);
    expect(back.get('meerkat_thread_restarts_total{kind="shard"}')).toBe(1);
    await server.stop();
    rmSync(directory, { recursive: true });
  });
});
