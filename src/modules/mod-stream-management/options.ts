import { z } from 'zod';

export const optionsSchema = z.strictObject({
  buffer: z
    .boolean()
    .default(true)
    .describe('Whether unacknowledged stanzas are kept. Without them nothing can be resumed or sent again.'),
  buffer_max: z
    .union([z.int().min(1), z.literal('infinity')])
    .default(100)
    .describe(
      'Stanzas that a client may leave unacknowledged: more of them for five seconds, and its session ends.',
    ),
  buffer_max_bytes: z
    .int()
    .min(65_536)
    .max(4_194_304)
    .default(1_048_576)
    .describe(
      'Memory that the unacknowledged stanzas of one session may take; over it the session ends at once.',
    ),
  ack: z.boolean().default(true).describe('Whether the server asks for acknowledgements.'),
  ack_freq: z.int().min(1).default(1).describe('The server asks after each so many stanzas.'),
  resume_timeout: z
    .int()
    .min(1)
    .max(86_400)
    .default(600)
    .describe('How long a session whose connection is lost waits for its client, in seconds.'),
  detached_max: z
    .int()
    .min(1)
    .default(10_000)
    .describe(
      'Sessions of one shard that wait for their clients at a time. Over it the one that has waited longest ends.',
    ),
  total_max_bytes: z
    .int()
    .min(1_048_576)
    .default(134_217_728)
    .describe(
      'Memory that the unacknowledged stanzas of all sessions of one shard may take. Over it the session ends that has waited longest for its client; if none waits, the one that has just grown.',
    ),
  stale_h: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe(
          'Whether the count of a session that has ended is remembered, and told when its client comes too late.',
        ),
      repeat_after: z.int().min(1).default(1_800).describe('How often old counts are forgotten, in seconds.'),
      geriatric: z.int().min(1).default(3_600).describe('The age at which a count is old, in seconds.'),
    })
    .prefault({}),
});

export type SmOptions = z.infer<typeof optionsSchema>;
