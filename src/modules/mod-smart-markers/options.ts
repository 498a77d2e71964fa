import { z } from 'zod';

export const optionsSchema = z.strictObject({
  backend: z
    .enum(['rdbms', 'rdbms_async'])
    .default('rdbms')
    .describe(
      'When markers are written: `"rdbms"` in each turn, and the message is acknowledged (XEP-0198) when that is done; `"rdbms_async"` a moment later, and nobody waits for it.',
    ),
  keep_private: z
    .boolean()
    .default(false)
    .describe('Whether markers are for their senders alone: then they are kept, and sent to nobody.'),
});

export type SmartMarkersOptions = z.infer<typeof optionsSchema>;
