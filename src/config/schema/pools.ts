import { z } from 'zod';
import { option } from '../option.ts';
import { intOrInfinity, namedTables, nameFrom, text } from '../values.ts';

/** Connections to servers of others. */

/** A server, and nothing else that a URL may have. */
const HTTP_HOST = /^https?:\/\/[^/?#@\s]+\/?$/;

const tlsSchema = z.object({
  verify_mode: option(nameFrom(['peer', 'none'], ['selfsigned_peer']).default('peer'), {
    about:
      'Whether the certificate of the server is checked. One that it signed itself is trusted by naming it in `cacertfile`.',
    reload: 'new connections',
  }),
  cacertfile: option(text().optional(), {
    about: 'Authorities that may sign it, in PEM.',
    defaultText: 'those of the system',
    reload: 'new connections',
  }),
  certfile: option(text().optional(), {
    about: 'A certificate to show to the server, in PEM, with its chain.',
    reload: 'new connections',
  }),
  keyfile: option(text().optional(), { about: 'Its private key, in PEM.', reload: 'new connections' }),
  password: option(text().optional(), {
    about: 'The passphrase of the key file.',
    reload: 'new connections',
    secret: true,
  }),
  password_file: option(text().optional(), {
    about: 'A file that holds the passphrase; white space around it is removed.',
    reload: 'new connections',
  }),
  ciphers: option(text().optional(), {
    about: 'Cipher suites in OpenSSL’s notation.',
    defaultText: 'those of Node.js',
    reload: 'new connections',
  }),
  versions: option(
    z
      .array(nameFrom(['tlsv1.2', 'tlsv1.3'], ['sslv3', 'tlsv1', 'tlsv1.1']))
      .min(1)
      .default(['tlsv1.2', 'tlsv1.3']),
    { about: 'Versions of TLS that may be spoken.', reload: 'new connections' },
  ),
  server_name_indication: option(
    z
      .object({
        host: option(text().optional(), {
          about: 'The name that the certificate must be for, if it is not that of the server.',
          reload: 'new connections',
        }),
      })
      .prefault({}),
    { about: 'Whom the server is asked to be.', reload: 'new connections' },
  ),
});

/** What the limits of a kind of pool are by default. */
interface Limits {
  readonly workers: number;
  readonly queue: number;
  readonly queueMax: number;
  readonly queueAbout: string;
}

const CALLS: Limits = {
  workers: 10,
  queue: 25,
  queueMax: 1000,
  queueAbout:
    'Requests that may wait for each connection. When `workers` times as many wait, further ones are refused at once. `"infinity"` means 1000.',
};

const poolOptions = ({ workers, queue, queueMax, queueAbout }: Limits = CALLS) => ({
  scope: option(z.enum(['global', 'host_type']).default('global'), {
    about: 'Whether all host types share the connections, or each has its own.',
    reload: 'new connections',
  }),
  workers: option(z.int().min(1).max(256).default(workers), {
    about: 'Connections that each shard may have, each for one request at a time.',
    unit: 'connections',
    reload: 'new connections',
  }),
  call_timeout: option(z.int().min(1).max(25_000).default(5000), {
    about: 'How long a request may take, waiting for a connection included.',
    unit: 'ms',
    reload: 'new connections',
  }),
  max_worker_queue_len: option(intOrInfinity(0, queueMax).default(queue), {
    about: queueAbout,
    unit: 'requests',
    reload: 'new connections',
  }),
});

const httpPoolSchema = z.object({
  ...poolOptions(),
  connection: option(
    z.object({
      host: option(
        z.string().refine((value) => HTTP_HOST.test(value) && URL.canParse(value), {
          error: 'expected "http://HOST:PORT" or "https://HOST:PORT"',
        }),
        { about: 'The server, as `"http://HOST:PORT"` or `"https://HOST:PORT"`.', reload: 'new connections' },
      ),
      path_prefix: option(
        z
          .string()
          .regex(/^\/[^?#\s]*$/, { error: 'a path starts with a slash' })
          .default('/'),
        {
          about: 'What all paths begin with.',
          reload: 'new connections',
        },
      ),
      request_timeout: option(z.int().min(1).max(25_000).default(2000), {
        about: 'How long the server may take for an answer.',
        unit: 'ms',
        reload: 'new connections',
      }),
      tls: option(tlsSchema.optional(), { about: 'For `https`.', reload: 'new connections' }),
    }),
    { about: 'Where it is.', reload: 'new connections' },
  ),
});

const ldapPoolSchema = z.object({
  ...poolOptions(),
  connection: option(
    z
      .object({
        servers: option(z.array(text()).min(1).default(['localhost']), {
          about:
            'Names or addresses of servers with the same content: when one cannot be reached, the next is tried.',
          reload: 'new connections',
        }),
        port: option(z.int().min(1).max(65_535).optional(), {
          about: 'Their port.',
          defaultText: '389, or 636 with `tls`',
          reload: 'new connections',
        }),
        root_dn: option(text().optional(), {
          about: 'Whom searches log in as.',
          defaultText: 'nobody',
          reload: 'new connections',
        }),
        password: option(text().optional(), {
          about: 'The password of `root_dn`.',
          reload: 'new connections',
          secret: true,
        }),
        password_file: option(text().optional(), {
          about: 'A file that holds it; white space around it is removed.',
          reload: 'new connections',
        }),
        connect_interval: option(z.int().min(1).max(25_000).default(10_000), {
          about: 'How long opening a connection may take.',
          unit: 'ms',
          reload: 'new connections',
        }),
        tls: option(tlsSchema.optional(), {
          about: 'Encrypts from the first byte (`ldaps`).',
          reload: 'new connections',
        }),
      })
      .prefault({}),
    { about: 'Where it is.', reload: 'new connections' },
  ),
});

/** One connection takes many messages at once; a second one is of use beyond tens of thousands a second. */
const MESSAGES: Limits = {
  workers: 1,
  queue: 1000,
  queueMax: 100_000,
  queueAbout:
    'Messages that may wait for each connection, not yet sent or not yet confirmed. Beyond it, or beyond 16 MiB, the oldest is dropped. `"infinity"` means 100000.',
};

const rabbitPoolSchema = z.object({
  ...poolOptions(MESSAGES),
  connection: option(
    z
      .object({
        host: option(text().default('localhost'), {
          about: 'Its name or address.',
          reload: 'new connections',
        }),
        port: option(z.int().min(1).max(65_535).optional(), {
          about: 'Its port.',
          defaultText: '5672, or 5671 with `tls`',
          reload: 'new connections',
        }),
        username: option(text().default('guest'), {
          about: 'Whom it is logged in to as.',
          reload: 'new connections',
        }),
        password: option(text().optional(), {
          about: 'The password.',
          defaultText: '`"guest"`',
          reload: 'new connections',
          secret: true,
        }),
        password_file: option(text().optional(), {
          about: 'A file that holds it; white space around it is removed.',
          reload: 'new connections',
        }),
        virtual_host: option(text().default('/'), {
          about: 'The virtual host.',
          reload: 'new connections',
        }),
        confirms_enabled: option(z.boolean().default(false), {
          about:
            'Whether RabbitMQ confirms each message. One that it has not confirmed when the connection is lost is sent again.',
          reload: 'new connections',
        }),
        reconnect: option(
          z
            .object({
              attempts: option(z.int().min(0).max(1_000_000).default(0), {
                about:
                  'After so many failed attempts in a row what waits is dropped; 0: it waits on. It is tried again in any case.',
                reload: 'new connections',
              }),
              delay: option(z.int().min(1).max(600_000).default(2000), {
                about: 'The pause before it is tried again.',
                unit: 'ms',
                reload: 'new connections',
              }),
            })
            .prefault({}),
          { about: 'When the connection is lost.', reload: 'new connections' },
        ),
        tls: option(tlsSchema.optional(), {
          about: 'Encrypts from the first byte (`amqps`).',
          reload: 'new connections',
        }),
      })
      .prefault({}),
    { about: 'Where it is.', reload: 'new connections' },
  ),
});

/** `[outgoing_pools]` */
export const poolsSchema = z.object({
  http: option(namedTables(httpPoolSchema).optional(), {
    about: 'Web services, by tag.',
    reload: 'new connections',
  }),
  ldap: option(namedTables(ldapPoolSchema).optional(), {
    about: 'LDAP directories, by tag.',
    reload: 'new connections',
  }),
  rabbit: option(namedTables(rabbitPoolSchema).optional(), {
    about: 'RabbitMQ servers, by tag.',
    reload: 'new connections',
  }),
});

export type PoolsTable = z.output<typeof poolsSchema>;
export type HttpPoolTable = z.output<typeof httpPoolSchema>;
export type LdapPoolTable = z.output<typeof ldapPoolSchema>;
export type RabbitPoolTable = z.output<typeof rabbitPoolSchema>;
export type OutgoingTlsTable = z.output<typeof tlsSchema>;
