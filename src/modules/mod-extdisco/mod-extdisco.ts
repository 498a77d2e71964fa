import { z } from 'zod';
import {
  defineModule,
  Element,
  type IqAnswer,
  type IqRequest,
  type Jid,
  type ModuleContext,
  NS_EXTDISCO,
  StanzaError,
  utcSeconds,
} from '../module.ts';
import { credentialsFor, LIFETIME_SECONDS } from './credentials.ts';

const serviceSchema = z
  .strictObject({
    type: z.string().min(1).describe('What it is: `stun`, `turn`, `turns` and so on.'),
    host: z.string().min(1).describe('Its domain or IP address.'),
    port: z.int().min(0).max(65_535).optional(),
    transport: z.enum(['udp', 'tcp']).optional(),
    username: z.string().min(1).optional().describe('Credentials that are the same for everybody.'),
    password: z.string().min(1).optional(),
    secret: z
      .string()
      .min(1)
      .optional()
      .describe('A secret shared with the service: each user gets credentials of his own, good for an hour.'),
  })
  .refine(({ secret, username, password }) => {
    return secret === undefined || (username === undefined && password === undefined);
  }, 'secret excludes username and password');

const optionsSchema = z.strictObject({ service: z.array(serviceSchema).default([]) });

type Options = z.infer<typeof optionsSchema>;
type Service = z.infer<typeof serviceSchema>;

/** External service discovery (XEP-0215): where clients find servers for their calls, and credentials for these. */
export default defineModule<Options>({
  name: 'mod_extdisco',
  xeps: [{ number: 215, version: '1.0.0', note: 'without pushes: the list is that of the configuration' }],
  options: optionsSchema,
  setup(context) {
    context.iq('local', NS_EXTDISCO, (request) => answer(context, request));
  },
});

function answer(context: ModuleContext<Options>, request: IqRequest): IqAnswer {
  const { options, hosts } = context;
  const { type, from, payload } = request;
  // The credentials are for our users.
  if (from.local === '' || !hosts.includes(from.domain)) return new StanzaError('forbidden');
  if (type !== 'get') return new StanzaError('bad-request');
  if (payload.name === 'services') {
    const wanted = payload.attribute('type');
    const found = options.service.filter((service) => wanted === undefined || service.type === wanted);
    return list(context, 'services', wanted, found, from);
  }
  return payload.name === 'credentials'
    ? credentials(context, payload, from)
    : new StanzaError('bad-request');
}

/** Those for one host and type, and one port if it is named (XEP-0215 §3.3). */
function credentials(context: ModuleContext<Options>, { children }: Element, user: Jid): IqAnswer {
  const asked = children.filter((child) => typeof child !== 'string');
  const [service] = asked;
  const type = service?.attribute('type');
  const host = service?.attribute('host');
  if (asked.length !== 1 || service?.name !== 'service' || service.ns !== NS_EXTDISCO) {
    return new StanzaError('bad-request');
  }
  if (type === undefined || host === undefined) return new StanzaError('bad-request');
  const port = service.attribute('port');
  const found = context.options.service.filter((one) => {
    return one.type === type && one.host === host && (port === undefined || String(one.port) === port);
  });
  if (found.length === 0) return new StanzaError('item-not-found');
  return list(context, 'credentials', undefined, found, user);
}

function list(
  context: ModuleContext<Options>,
  name: 'services' | 'credentials',
  type: string | undefined,
  services: readonly Service[],
  user: Jid,
): Element {
  const expires = Math.floor(context.timestamp() / 1_000_000) + LIFETIME_SECONDS;
  const found = services.map((service) => {
    return new Element('service', NS_EXTDISCO, attributesOf(service, user, expires));
  });
  return Element.of(name, NS_EXTDISCO, { type }, ...found);
}

/** All that is configured; with a secret, credentials that end at `expires` (seconds since the epoch) in its place. */
function attributesOf({ secret, ...service }: Service, user: Jid, expires: number): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const [name, value] of Object.entries(service)) {
    if (value !== undefined) attributes.set(name, String(value));
  }
  if (secret === undefined) return attributes;
  const { username, password } = credentialsFor(secret, user.bare, expires);
  attributes.set('username', username);
  attributes.set('password', password);
  attributes.set('expires', utcSeconds(new Date(expires * 1_000)));
  return attributes;
}
