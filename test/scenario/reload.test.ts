import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestCertificates } from '../helpers/certificates.ts';
import { type Element, TestClient } from '../helpers/client.ts';
import { httpGet } from '../helpers/http.ts';
import { meerkat, type Result } from '../helpers/meerkat.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';

/** Reloading the configuration of a running server, by command and by signal. */

let directory: string;
let server: TestServer | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-reload-'));
});

afterEach(async () => {
  await server?.stop();
  server = undefined;
  rmSync(directory, { recursive: true });
});

const HEAD = `[general]
  hosts = ["localhost"]
  shards = 2
  loglevel = "info"
`;
const C2S = `[[listen.c2s]]
  port = 0
  ip_address = "127.0.0.1"
  shaper = "none"
  max_connections_per_address = "infinity"
  connections_per_second_per_address = "infinity"
`;
const MODULES = '[modules.mod_presence]\n[modules.mod_offline]\n';

async function start(config: string): Promise<TestServer> {
  server = await TestServer.start({ config, users: ['romeo', 'juliet'] });
  return server;
}

function rewrite(running: TestServer, change: (text: string) => string): void {
  const before = readFileSync(running.configFile, 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(running.configFile, after);
}

function reload(running: TestServer, ...args: readonly string[]): Promise<Result> {
  return meerkat(['--config', running.configFile, 'reload', ...args]);
}

async function report(running: TestServer): Promise<Record<string, string>> {
  const { stdout } = await reload(running, '--json');
  const { changes } = JSON.parse(stdout) as { changes: { path: string; effect: string }[] };
  return Object.fromEntries(changes.map(({ path, effect }) => [path, effect]));
}

describe('a reload', () => {
  it('tells what counts now, for new connections, and after a restart', async () => {
    const running = await start(`${HEAD}${C2S}${MODULES}`);
    expect((await reload(running)).stdout).toContain('no option has changed');
    rewrite(running, (text) =>
      text
        .replace('loglevel = "info"', 'loglevel = "warning"')
        .replace('shards = 2', 'shards = 3')
        .replace('shaper = "none"', 'shaper = "none"\n  max_stanza_size = 20000')
        .replace('port = 0', 'port = 15222')
        .concat('[modules.mod_register]\n'),
    );
    expect(await report(running)).toEqual({
      'general.loglevel': 'live',
      'general.shards': 'restart',
      'listen.c2s[0].port': 'restart',
      'listen.c2s[0].max_stanza_size': 'new connections',
      'modules.mod_register': 'live',
    });
    // What waits for a restart goes on waiting; the rest is done.
    expect(await report(running)).toEqual({ 'general.shards': 'restart', 'listen.c2s[0].port': 'restart' });
    const { stdout } = await reload(running);
    expect(stdout).toMatch(/^ {2}general\.shards +after a restart$/m);
    const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    await romeo.nothingElse();
    await romeo.close();
  });

  it('changes access rules for sessions that are there, and settings for new ones', async () => {
    const running = await start(
      `${HEAD}${C2S}  access = "c2s"\n[acl]\n  banned = [ {user = "nobody"} ]\n` +
        `[access]\n  c2s = [ {acl = "banned", value = "deny"}, {acl = "all", value = "allow"} ]\n${MODULES}`,
    );
    const before = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    rewrite(running, (text) =>
      text
        .replace('user = "nobody"', 'user = "romeo"')
        .replace('shaper = "none"', 'shaper = "none"\n  max_stanza_size = 20000'),
    );
    expect((await reload(running)).status).toBe(0);
    await expect(TestClient.login(running.port(), 'romeo@localhost/x')).rejects.toThrow();
    const juliet = await TestClient.login(running.port(), 'juliet@localhost/balcony');
    // The session that was there keeps its limit, the new one has the new limit.
    const large = `<message to='juliet@localhost/balcony' type='chat'><body>${'x'.repeat(30_000)}</body></message>`;
    before.send(large);
    await juliet.message();
    juliet.send(large);
    expect(await juliet.streamError()).toBe('policy-violation');
    await before.close();
  });

  it('starts, restarts and stops modules', async () => {
    writeFileSync(join(directory, 'mod-echo.ts'), echoModule('one'));
    const running = await start(
      `${HEAD}${C2S}${MODULES}[modules.mod_echo]\n  path = "${join(directory, 'mod-echo.ts')}"\n`,
    );
    const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    const juliet = await TestClient.login(running.port(), 'juliet@localhost/balcony');
    const say = async (): Promise<string | undefined> => {
      romeo.send("<message to='juliet@localhost/balcony' type='chat'><body>x</body></message>");
      return (await juliet.message()).childText('subject');
    };
    expect(await say()).toBe('one');
    writeFileSync(join(directory, 'mod-echo.ts'), echoModule('two'));
    expect((await reload(running)).status).toBe(0);
    expect(await say()).toBe('two');
    rewrite(running, (text) => text.slice(0, text.indexOf('[modules.mod_echo]')));
    expect(await report(running)).toMatchObject({ 'modules.mod_echo': 'live' });
    expect(await say()).toBeUndefined();
    await romeo.close();
    await juliet.close();
  });

  it('serves a new domain, and ends the sessions of one that is gone', async () => {
    const running = await start(`${HEAD}${C2S}${MODULES}`);
    const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    rewrite(running, (text) => text.replace('["localhost"]', '["localhost", "capulet.example"]'));
    expect(await report(running)).toEqual({ 'general.hosts': 'live' });
    const add = await meerkat([
      '--config',
      running.configFile,
      'user',
      'add',
      'juliet@capulet.example',
      'secret',
    ]);
    expect(add.status).toBe(0);
    // One on each shard.
    const juliet = await TestClient.login(running.port(), 'juliet@capulet.example/balcony');
    const chamber = await TestClient.login(running.port(), 'juliet@capulet.example/chamber');
    romeo.send("<message to='juliet@capulet.example/balcony' type='chat'><body>x</body></message>");
    expect((await juliet.message()).childText('body')).toBe('x');
    juliet.send("<presence to='romeo@localhost/orchard'/>");
    const here = await romeo.until(({ name }) => name === 'presence');
    expect(here.attribute('type')).toBeUndefined();
    const stranger = await TestClient.connect(running.port());
    await stranger.openStream('capulet.example');

    rewrite(running, (text) => text.replace(', "capulet.example"', ''));
    expect(await report(running)).toEqual({ 'general.hosts': 'live' });
    for (const client of [juliet, chamber, stranger]) expect(await client.streamError()).toBe('host-gone');
    // Who saw them hears that they went: their modules ran to the end.
    const gone = await romeo.until(({ name }) => name === 'presence');
    expect([gone.attribute('from'), gone.attribute('type')]).toEqual([juliet.jid, 'unavailable']);
    romeo.send("<message id='late' to='juliet@capulet.example' type='chat'><body>x</body></message>");
    const bounce = await romeo.message();
    expect(bounce.child('error')?.elements()[0]?.name).toBe('remote-server-not-found');
    await expect(TestClient.login(running.port(), 'juliet@capulet.example/x')).rejects.toThrow();
    await romeo.nothingElse();

    // What was stored for it stays, and is there when it comes back.
    rewrite(running, (text) => text.replace('["localhost"]', '["localhost", "capulet.example"]'));
    expect((await reload(running)).status).toBe(0);
    const back = await TestClient.login(running.port(), 'juliet@capulet.example/balcony');
    back.send("<message to='romeo@localhost/orchard' type='chat'><body>back</body></message>");
    expect((await romeo.message()).childText('body')).toBe('back');
    await back.close();
    await romeo.close();
  });

  it('reaches a shard that is just being replaced, too', async () => {
    writeFileSync(
      join(directory, 'mod-gate.ts'),
      `import { existsSync } from 'node:fs';
const cell = new Int32Array(new SharedArrayBuffer(4));
export default {
  name: 'mod_gate',
  options: { safeParse: (data) => ({ success: true, data }) },
  setup(context) {
    // The second shard starts only when the gate is open, or before it was built.
    for (let i = 0; context.shard === 1 && i < 1_000 && existsSync('${join(directory, 'closed')}'); i++) Atomics.wait(cell, 0, 0, 10);
  },
};
`,
    );
    server = await TestServer.start({
      isFaulty: true,
      config: `${HEAD}${C2S}[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n${MODULES}[modules.mod_gate]\n  path = "${join(directory, 'mod-gate.ts')}"\n`,
    });
    const running = server;
    const isReady = async (): Promise<boolean> =>
      (await httpGet(running.port('http'), '/readyz').catch(() => ({ status: 0 }))).status === 200;
    writeFileSync(join(directory, 'closed'), '');
    running.strike('shard 1', 'exit');
    await eventually(async () => !(await isReady()), 'the shard is away');
    rewrite(running, (text) => text.replace('["localhost"]', '["localhost", "capulet.example"]'));
    expect((await reload(running)).status).toBe(0);
    rmSync(join(directory, 'closed'));
    await eventually(isReady, 'the shard is back');
    // Two at a time: one on each shard.
    await eventually(async () => {
      const clients = [await TestClient.connect(running.port()), await TestClient.connect(running.port())];
      const answers = await Promise.all(clients.map((client) => client.openStream('capulet.example')));
      for (const client of clients) client.cut();
      return answers.every(({ name }) => name === 'features');
    }, 'both know the new domain');
  });

  it('gives a new domain its own settings', async () => {
    const running = await start(`${HEAD}${C2S}${MODULES}`);
    rewrite(running, (text) =>
      text
        .replace('["localhost"]', '["localhost", "guests.example"]')
        .concat(
          '[[host_config]]\n  host = "guests.example"\n  [host_config.auth]\n    methods = ["anonymous"]\n    [host_config.auth.anonymous]\n',
        ),
    );
    expect((await reload(running)).status).toBe(0);
    const guest = await TestClient.connect(running.port());
    const features = await guest.openStream('guests.example');
    expect(mechanisms(features)).toEqual(['ANONYMOUS']);
    const other = await TestClient.connect(running.port());
    expect(mechanisms(await other.openStream('localhost'))).not.toContain('ANONYMOUS');
    guest.cut();
    other.cut();
  });

  it('tells of a certificate that few clients take', async () => {
    const certificates = new TestCertificates();
    const first = await certificates.make('first.example');
    const { certfile, keyfile } = certificates.write('server', first.cert, first.key);
    const running = await start(
      `${HEAD}${C2S}  [listen.c2s.tls]\n    mode = "tls"\n    certfile = "${certfile}"\n    keyfile = "${keyfile}"\n${MODULES}`,
    );
    const rare = certificates.makeEd25519('rare.example');
    certificates.write('server', rare.cert, rare.key);
    const { status, stdout } = await reload(running);
    expect(status).toBe(0);
    expect(stdout).toContain(`listen.c2s[0].tls: ${certfile}: few clients take a key of the type ed25519`);
    expect(await subject(running.port())).toBe('rare.example');
    certificates.remove();
  });

  it('leaves everything as it was when the file is wrong, and tells what is', async () => {
    const running = await start(`${HEAD}${C2S}${MODULES}`);
    rewrite(running, (text) => text.replace('loglevel = "info"', 'loglevel = "loud"\n  hots = []'));
    const { status, stderr } = await reload(running);
    expect(status).toBe(1);
    expect(stderr).toContain('[config_invalid]');
    expect(stderr).toContain(`${running.configFile}:4:3 general.loglevel`);
    expect(stderr).toContain('did you mean "hosts"?');
    const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    await romeo.nothingElse();
    await romeo.close();
  });

  it('leaves everything as it was when a module cannot be started', async () => {
    writeFileSync(join(directory, 'mod-echo.ts'), echoModule('one'));
    const running = await start(
      `${HEAD}${C2S}${MODULES}[modules.mod_echo]\n  path = "${join(directory, 'mod-echo.ts')}"\n`,
    );
    writeFileSync(join(directory, 'mod-echo.ts'), 'export default { name: "mod_other" };\n');
    rewrite(running, (text) => text.replace('loglevel = "info"', 'loglevel = "error"'));
    const { status, stderr } = await reload(running);
    expect(status).toBe(1);
    expect(stderr).toContain('[reload_failed]');
    expect(stderr).toContain('mod_echo');
    // It was not taken over: the next reload still has it to do.
    writeFileSync(join(directory, 'mod-echo.ts'), echoModule('two'));
    expect(await report(running)).toMatchObject({ 'general.loglevel': 'live' });
  });

  it('takes no domain away when another part of the change fails on another shard', async () => {
    writeFileSync(join(directory, 'mod-echo.ts'), echoModule('one'));
    const config =
      `${HEAD.replace('["localhost"]', '["localhost", "capulet.example"]')}${C2S}${MODULES}` +
      `[modules.mod_echo]\n  path = "${join(directory, 'mod-echo.ts')}"\n`;
    server = await TestServer.start({ config, users: ['romeo', 'juliet@capulet.example'] });
    const running = server;
    const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    // One on each shard.
    const balcony = await TestClient.login(running.port(), 'juliet@capulet.example/balcony');
    const chamber = await TestClient.login(running.port(), 'juliet@capulet.example/chamber');
    writeFileSync(join(directory, 'mod-echo.ts'), echoModule('two'));
    writeFileSync(join(directory, 'mod-picky.ts'), PICKY_MODULE);
    rewrite(running, (text) =>
      text
        .replace('"localhost", "capulet.example"', '"localhost", "guests.example"')
        .concat(`[modules.mod_picky]\n  path = "${join(directory, 'mod-picky.ts')}"\n`),
    );
    const { status, stderr } = await reload(running);
    expect(status).toBe(1);
    expect(stderr).toContain('nothing was changed: mod_picky did not start: Error: not on this shard');

    for (const [client, resource] of [
      [balcony, 'balcony'],
      [chamber, 'chamber'],
    ] as const) {
      // Their sessions go on, and so does the module, as it was loaded, on both shards.
      romeo.send(`<message to='juliet@capulet.example/${resource}' type='chat'><body>x</body></message>`);
      expect((await client.message()).childText('subject')).toBe('one');
      client.send("<message to='romeo@localhost/orchard' type='chat'><body>x</body></message>");
      expect((await romeo.message()).childText('subject')).toBe('one');
    }
    const strangers = [await TestClient.connect(running.port()), await TestClient.connect(running.port())];
    for (const stranger of strangers) {
      const refusal = await stranger.openStream('guests.example');
      expect(refusal.elements()[0]?.name).toBe('host-unknown');
    }
    const more = [
      await TestClient.login(running.port(), 'juliet@capulet.example/a'),
      await TestClient.login(running.port(), 'juliet@capulet.example/b'),
    ];
    // The store was not told that the domain is gone, either.
    for (const client of [...more, balcony, chamber]) await client.close();
    romeo.send("<message to='juliet@capulet.example' type='chat'><body>later</body></message>");
    await romeo.nothingElse();
    const again = await TestClient.login(running.port(), 'juliet@capulet.example/balcony');
    expect((await again.message()).childText('body')).toBe('later');

    // The next reload can be the one that works.
    rewrite(running, (text) => text.slice(0, text.indexOf('[modules.mod_picky]')));
    expect(await report(running)).toMatchObject({ 'general.hosts': 'live' });
    expect(await again.streamError()).toBe('host-gone');
    await romeo.close();
  });

  it('starts a module again as it was when its new file does not start', async () => {
    writeFileSync(join(directory, 'mod-echo.ts'), echoModule('one'));
    const running = await start(
      `${HEAD}${C2S}${MODULES}[modules.mod_echo]\n  path = "${join(directory, 'mod-echo.ts')}"\n[modules.mod_ping]\n`,
    );
    const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    writeFileSync(join(directory, 'mod-echo.ts'), PICKY_MODULE.replaceAll('picky', 'echo'));
    expect((await reload(running)).stderr).toContain('mod_echo did not start');
    romeo.send("<message to='romeo@localhost/orchard' type='chat'><body>x</body></message>");
    expect((await romeo.message()).childText('subject')).toBe('one');
    romeo.send("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
    expect((await romeo.until(({ name }) => name === 'iq')).attribute('type')).toBe('result');
    await romeo.close();
  });

  it('reads certificates again although no option has changed', async () => {
    const certificates = new TestCertificates();
    const first = await certificates.make('first.example');
    const { certfile, keyfile } = certificates.write('server', first.cert, first.key);
    const running = await start(
      `${HEAD}${C2S}  [listen.c2s.tls]\n    mode = "tls"\n    certfile = "${certfile}"\n    keyfile = "${keyfile}"\n` +
        `[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n  [listen.http.tls]\n    certfile = "${certfile}"\n    keyfile = "${keyfile}"\n${MODULES}`,
    );
    const names = async (): Promise<unknown[]> => [
      await subject(running.port('c2s')),
      await subject(running.port('c2s')),
      await subject(running.port('http')),
    ];
    expect(await names()).toEqual(['first.example', 'first.example', 'first.example']);
    const second = await certificates.make('second.example');
    certificates.write('server', second.cert, second.key);
    expect((await reload(running)).stdout).toContain('certificates were read again');
    expect(await names()).toEqual(['second.example', 'second.example', 'second.example']);

    // A key that does not belong to its certificate: the old ones stay.
    certificates.write('server', first.cert, second.key);
    const { status, stderr } = await reload(running);
    expect(status).toBe(1);
    expect(stderr).toContain('nothing was changed [certificate_invalid]');
    expect(stderr).toContain('listen.c2s[0].tls');
    expect(await names()).toEqual(['second.example', 'second.example', 'second.example']);
    certificates.remove();
  });
});

describe('SIGHUP', () => {
  it('reloads, and the log tells what came of it', async () => {
    const running = await start(`${HEAD}${C2S}${MODULES}`);
    rewrite(running, (text) => text.replace('shards = 2', 'shards = 1').concat('[modules.mod_register]\n'));
    running.signal('SIGHUP');
    await eventually(() => running.log.includes('"restart_needed"'), 'the reload is logged');
    const line = running.log.split('\n').find((text) => text.includes('"what":"reloaded"'));
    expect(JSON.parse(line!)).toMatchObject({
      changes: expect.arrayContaining([
        { path: 'modules.mod_register', effect: 'live' },
        { path: 'general.shards', effect: 'restart' },
      ]),
    });
  });

  it('leaves everything as it was when the file is wrong', async () => {
    const running = await start(`${HEAD}${C2S}${MODULES}`);
    rewrite(running, (text) => text.replace('shards = 2', 'shards = "many"'));
    running.signal('SIGHUP');
    await eventually(() => running.log.includes('"reload_failed"'), 'the failure is logged');
    const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    await romeo.close();
  });

  it('does not end a server that cannot do what the file asks for', async () => {
    const running = await start(`${HEAD}${C2S}${MODULES}`);
    // In the way of the certificate that the new listener would need.
    mkdirSync(join(running.directory, 'data', 'selfsigned.key.new'));
    rewrite(running, (text) => `${text}[[listen.http]]\n  port = 0\n  [listen.http.tls]\n`);
    running.signal('SIGHUP');
    await eventually(() => running.log.includes('"reload_failed"'), 'the failure is logged');
    expect((await reload(running)).stderr).toContain('nothing was changed: ');
    const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    await romeo.close();
  });

  it('changes the log level of every thread, and of the modules in them', async () => {
    writeFileSync(
      join(directory, 'mod-chatty.ts'),
      `export default {
  name: 'mod_chatty',
  options: { safeParse: (data) => ({ success: true, data }) },
  setup(context) {
    context.hook('user_send_message', 50, () => context.log.info({ what: 'chatted', shard: context.shard }, 'x'));
  },
};
`,
    );
    const running = await start(
      `${HEAD.replace('info', 'error')}${C2S}${MODULES}[modules.mod_chatty]\n  path = "${join(directory, 'mod-chatty.ts')}"\n`,
    );
    const clients = [
      await TestClient.login(running.port(), 'romeo@localhost/orchard'),
      await TestClient.login(running.port(), 'juliet@localhost/balcony'),
    ];
    const chat = async (): Promise<void> => {
      for (const client of clients) {
        client.send("<message to='nobody@localhost' type='chat'><body>x</body></message>");
        await client.message();
      }
    };
    await chat();
    expect(running.log).not.toContain('chatted');
    rewrite(running, (text) => text.replace('loglevel = "error"', 'loglevel = "info"'));
    running.signal('SIGHUP');
    await eventually(() => running.log.includes('"what":"reloaded"'), 'the reload is logged');
    await chat();
    for (const shard of [0, 1])
      await eventually(
        () => running.log.includes(`"what":"chatted","shard":${shard}`),
        `shard ${shard} logs`,
      );
    for (const client of clients) await client.close();
  });
});

/** The SASL mechanisms that a stream offers. */
function mechanisms(features: Element): string[] {
  const offered = features.child('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl');
  return offered?.elements().map((element) => element.text()) ?? [];
}

function echoModule(subject: string): string {
  return `export default {
  name: 'mod_echo',
  options: { safeParse: (data) => ({ success: true, data }) },
  setup(context) {
    context.hook('user_send_message', 50, (acc) => {
      acc.updateStanza(acc.stanza.append("<subject xmlns='jabber:client'>${subject}</subject>"));
    });
  },
};
`;
}

/** Does not start on the second shard. */
const PICKY_MODULE = `export default {
  name: 'mod_picky',
  options: { safeParse: (data) => ({ success: true, data }) },
  setup(context) {
    if (context.shard === 1) throw new Error('not on this shard');
  },
};
`;

/** Who the certificate on a port is for. */
function subject(port: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: [] }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
