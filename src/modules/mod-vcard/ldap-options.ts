import { z } from 'zod';
import { isBracketed } from '../module.ts';
import { CARD_FIELDS } from './ldap-entry.ts';

const ATTRIBUTE = /^[A-Za-z][A-Za-z0-9.;-]*$/;

const attribute = z
  .string()
  .regex(ATTRIBUTE, { error: 'expected the name of an attribute, or "%u" for that of the user' });

const filter = z
  .string()
  .refine(isBracketed, { error: 'not a filter: it is to be in brackets, each of them closed' });

const uidSchema = z.strictObject({
  attr: attribute.default('uid').describe('An attribute that names a user.'),
  format: z
    .string()
    .refine((text) => text.split('%u').length === 2, { error: 'expected text with one %u' })
    .default('%u')
    .describe('What it holds: `%u` stands for the username, `%d` for the domain.'),
});

/** The names of the reported fields that are not those of the vCard. */
const SHORT_NAMES = ['FIRST', 'LAST', 'NICK'] as const;

/** `[modules.mod_vcard.ldap]` */
export const ldapSchema = z.strictObject({
  pool_tag: z.string().min(1).default('default').describe('The `[outgoing_pools.ldap.…]` to search in.'),
  base: z.string().min(1).describe('The entry below which users are.'),
  uids: z
    .array(uidSchema)
    .min(1)
    .optional()
    .describe('Attributes that name a user, any of which may. Default: `uid`.'),
  filter: filter.optional().describe('A filter (RFC 4515) that users must fit.'),
  deref: z
    .enum(['never', 'always', 'finding', 'searching'])
    .default('never')
    .describe('Whether aliases in the directory are followed.'),
  vcard_map: z
    .array(
      z.strictObject({
        vcard_field: z.enum(CARD_FIELDS).describe('The element of the card.'),
        ldap_pattern: z
          .string()
          .min(1)
          .describe(
            'Its text: `%s` stands for a value of the attribute, `%u` for the username, `%d` for the domain.',
          ),
        ldap_field: z
          .union([z.literal(''), attribute])
          .describe('The attribute; empty where the text needs none.'),
      }),
    )
    .optional()
    .describe('What the cards are made of. Default: see docs/modules/mod_vcard.md.'),
  search_fields: z
    .array(
      z.strictObject({
        search_field: z.string().min(1).describe('What people call the field.'),
        ldap_field: z
          .union([z.literal('%u'), attribute])
          .describe('The attribute that is searched; `%u` for the name of the user.'),
      }),
    )
    .min(1)
    .optional()
    .describe('What can be searched for.'),
  search_reported: z
    .array(
      z.strictObject({
        search_field: z.string().min(1).describe('What people call the column.'),
        vcard_field: z
          .enum([...CARD_FIELDS, ...SHORT_NAMES])
          .describe('The element of the card that it shows.'),
      }),
    )
    .min(1)
    .optional()
    .describe('What a search shows of whom it finds.'),
  search_operator: z
    .enum(['and', 'or'])
    .default('and')
    .describe('Whether all fields of a search must fit, or one.'),
  binary_search_fields: z
    .array(z.string().min(1))
    .default([])
    .describe('Fields of a search, by what people call them, whose text goes to the directory in base64.'),
});

export type LdapCardOptions = z.output<typeof ldapSchema>;
