import { createServer } from 'node:net';
import { join } from 'node:path';
import { TestServer } from '../../helpers/server.ts';

/** A port that nobody uses now: a client that reconnects finds the server where it was. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A server that wants TLS from everybody, with a certificate that it made itself. `modules`: further sections. */
export async function startTlsServer(
  modules = '',
): Promise<{ server: TestServer; port: number; certfile: string }> {
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
