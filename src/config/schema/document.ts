import { z } from 'zod';
import { option } from '../option.ts';
import { isTable, type Table } from '../path.ts';
import { domain, namedTables, text } from '../values.ts';
import { authSchema } from './auth.ts';
import { generalSchema, hostGeneralSchema } from './general.ts';
import { listenSchema } from './listen.ts';
import { poolsSchema } from './pools.ts';
import { accessSchema, aclSchema, hostAccessSchema, hostAclSchema, shaperSchema } from './rules.ts';
import { adminSchema, storageSchema } from './storage.ts';

// The options of a module are declared beside the module, so here its table is only known to be one.
const moduleTable = option(
  z.custom<Table>((value) => isTable(value), { error: 'expected table' }),
  { about: 'The options of one module.', type: 'table', reload: 'live' },
);

const moduleTables = () => namedTables(moduleTable).optional();

const hostConfigSchema = z.object({
  host: option(domain().optional(), { about: 'One of `general.hosts`.', reload: 'live' }),
  host_type: option(text().optional(), { about: 'One of `general.host_types`.', reload: 'live' }),
  general: option(hostGeneralSchema.optional(), {
    about: 'Its own values of some general options.',
    reload: 'live',
  }),
  auth: option(authSchema.optional(), { about: 'Replaces the whole `[auth]`.', reload: 'new connections' }),
  outgoing_pools: option(poolsSchema.prefault({}), {
    about: 'Added to those above; one of the same kind and tag replaces it.',
    reload: 'new connections',
  }),
  modules: option(moduleTables(), { about: 'Replaces the whole `[modules]`.', reload: 'live' }),
  acl: hostAclSchema,
  access: hostAccessSchema,
});

/** The whole file, with the names that an operator writes. */
export const documentSchema = z.object({
  general: generalSchema.prefault({}),
  listen: listenSchema.optional(),
  auth: authSchema.prefault({}),
  outgoing_pools: poolsSchema.prefault({}),
  storage: storageSchema.prefault({}),
  admin: adminSchema.prefault({}),
  shaper: shaperSchema,
  acl: aclSchema,
  access: accessSchema,
  modules: option(moduleTables(), {
    about: 'Modules, by name; each with its options.',
    defaultText:
      '`mod_roster`, `mod_presence`, `mod_offline`, `mod_disco`, `mod_caps`, `mod_adhoc`, `mod_carboncopy`, `mod_csi`, `mod_ping`, `mod_sic`, `mod_stream_management`, ' +
      '`mod_version`, `mod_time`, `mod_privacy`, `mod_blocking`, `mod_last`, `mod_private`, `mod_vcard`, `mod_sasl2`, `mod_bind2` and `mod_fast_auth_token`',
    reload: 'live',
  }),
  host_config: option(z.array(hostConfigSchema).default([]), {
    about: 'Sections of a single host type.',
    reload: 'live',
  }),
});

export type Document = z.output<typeof documentSchema>;
export type HostConfigTable = Document['host_config'][number];
