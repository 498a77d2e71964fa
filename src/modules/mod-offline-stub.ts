import { z } from 'zod';
import { defineModule, STOP } from './module.ts';

/** Messages to absent users are forgotten without an error: for servers that keep all messages in an archive. */
export default defineModule({
  name: 'mod_offline_stub',
  options: z.strictObject({}),
  setup(context) {
    context.hook('offline_message', 75, (acc) => {
      if (!acc.trace?.isDryRun) context.outcome(acc, 'dropped');
      return STOP;
    });
  },
});
