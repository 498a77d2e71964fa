import { z } from 'zod';

/** Boxes that everybody has. `all` is what questions call them together. */
export const BOXES = ['inbox', 'archive', 'bin'] as const;
const RESERVED: ReadonlySet<string> = new Set([...BOXES, 'all']);

const NAME_LENGTH_MAX = 64;

const limit = z.union([z.int().min(1), z.literal('infinity').transform(() => Number.POSITIVE_INFINITY)]);

export const optionsSchema = z.strictObject({
  backend: z
    .enum(['rdbms', 'rdbms_async'])
    .default('rdbms')
    .describe(
      'Who waits for inboxes to be written: with `"rdbms"` a message is acknowledged (XEP-0198) when that is done; with `"rdbms_async"` nobody waits.',
    ),
  boxes: z
    .array(
      z
        .string()
        .min(1)
        .max(NAME_LENGTH_MAX)
        .refine((name) => !RESERVED.has(name), { error: 'there is a box of this name already' }),
    )
    .max(100)
    .default([])
    .describe('Further boxes beside `inbox`, `archive` and `bin`.'),
  bin_ttl: z
    .int()
    .min(1)
    .default(30)
    .describe('Conversations in the bin are deleted so many days after their last message.'),
  bin_clean_after: z.int().min(1).max(500).default(1).describe('Hours between looking for such.'),
  delete_domain_limit: limit
    .default(Number.POSITIVE_INFINITY)
    .describe('Conversations deleted at a time when a domain is removed; in no case more than 1000.'),
  reset_markers: z
    .array(z.enum(['displayed', 'received', 'acknowledged']))
    .default(['displayed'])
    .describe('Which chat markers (XEP-0333) of a user mark a conversation as read.'),
  groupchat: z
    .array(z.enum(['muc', 'muclight']))
    .default(['muclight'])
    .describe('Which kinds of rooms have conversations.'),
  aff_changes: z
    .boolean()
    .default(true)
    .describe('MUC Light: whether becoming a member, an owner, or nothing of a room is a message.'),
  remove_on_kicked: z
    .boolean()
    .default(true)
    .describe('MUC Light: whether the conversation goes when its user is removed from the room.'),
  max_result_limit: limit
    .default(Number.POSITIVE_INFINITY)
    .describe('How many conversations an answer has at most.'),
});

export type InboxOptions = z.infer<typeof optionsSchema>;
