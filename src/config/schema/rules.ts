import { z } from 'zod';
import { option } from '../option.ts';
import { namedTables, text } from '../values.ts';

/** `[shaper.NAME]` */
export const shaperSchema = option(
  namedTables(
    z.object({
      max_rate: option(z.int().min(1), {
        about: 'What passes in the long run. Reading pauses while a connection is above it.',
        unit: 'bytes/s',
        reload: 'new connections',
      }),
      burst: option(z.int().min(1).optional(), {
        about: 'What may pass at once after a pause.',
        unit: 'bytes',
        defaultText: '`max_rate`',
        reload: 'new connections',
      }),
    }),
  ).default(() => new Map()),
  { about: 'Limits of speed, by name.', reload: 'new connections' },
);

const ACL_RELOAD = { reload: 'live' } as const;

const patternSchema = z.object({
  match: option(z.enum(['all', 'none', 'current_domain', 'any_hosted_domain']).default('current_domain'), {
    about:
      'Which domains the pattern looks at: only the one that the rule is asked for, any that this server has, or all of the world. ' +
      '`"none"` never matches.',
    ...ACL_RELOAD,
  }),
  user: option(text().optional(), { about: 'The localpart, exactly.', ...ACL_RELOAD }),
  user_regexp: option(z.string().optional(), {
    about: 'A regular expression found in the localpart.',
    ...ACL_RELOAD,
  }),
  user_glob: option(z.string().optional(), {
    about: 'A glob that the whole localpart matches.',
    ...ACL_RELOAD,
  }),
  server: option(text().optional(), {
    about:
      'The domain, exactly. With the default `match` it can only be the current domain: write `match = "all"` beside it.',
    ...ACL_RELOAD,
  }),
  server_regexp: option(z.string().optional(), {
    about: 'A regular expression found in the domain.',
    ...ACL_RELOAD,
  }),
  server_glob: option(z.string().optional(), {
    about: 'A glob that the whole domain matches.',
    ...ACL_RELOAD,
  }),
  resource: option(text().optional(), { about: 'The resource, exactly.', ...ACL_RELOAD }),
  resource_regexp: option(z.string().optional(), {
    about: 'A regular expression found in the resource.',
    ...ACL_RELOAD,
  }),
  resource_glob: option(z.string().optional(), {
    about: 'A glob that the whole resource matches.',
    ...ACL_RELOAD,
  }),
});

const aclLists = () => namedTables(z.array(patternSchema)).default(() => new Map());

/** `[acl]` */
export const aclSchema = option(aclLists(), { about: 'Lists of patterns, by name.', ...ACL_RELOAD });

/** `[host_config.acl]` */
export const hostAclSchema = option(aclLists(), { about: 'Added to the lists of `[acl]`.', ...ACL_RELOAD });

const clauseSchema = z.object({
  acl: option(text(), { about: 'The name of an `[acl]` list, `"all"` or `"none"`.', ...ACL_RELOAD }),
  value: option(z.union([z.int().min(0), text()]), {
    about: 'What the rule gives to an address on that list.',
    type: '"allow", "deny", "default", integer ≥ 0, "infinity" or the name of a shaper',
    ...ACL_RELOAD,
  }),
});

const accessRules = () => namedTables(z.array(clauseSchema)).default(() => new Map());

/** `[access]` */
export const accessSchema = option(accessRules(), { about: 'Rules, by name.', ...ACL_RELOAD });

/** `[host_config.access]` */
export const hostAccessSchema = option(accessRules(), {
  about: 'Added to the rules of `[access]`.',
  ...ACL_RELOAD,
});

export type ShaperSection = z.output<typeof shaperSchema>;
export type AclSection = z.output<typeof aclSchema>;
export type AccessSection = z.output<typeof accessSchema>;
export type PatternTable = z.output<typeof patternSchema>;
