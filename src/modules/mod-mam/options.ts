import { z } from 'zod';

const infinity = z.literal('infinity');

/** What the section of the module and the section of one kind of archive may both say; the latter wins. */
const shared = {
  no_stanzaid_element: z
    .boolean()
    .describe(
      'Leaves out the `<stanza-id/>` that archived messages get. With mod_stanzaid all messages have one.',
    ),
  archive_chat_markers: z.boolean().describe('Whether chat markers (XEP-0333) are archived, too.'),
  message_retraction: z
    .boolean()
    .describe(
      'Whether a retracted message is replaced by a tombstone (XEP-0424). Retractions are archived anyway.',
    ),
  full_text_search: z.boolean().describe('Whether archives can be searched for words (XEP-0431).'),
  user_prefs_store: z
    .enum(['rdbms', 'mnesia'])
    .optional()
    .describe(
      'Lets users say what of theirs is archived (XEP-0441). Both names mean the store of this server. Without it everything is archived.',
    ),
  default_result_limit: z.int().min(1).describe('Messages on a page if the client does not say how many.'),
  max_result_limit: z.int().min(1).max(1_000).describe('Messages on a page at most.'),
  enforce_simple_queries: z
    .boolean()
    .describe(
      'Leaves out how many messages match and which of them a page begins with, as if the client had asked for that.',
    ),
  delete_domain_limit: z
    .union([z.int().min(1), infinity])
    .describe(
      'When a domain is deleted, so many of its messages go at a time. Never more than a thousand do.',
    ),
};

const DEFAULTS = {
  no_stanzaid_element: false,
  archive_chat_markers: false,
  message_retraction: true,
  full_text_search: true,
  default_result_limit: 50,
  max_result_limit: 50,
  enforce_simple_queries: false,
  delete_domain_limit: 'infinity',
} as const;

const backend = z
  .enum(['rdbms'])
  .default('rdbms')
  .describe('Where archives are: in the store of this server. Other databases are not supported.');

const keep = {
  keep_days: z
    .union([z.int().min(1).max(36_500), infinity])
    .default('infinity')
    .describe('Messages are deleted when they are so many days old.'),
  keep_messages: z
    .union([z.int().min(1), infinity])
    .default('infinity')
    .describe('Of each user so many of the latest messages are kept.'),
};

export const optionsSchema = z.strictObject({
  backend,
  cache_users: z
    .boolean()
    .default(true)
    .describe('Whether the preferences of users are remembered, rather than read for each message.'),
  no_stanzaid_element: shared.no_stanzaid_element.default(DEFAULTS.no_stanzaid_element),
  archive_chat_markers: shared.archive_chat_markers.default(DEFAULTS.archive_chat_markers),
  message_retraction: shared.message_retraction.default(DEFAULTS.message_retraction),
  full_text_search: shared.full_text_search.default(DEFAULTS.full_text_search),
  user_prefs_store: shared.user_prefs_store,
  default_result_limit: shared.default_result_limit.default(DEFAULTS.default_result_limit),
  max_result_limit: shared.max_result_limit.default(DEFAULTS.max_result_limit),
  enforce_simple_queries: shared.enforce_simple_queries.default(DEFAULTS.enforce_simple_queries),
  delete_domain_limit: shared.delete_domain_limit.default(DEFAULTS.delete_domain_limit),
  ...keep,
  pm: z
    .strictObject({
      no_stanzaid_element: shared.no_stanzaid_element.optional(),
      archive_chat_markers: shared.archive_chat_markers.optional(),
      message_retraction: shared.message_retraction.optional(),
      full_text_search: shared.full_text_search.optional(),
      user_prefs_store: shared.user_prefs_store,
      default_result_limit: shared.default_result_limit.optional(),
      max_result_limit: shared.max_result_limit.optional(),
      enforce_simple_queries: shared.enforce_simple_queries.optional(),
      delete_domain_limit: shared.delete_domain_limit.optional(),
      archive_groupchats: z
        .boolean()
        .default(false)
        .describe('Whether what users get from rooms goes into their archives, too: once for each of them.'),
      same_mam_id_for_peers: z
        .boolean()
        .default(false)
        .describe('Has no effect: a message always has one id in both archives.'),
    })
    .optional()
    .describe('Switches the archives of users on. Its options win over those of the module.'),
});

export type MamOptions = z.infer<typeof optionsSchema>;
export type PmSection = NonNullable<MamOptions['pm']>;
/** What holds for archives of users. */
export type PmOptions = Required<Omit<MamOptions, 'pm' | 'user_prefs_store' | 'backend'>> &
  Pick<PmSection, 'archive_groupchats'> & { readonly hasPrefs: boolean };

/** The options of users' archives; undefined if the configuration has no section for them. */
export function pmOptions({ pm, ...root }: MamOptions): PmOptions | undefined {
  if (pm === undefined) return undefined;
  const given = Object.fromEntries(Object.entries(pm).filter(([, value]) => value !== undefined));
  const { user_prefs_store, ...rest } = { ...root, ...given } as MamOptions & PmSection;
  return { ...rest, hasPrefs: user_prefs_store !== undefined };
}
