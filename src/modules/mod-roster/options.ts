import { z } from 'zod';

export const optionsSchema = z.strictObject({
  versioning: z
    .boolean()
    .default(false)
    .describe(
      'Whether clients may keep the roster and ask only whether theirs is the present one (XEP-0237).',
    ),
  store_current_id: z
    .boolean()
    .default(false)
    .describe(
      'Whether the version is the number of the last change. Otherwise it is a hash of the roster, which costs reading all of it at each change, and also covers contacts that other modules add.',
    ),
  max_items: z.int().min(1).max(10_000).default(2_000).describe('How many contacts a roster may have.'),
  max_requests: z
    .int()
    .min(1)
    .max(10_000)
    .default(500)
    .describe('How many subscription requests of strangers may wait in a roster, beside its contacts.'),
});

export type RosterOptions = z.infer<typeof optionsSchema>;

/** What an item may hold, in bytes of UTF-8 and in numbers. More is not acceptable. */
export const NAME_BYTES_MAX = 1_023;
export const GROUPS_MAX = 100;
export const EXTRA_BYTES_MAX = 4_096;
/** The text of a request is cut off there. */
export const MESSAGE_BYTES_MAX = 1_023;
