import { execFile, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../helpers/authority.ts';
import { type TestCertificate, TestCertificates } from '../../helpers/certificates.ts';
import { TestServer } from '../../helpers/server.ts';
import { isSkipped } from './chat-client.ts';

/** A client of another project that logs in with its certificate (XEP-0178). */

const SCRIPT = new URL('slixmpp-external.py', import.meta.url).pathname;
const python = ['/usr/bin/python3', 'python3'].find(
  (program) => spawnSync(program, ['-c', 'import slixmpp']).status === 0,
);
const missing = python === undefined ? 'slixmpp is not installed (Debian: python3-slixmpp)' : undefined;

describe.skipIf(isSkipped(missing))('slixmpp', () => {
  const authority = new Authority();
  const stranger = new Authority('Another CA');
  const certificates = new TestCertificates();
  let own: TestCertificate;
  let server: TestServer;

  beforeAll(async () => {
    own = await certificates.make('localhost');
    server = await TestServer.start({
      // A client that finds no mechanism for it waits to be sent away.
      c2s: `
        state_timeout = 5_000
        [listen.c2s.tls]
          mode = "starttls_required"
          certfile = "${own.certfile}"
          keyfile = "${own.keyfile}"
          verify_mode = "peer"
          cacertfile = "${authority.certfile}"
          disconnect_on_failure = false`,
      toml: '[auth]\n sasl_mechanisms = ["external", "scram_sha256"]\n [auth.pki]\n [modules.mod_presence]',
    });
  });

  afterAll(async () => {
    await server?.stop();
    authority.remove();
    stranger.remove();
    certificates.remove();
  });

  function login(jid: string, { certfile, keyfile }: TestCertificate): Promise<Record<string, string>> {
    const args = [SCRIPT, jid, String(server.port()), own.certfile, certfile, keyfile];
    return new Promise((resolve, reject) => {
      execFile(python!, args, (error, stdout, stderr) => {
        if (error === null) resolve(JSON.parse(stdout) as Record<string, string>);
        else reject(new Error(stderr));
      });
    });
  }

  it('logs in with the certificate that names it', async () => {
    const certificate = authority.issue({ xmppAddresses: ['romeo@localhost'] });
    const heard = await login('romeo@localhost/orchard', certificate);
    expect(heard).toEqual({ jid: 'romeo@localhost/orchard', mechanism: 'EXTERNAL' });
  });

  it('does not with one that nobody vouches for', async () => {
    const certificate = stranger.issue({ xmppAddresses: ['romeo@localhost'] });
    expect((await login('romeo@localhost/orchard', certificate)).failed).toBeDefined();
  });
});
