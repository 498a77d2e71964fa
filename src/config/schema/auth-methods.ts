import { z } from 'zod';
import { option } from '../option.ts';
import { text } from '../values.ts';

/** Options of the methods whose accounts are somebody else's, and of SASL EXTERNAL. */

/** `[auth.sasl_external_common_name]` */
export const saslCommonNameSchema = z.object({
  prefix: option(z.string().default(''), { about: 'What stands before it.', reload: 'new connections' }),
  suffix: option(z.string().default(''), { about: 'What stands after it.', reload: 'new connections' }),
});

/** `[auth.dummy]` */
export const dummySchema = z.object({
  base_time: option(z.int().min(0).max(20_000).default(50), {
    about: 'The least time that a login takes.',
    unit: 'ms',
    reload: 'new connections',
  }),
  variance: option(z.int().min(1).max(10_000).default(450), {
    about: 'A random time up to this is added.',
    unit: 'ms',
    reload: 'new connections',
  }),
});

/** `[auth.external]` */
export const externalSchema = z.object({
  program: option(text(), {
    about:
      'The program to run, with arguments after it (separated by spaces). A name with a slash is relative to this file, one without is looked for ' +
      'on the `PATH`.',
    reload: 'new connections',
  }),
  instances: option(z.int().min(1).max(64).default(1), {
    about: 'Copies of it that each shard runs, started when they are first needed.',
    reload: 'new connections',
  }),
});

/** `[auth.http]` */
export const httpAuthSchema = z.object({
  basic_auth: option(text().optional(), {
    about: '`"USER:PASSWORD"` that every request carries.',
    reload: 'new connections',
    secret: true,
  }),
  basic_auth_file: option(text().optional(), {
    about: 'A file that holds it; white space around it is removed.',
    reload: 'new connections',
  }),
});

/** The algorithms, and how MongooseIM misspells three of them. */
export const JWT_ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
] as const;
export const JWT_MISSPELLED = ['HS386', 'RS386', 'ES386'] as const;

const jwtSecretSchema = z.object({
  value: option(text().optional(), {
    about:
      'The secret of `HS…`, or the public key of `RS…` and `ES…` in PEM. Exactly one of the three is to be given.',
    reload: 'new connections',
    secret: true,
  }),
  file: option(text().optional(), {
    about: 'A file that holds it; it is read at the start and at every reload.',
    reload: 'new connections',
  }),
  env: option(text().optional(), {
    about: 'An environment variable that holds it.',
    reload: 'new connections',
  }),
});

/** `[auth.jwt]` */
export const jwtSchema = z.object({
  secret: option(jwtSecretSchema, { about: 'What tokens are checked with.', reload: 'new connections' }),
  algorithm: option(z.enum([...JWT_ALGORITHMS, ...JWT_MISSPELLED]), {
    about: 'How tokens are signed. A token that says otherwise is refused.',
    type: JWT_ALGORITHMS.map((name) => `\`"${name}"\``).join(', '),
    reload: 'new connections',
  }),
  username_key: option(text(), { about: 'The claim that holds the username.', reload: 'new connections' }),
  issuer: option(text().optional(), {
    about: 'What the claim `iss` must be.',
    defaultText: 'anything',
    reload: 'new connections',
  }),
  audience: option(text().optional(), {
    about: 'What the claim `aud` must be, or contain.',
    defaultText: 'anything',
    reload: 'new connections',
  }),
});

const uidSchema = z.object({
  attr: option(text().default('uid'), {
    about: 'An attribute that names a user.',
    reload: 'new connections',
  }),
  format: option(
    text()
      .refine((value) => value.split('%u').length === 2, { error: 'expected text with one %u' })
      .default('%u'),
    { about: 'What it holds: `%u` stands for the username, `%d` for the domain.', reload: 'new connections' },
  ),
});

const dnFilterSchema = z.object({
  filter: option(text(), {
    about:
      'A filter in which `%u`, `%d`, `%D` (the name of the entry) and `%s` (an attribute) are filled in.',
    reload: 'new connections',
  }),
  attributes: option(z.array(text()).min(1).optional(), {
    about: 'Attributes of the entry, one for each `%s`, in order.',
    reload: 'new connections',
  }),
});

const localFilterSchema = z.object({
  operation: option(z.enum(['equal', 'notequal']), {
    about: 'Whether the values must be these, or must not be.',
    reload: 'new connections',
  }),
  attribute: option(text(), { about: 'The attribute that is looked at.', reload: 'new connections' }),
  values: option(z.array(text()).min(1), { about: 'All of its values.', reload: 'new connections' }),
});

/** `[auth.ldap]` */
export const ldapSchema = z.object({
  pool_tag: option(text().default('default'), {
    about: 'The `[outgoing_pools.ldap.…]` for searches.',
    reload: 'new connections',
  }),
  bind_pool_tag: option(text().default('bind'), {
    about: 'The one in which users log in to the directory.',
    reload: 'new connections',
  }),
  base: option(text(), { about: 'The entry below which users are.', reload: 'new connections' }),
  uids: option(z.array(uidSchema).min(1).optional(), {
    about: 'Attributes that name a user, any of which may.',
    defaultText: '`[{attr = "uid"}]`',
    reload: 'new connections',
  }),
  filter: option(text().optional(), {
    about: 'A filter (RFC 4515) that users must fit.',
    reload: 'new connections',
  }),
  dn_filter: option(dnFilterSchema.optional(), {
    about: 'A second search, which must find something for a user to be one.',
    reload: 'new connections',
  }),
  local_filter: option(localFilterSchema.optional(), {
    about: 'A condition on the values of one attribute, checked here.',
    reload: 'new connections',
  }),
  deref: option(z.enum(['never', 'always', 'finding', 'searching']).default('never'), {
    about: 'Whether aliases in the directory are followed.',
    reload: 'new connections',
  }),
});

/** `[auth.pki]` */
export const pkiSchema = z.object({});
