import { z } from 'zod';
import { option } from '../option.ts';
import { intOrInfinity, ipAddress, text } from '../values.ts';
import { c2sTlsSchema, httpTlsSchema } from './tls.ts';

/** No stanza is larger, whatever the configuration says (docs/security.md). */
export const STANZA_BYTES_MAX = 10 * 1024 * 1024;
export const PER_ADDRESS_DEFAULT = 256;

interface Defaults {
  readonly maxConnections: number;
  readonly shaper: string;
}

/** What all listeners have. */
function listenerOptions(defaults: Defaults) {
  return {
    port: option(z.int().min(0).max(65_535), {
      about:
        'The TCP port. 0 takes any that is free. Address and port must differ from those of every other listener.',
      reload: 'restart',
    }),
    ip_address: option(ipAddress().optional(), {
      about: 'The address to listen on. `"::"` also takes connections over IPv4, where the system maps them.',
      defaultText: '`"0.0.0.0"`, or `"::"` with `ip_version = 6`',
      reload: 'restart',
    }),
    ip_version: option(z.union([z.literal(4), z.literal(6)]).default(4), {
      about: 'Chooses the default of `ip_address`, and counts only without one.',
      reload: 'restart',
    }),
    backlog: option(z.int().min(0).default(1024), {
      about: 'Connections that the system keeps waiting to be accepted.',
      unit: 'connections',
      reload: 'restart',
    }),
    max_connections: option(intOrInfinity(1).default(defaults.maxConnections), {
      about: 'Connections that this listener holds at a time. Further ones are not accepted.',
      unit: 'connections',
      reload: 'new connections',
    }),
    max_connections_per_address: option(intOrInfinity(1).default(PER_ADDRESS_DEFAULT), {
      about:
        'Connections from one IPv4 address; an IPv6 /64 network may have four times as many. Further ones are closed at once.',
      unit: 'connections',
      reload: 'new connections',
    }),
    connections_per_second_per_address: option(intOrInfinity(1).default(30), {
      about:
        'New connections from one address (or IPv6 /64 network) within a second. Further ones are closed at once.',
      unit: 'connections/s',
      reload: 'new connections',
    }),
    max_stanza_size: option(
      z
        .union([
          z.int().min(1).max(STANZA_BYTES_MAX),
          z.literal('infinity').transform(() => STANZA_BYTES_MAX),
        ])
        .default(262_144),
      {
        about:
          'The largest stanza (for HTTP: request body), checked while it is read. `"infinity"` means the hard limit of 10 MiB. ' +
          'RFC 6120 wants at least 10,000.',
        unit: 'bytes',
        reload: 'new connections',
      },
    ),
    shaper: option(text().default(defaults.shaper), {
      about: 'The `[shaper]` that limits how fast each connection is read. `"none"`: no limit.',
      reload: 'new connections',
    }),
  };
}

/** `[[listen.c2s]]` */
const c2sSchema = z.object({
  ...listenerOptions({ maxConnections: Number.POSITIVE_INFINITY, shaper: 'normal' }),
  state_timeout: option(intOrInfinity(1).default(5000), {
    about: 'How long a client may take for each step until its session is bound.',
    unit: 'ms',
    reload: 'new connections',
  }),
  access: option(text().default('all'), {
    about:
      'The `[access]` rule that decides who may open a session through this listener. `"all"`: anybody who can log in.',
    reload: 'live',
  }),
  allowed_auth_methods: option(z.array(text()).min(1).optional(), {
    about: 'Methods of `[auth]` that count for logins through this listener.',
    defaultText: 'all of `auth.methods`',
    reload: 'new connections',
  }),
  tls: option(c2sTlsSchema.optional(), {
    about:
      'Encryption. Without this section the listener is plain TCP: every mechanism and registration then work unencrypted, so ' +
      'bind it to loopback.',
    reload: 'new connections',
  }),
});

const METRICS_PATH = '/metrics';

const metricsHandlerSchema = z.object({
  host: option(text().default('_'), {
    about: 'The `Host` that requests must name; `"_"`: any.',
    reload: 'restart',
  }),
  path: option(z.string().startsWith('/', { error: 'a path starts with a slash' }).default(METRICS_PATH), {
    about: 'Where the metrics are.',
    reload: 'restart',
  }),
});

/** `[[listen.http]]` */
const httpSchema = z.object({
  ...listenerOptions({ maxConnections: 1024, shaper: 'none' }),
  tls: option(httpTlsSchema.optional(), {
    about: 'Encryption, from the first byte.',
    reload: 'new connections',
  }),
  handlers: option(
    z
      .object({
        mongoose_prometheus_handler: option(z.array(metricsHandlerSchema).default([]), {
          about: 'Metrics in the text format of Prometheus.',
          reload: 'restart',
        }),
      })
      .optional(),
    {
      about: 'What is served besides `/livez` and `/readyz`, which every HTTP listener answers.',
      defaultText: 'metrics at `/metrics`',
      reload: 'restart',
    },
  ),
});

/** `[listen]` */
export const listenSchema = z.object({
  c2s: option(z.array(c2sSchema).default([]), {
    about: 'Listeners for clients.',
    reload: 'restart',
  }),
  http: option(z.array(httpSchema).default([]), {
    about: 'Listeners for metrics and health checks.',
    reload: 'restart',
  }),
});

export type ListenSection = z.output<typeof listenSchema>;
export type C2sTable = ListenSection['c2s'][number];
export type HttpTable = ListenSection['http'][number];
