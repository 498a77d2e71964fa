import { defineModule, stop, z } from '../module.ts';
import { KnownUsers } from './known-users.ts';

const MINUTE_MS = 60_000;
/** A timer takes no more than 2³¹ ms. */
const MINUTES_MAX = 35_000;

const optionsSchema = z.strictObject({
  strategy: z
    .enum(['fifo', 'lru'])
    .default('fifo')
    .describe(
      'Whether users who are asked for stay remembered (`lru`), or are forgotten in their time anyway (`fifo`).',
    ),
  time_to_live: z
    .union([z.int().min(1).max(MINUTES_MAX), z.literal('infinity').transform(() => Number.POSITIVE_INFINITY)])
    .default(480)
    .describe(
      'After how many minutes a new segment begins and the oldest is forgotten; `"infinity"`: only when one is full.',
    ),
  number_of_segments: z
    .int()
    .min(1)
    .max(64)
    .default(3)
    .describe('How many segments there are. A user is remembered for at most `time_to_live` times this.'),
});

/**
 * Remembers which stored accounts exist, so that their method is not asked each time. Only that somebody exists is remembered, never that somebody
 * does not.
 */
export default defineModule<z.output<typeof optionsSchema>>({
  name: 'mod_cache_users',
  options: optionsSchema,
  setup(context) {
    const { strategy, number_of_segments: segments, time_to_live: minutes } = context.options;
    const users = new KnownUsers({ strategy, segments });
    if (Number.isFinite(minutes)) context.every(minutes * MINUTE_MS, () => users.rotate());

    context.hook('does_user_exist', 30, (_known, { jid, requestType }) => {
      if (requestType !== 'stored') return undefined;
      const began = performance.now();
      const isHit = users.has(jid);
      context.spent('lookup', (performance.now() - began) / 1_000);
      context.count(isHit ? 'hit' : 'miss');
      return isHit ? stop(true) : undefined;
    });
    context.hook('does_user_exist', 70, (exists, { jid, requestType }) => {
      if (exists && requestType === 'stored') users.add(jid);
    });

    // Each shard remembers for itself; who is gone is gone everywhere.
    context.onAnnouncement((content) => {
      const { user, domain } = content as { readonly user?: string; readonly domain?: string };
      if (user !== undefined) users.removed(user);
      if (domain !== undefined) users.domainRemoved(domain);
    });
    context.hook('remove_user', 10, (_acc, { jid }) => context.announce({ user: jid.bare }));
    context.hook('remove_domain', 20, (_removal, { domain }) => {
      context.announce({ domain });
      return undefined;
    });
  },
});
