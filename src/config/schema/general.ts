import { z } from 'zod';
import { option } from '../option.ts';
import { domain, intOrInfinity, nameFrom, text } from '../values.ts';

export const LOG_LEVELS = [
  'none',
  'emergency',
  'alert',
  'critical',
  'error',
  'warning',
  'notice',
  'info',
  'debug',
  'all',
] as const;

/** The links of the router chain in their default order, each with MongooseIM's name for it. */
const ROUTING_MODULE_NAMES = [
  ['global', 'mongoose_router_global'],
  ['localdomain', 'mongoose_router_localdomain'],
  ['external_localnode', 'mongoose_router_external_localnode'],
  ['external', 'mongoose_router_external'],
  ['dynamic_domains', 'mongoose_router_dynamic_domains'],
  ['s2s', 'ejabberd_s2s'],
] as const;

export type RoutingModule = (typeof ROUTING_MODULE_NAMES)[number][0];
export const ROUTING_MODULES: readonly RoutingModule[] = ROUTING_MODULE_NAMES.map(([name]) => name);
const LONG_ROUTING_MODULES = ROUTING_MODULE_NAMES.map(([, long]) => long);

function routingModule(name: string): RoutingModule {
  return ROUTING_MODULE_NAMES.find((names) => (names as readonly string[]).includes(name))![0];
}

/** A set of shards fits into one word, with a bit to spare (`sm/delivery-order.ts`). */
export const SHARDS_MAX = 31;

const routeSubdomains = () =>
  option(z.enum(['s2s']).optional(), {
    about:
      'Where a stanza to an unregistered subdomain of a hosted domain goes. Unset: the sender gets an error; `"s2s"`: to the ' +
      'server that DNS names for it.',
    reload: 'live',
  });

const REPLACED_WAIT_TIMEOUT_MS = 2000;
const replacedWaitTimeoutMeta = {
  about: 'How long a new session waits for the one it replaced to finish, before a warning is logged.',
  unit: 'ms',
  reload: 'live',
} as const;

/** `[general]` */
export const generalSchema = z.object({
  loglevel: option(z.enum(LOG_LEVELS).default('warning'), {
    about: 'The least severe message that is logged.',
    reload: 'live',
  }),
  hosts: option(z.array(domain()).default([]), {
    about:
      'The domains served. Each is a host type of its own, of the same name, which `[[host_config]]` may give its own modules, ' +
      'authentication and access rules. At least one of `hosts` and `host_types` must name something. A domain that is taken out by a ' +
      'reload ends its sessions with `host-gone`; what is stored for it stays.',
    reload: 'live',
  }),
  host_types: option(z.array(text()).default([]), {
    about: 'Names of host types for domains that are added while the server runs.',
    reload: 'live',
  }),
  default_server_domain: option(domain().optional(), {
    about: 'The domain that speaks when a stream names none, or one that is not served.',
    defaultText: 'first of `hosts`',
    reload: 'new connections',
  }),
  language: option(text().default('en'), {
    about: 'The `xml:lang` of streams whose client names no language.',
    reload: 'new connections',
  }),
  registration_timeout: option(intOrInfinity(1).default(600), {
    about:
      'How long an address must wait between two registrations of accounts (`mod_register`). `"infinity"` lifts the limit.',
    unit: 's',
    reload: 'live',
  }),
  hide_service_name: option(z.boolean().default(false), {
    about:
      'Close a connection that sends something else than a stream header without a word, so that a port scan does not learn ' +
      'what listens here.',
    reload: 'new connections',
  }),
  replaced_wait_timeout: option(z.int().min(1).default(REPLACED_WAIT_TIMEOUT_MS), replacedWaitTimeoutMeta),
  route_subdomains: routeSubdomains(),
  routing_modules: option(
    z
      .array(nameFrom(ROUTING_MODULES, LONG_ROUTING_MODULES).transform(routingModule))
      .min(1)
      .default([...ROUTING_MODULES]),
    {
      about:
        'The links of the router chain, in the order in which a stanza passes them. MongooseIM’s longer names ' +
        '(`mongoose_router_global`, …, `ejabberd_s2s`) are understood too.',
      defaultText: 'all of them, in this order',
      reload: 'restart',
    },
  ),
  shards: option(z.union([z.int().min(1).max(SHARDS_MAX), z.literal('auto')]).default('auto'), {
    about: 'Worker threads that hold the connections. `"auto"`: as many as the machine runs at once.',
    reload: 'restart',
  }),
  max_sessions: option(z.int().min(64).max(16_777_216).default(131_072), {
    about:
      'Sessions that the shared directory has room for; its memory is reserved at start. A client beyond is refused when it ' +
      'binds its resource.',
    unit: 'sessions',
    reload: 'restart',
  }),
  hook_timeout: option(z.int().min(1).default(5000), {
    about: 'How long a hook handler that answers later may take, before its session goes on without it.',
    unit: 'ms',
    reload: 'live',
  }),
  drain_timeout: option(z.int().min(0).default(10_000), {
    about: 'How long a stopping server gives its clients and its store to finish.',
    unit: 'ms',
    reload: 'live',
  }),
});

/** `[host_config.general]`: what a host type may have its own value of. */
export const hostGeneralSchema = z.object({
  replaced_wait_timeout: option(z.int().min(1).optional(), {
    ...replacedWaitTimeoutMeta,
    defaultText: 'as in `[general]`',
  }),
  route_subdomains: routeSubdomains(),
});
