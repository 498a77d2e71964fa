import { z } from 'zod';
import {
  type Accumulator,
  DROP,
  defineModule,
  Flag,
  type Jid,
  type ModuleContext,
  StanzaError,
  type Verdict,
} from './module.ts';

/**
 * Forbids traffic between domains: what comes to a host, or to a subdomain that a module serves for it, must come from there. Everything else is dropped
 * where it would be delivered, and its sender told.
 */
export default defineModule({
  name: 'mod_domain_isolation',
  options: z.strictObject({}),
  setup(context) {
    context.hook('filter_local_packet', 10, (acc) => {
      // Nearly everything that there is to isolate stays within one domain.
      return acc.from.domain === acc.to.domain ? undefined : filter(context, acc);
    });
  },
});

function filter(context: ModuleContext, acc: Accumulator): Verdict {
  if ((acc.flags & Flag.ISOLATION_IGNORE) !== 0) return undefined;
  if (ownerOf(context, acc.from) === ownerOf(context, acc.to)) return undefined;
  context.count('dropped');
  const reply = acc.errorReply(new StanzaError('service-unavailable', 'Filtered by the domain isolation'));
  if (reply !== undefined) {
    reply.addFlag(Flag.ISOLATION_IGNORE);
    void context.route(reply);
  }
  return DROP;
}

function ownerOf(context: ModuleContext, { domain }: Jid): string {
  return context.hostOf(domain) ?? domain;
}
