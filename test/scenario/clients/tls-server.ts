import { join } from 'node:path';
import { freePort } from '../../helpers/daemon.ts';
import { TestServer } from '../../helpers/server.ts';

/** What a chat client meets on a server, beside what {@link startTlsServer} always switches on. */
export const SESSION_MODULES = `
  [modules.mod_roster]
    versioning = true
  [modules.mod_carboncopy]
  [modules.mod_stream_management]
  [modules.mod_csi]
  [modules.mod_privacy]
  [modules.mod_blocking]
  [modules.mod_last]
  [modules.mod_vcard]
  [modules.mod_private]
  [modules.mod_caps]
  [modules.mod_adhoc]
  [modules.mod_amp]
  [modules.mod_sic]
  [modules.mod_stanzaid]
  [modules.mod_version]
  [modules.mod_time]
  [modules.mod_sasl2]
  [modules.mod_bind2]
  [modules.mod_fast_auth_token]
  [modules.mod_cache_users]
`;

/** A server that wants TLS from everybody, with a certificate that it made itself. `modules`: more of the configuration. */
export async function startTlsServer(
  modules = '',
): Promise<{ server: TestServer; port: number; certfile: string }> {
  // A client that reconnects finds the server where it was.
  const port = await freePort();
  const server = await TestServer.start({
    users: ['romeo', 'juliet'],
    config: `
      [general]
        hosts = ["localhost"]
        loglevel = "error"
        shards = 2
      [[listen.c2s]]
        port = ${port}
        ip_address = "127.0.0.1"
        connections_per_second_per_address = "infinity"
        [listen.c2s.tls]
          mode = "starttls_required"
      [storage]
        directory = "./data"
      [modules.mod_presence]
      [modules.mod_offline]
      [modules.mod_disco]
      [modules.mod_ping]
      ${modules}
    `,
  });
  return { server, port, certfile: join(server.directory, 'data', 'selfsigned.crt') };
}
