import { defineModule, Element, stop } from '../module.ts';
import { optionsSchema, type RosterOptions } from './options.ts';
import { PortableRoster } from './portable.ts';
import { Pushes } from './pushes.ts';
import { RosterIq } from './roster-iq.ts';
import { NS_ROSTER } from './roster-text.ts';
import { Rosters } from './rosters.ts';
import type { RosterEvent } from './session-roster.ts';
import { Subscriptions } from './subscriptions.ts';
import { UserData } from './user-data.ts';

const NS_VERSIONING = 'urn:xmpp:features:rosterver';
const NS_PRE_APPROVAL = 'urn:xmpp:features:pre-approval';

/** Before mod_presence, so that clients hear of a changed roster before the presence that follows from it. */
const BEFORE_PRESENCE = 40;

/**
 * Rosters (RFC 6121 §2) and presence subscriptions (§3). Each change is one operation of the store; sessions on all shards hear of it as an event, which
 * becomes a push for their client and adapts their presence.
 */
export default defineModule<RosterOptions>({
  name: 'mod_roster',
  xeps: [
    { number: 237, version: '1.3' },
    { number: 83, version: '1.0', note: 'groups are kept as they are' },
  ],
  options: optionsSchema,
  setup(context) {
    const rosters = new Rosters(context);
    const pushes = new Pushes(context, rosters);
    const subscriptions = new Subscriptions(context, rosters, pushes);
    const iq = new RosterIq(context, rosters, pushes, subscriptions);
    const data = new UserData(context, subscriptions);
    new PortableRoster(context, rosters, pushes);
    const effects = { hasEffects: true };

    context.iq('sm', NS_ROSTER, (request) => iq.handle(request), {
      type: 'no_queue',
      answersForUnknown: true,
    });
    context.hook('roster_get', 50, (items, { acc, jid, showFullRoster }) =>
      rosters.get(items, acc, jid, showFullRoster),
    );
    context.hook('roster_get_subscription_lists', 50, (acc, { jid }) => rosters.lists(acc, jid));
    context.hook('roster_get_jid_info', 50, async (info, { to, remote }) => {
      const contact = await context.store.request('roster_contact', to.domain, to.local, remote.bare);
      return contact === null ? info : { subscription: contact.subscription, groups: contact.groups };
    });
    context.hook(
      'roster_in_subscription',
      50,
      (acc, { to, from, type, reason }) => subscriptions.incoming(acc, to, from, type, reason),
      effects,
    );
    context.hook(
      'roster_out_subscription',
      50,
      (acc, { from, to, type }) => subscriptions.outgoing(acc, from, to, type),
      effects,
    );
    context.hook('foreign_event', BEFORE_PRESENCE, (_acc, { tag, session, content }) => {
      if (tag === context.module) pushes.told(session, content as RosterEvent);
      return undefined;
    });
    context.ownPush(NS_ROSTER, ['query']);
    if (context.options.versioning) {
      context.hook('roster_get_versioning_feature', 50, (features) => [
        ...features,
        new Element('ver', NS_VERSIONING),
      ]);
    }
    context.hook('c2s_stream_features', 50, (features, { isAuthenticated }) =>
      isAuthenticated ? [...features, new Element('sub', NS_PRE_APPROVAL)] : features,
    );
    context.hook('remove_user', 50, (acc, { jid }) => data.remove(acc, jid));
    context.hook('anonymous_purge', 50, (acc, { jid }) => data.remove(acc, jid));
    context.hook('remove_domain', 50, async (removal, { domain }) => {
      try {
        await context.store.request('roster_remove_domain', domain);
        return undefined;
      } catch {
        return stop({ ...removal, failed: [...removal.failed, context.module] });
      }
    });
    context.hook('get_personal_data', 50, (all, { jid }) => data.personalData(all, jid));
  },
});
