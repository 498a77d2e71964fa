import { execFile, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCertificates } from '../../helpers/certificates.ts';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { numbered, page } from '../modules/mam-support.ts';
import { isSkipped } from './chat-client.ts';

/** A client of another project pages through an archive (XEP-0313) that was written under load, and finds every message once. */

const SCRIPT = new URL('slixmpp-archive.py', import.meta.url).pathname;
const python = ['/usr/bin/python3', 'python3'].find(
  (program) => spawnSync(program, ['-c', 'import slixmpp']).status === 0,
);
const missing = python === undefined ? 'slixmpp is not installed (Debian: python3-slixmpp)' : undefined;

const COUNT = 73;

describe.skipIf(isSkipped(missing))('slixmpp', () => {
  const certificates = new TestCertificates();
  let certfile: string;
  let server: TestServer;

  beforeAll(async () => {
    const own = await certificates.make('localhost');
    certfile = own.certfile;
    server = await TestServer.start({
      shards: 2,
      users: ['romeo', 'juliet', 'nurse'],
      c2s: `
        [listen.c2s.tls]
          mode = "starttls"
          certfile = "${own.certfile}"
          keyfile = "${own.keyfile}"`,
      moreC2s: [''],
      toml: '[modules.mod_presence]\n[modules.mod_disco]\n[modules.mod_mam.pm]\n',
    });
  });

  afterAll(async () => {
    await server?.stop();
    certificates.remove();
  });

  /** Two at a time write to Juliet, as fast as they can. */
  async function write(): Promise<string[]> {
    const juliet = await TestClient.login(server.port('c2s', 1), 'juliet@localhost/balcony');
    const writers = await Promise.all(
      ['romeo', 'nurse'].map((name) => TestClient.login(server.port('c2s', 1), `${name}@localhost/r`)),
    );
    for (let n = 1; n <= COUNT; n++) {
      for (const writer of writers) {
        const [name] = writer.jid.split('@');
        writer.send(`<message to='juliet@localhost' type='chat'><body>${name} ${n}</body></message>`);
      }
    }
    for (let n = 0; n < 2 * COUNT; n++) await juliet.message();
    const bodies: string[] = [];
    for (let after = ''; ; ) {
      const found = await page(juliet, { set: `<max>50</max><after>${after}</after>` });
      bodies.push(...found.bodies.map(String));
      if (found.isComplete) break;
      after = found.last!;
    }
    await Promise.all([juliet, ...writers].map((client) => client.close()));
    return bodies;
  }

  function read(): Promise<Record<string, string[] & string>> {
    const args = [
      '-B',
      SCRIPT,
      'juliet@localhost/slixmpp',
      String(server.port()),
      certfile,
      'nurse@localhost',
    ];
    return new Promise((resolve, reject) => {
      execFile(python!, args, (error, stdout, stderr) => {
        if (error === null) resolve(JSON.parse(stdout) as Record<string, string[] & string>);
        else reject(new Error(stderr));
      });
    });
  }

  it('finds every message once, the newest first, and those of one conversation', async () => {
    const all = await write();
    expect(all).toHaveLength(2 * COUNT);
    for (const name of ['romeo', 'nurse']) {
      expect(all.filter((body) => body.startsWith(name))).toEqual(numbered(COUNT, name));
    }
    const told = await read();
    expect(told['forward']).toEqual(all);
    // Going backwards, version 1.8 takes a page that reaches the newest message for the last one: its first.
    const backward = told['backward']!;
    expect(backward.length).toBeGreaterThanOrEqual(10);
    expect(backward).toEqual(all.toReversed().slice(0, backward.length));
    expect(told['with']).toEqual(numbered(COUNT, 'nurse'));
    expect(told['since']).toContain(all.at(-1));
    expect(told['until']).toEqual([]);
    expect(told['first']! < told['last']!).toBe(true);
    expect(told['fields']).toEqual(
      expect.arrayContaining(['with', 'start', 'end', 'ids', 'after-id', 'before-id']),
    );
  }, 60_000);
});
