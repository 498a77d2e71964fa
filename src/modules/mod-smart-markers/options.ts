import { z } from 'zod';

export const optionsSchema = z.strictObject({
  backend: z
    .enum(['rdbms', 'rdbms_async'])
    .default('rdbms')
    .describe(
      'Who waits for markers to be written: with `"rdbms"` their message is acknowledged (XEP-0198) when that is done; with `"rdbms_async"` nobody waits.',
    ),
  keep_private: z
    .boolean()
    .default(false)
    .describe('Whether markers are for their senders alone: then they are kept, and sent to nobody.'),
});

export type SmartMarkersOptions = z.infer<typeof optionsSchema>;
