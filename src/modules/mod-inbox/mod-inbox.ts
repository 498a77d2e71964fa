import { Damage, DomainRemovals, defineModule, NS_INBOX, NS_INBOX_CONVERSATION } from '../module.ts';
import { Bin } from './bin.ts';
import { Changes } from './changes.ts';
import { ClassicRooms } from './classic-rooms.ts';
import { Conversation } from './conversation.ts';
import { LightRooms } from './light-rooms.ts';
import { type InboxOptions, optionsSchema } from './options.ts';
import { tellProperties } from './properties.ts';
import { Query } from './query.ts';
import { Recording } from './recording.ts';
import { UserData } from './user-data.ts';

/** The inbox: a user's conversations, each with its last message, how many are unread, and where the user has put it. */
export default defineModule<InboxOptions>({
  name: 'mod_inbox',
  features: [NS_INBOX],
  options: optionsSchema,
  setup(context) {
    const changes = new Changes(context, ({ domain, username, peer, ...properties }) => {
      const owner = context.trustedJid(`${username}@${domain}`);
      tellProperties(context, owner, peer, properties).catch((cause: unknown) => {
        context.log.warn({ err: cause, what: 'inbox_news_failed', user: owner.bare }, 'not told');
      });
    });
    const lightRooms = new LightRooms(context, changes);
    const recording = new Recording(context, changes, lightRooms);
    const damage = new Damage(context, 'inbox_message_damaged');
    const query = new Query(context, changes, damage);
    const conversation = new Conversation(context, changes, damage);
    const data = new UserData(context);
    new Bin(context);

    // A stranger is refused alike, whether or not there is such an account (threat T68).
    const discipline = { type: 'no_queue', answersForUnknown: true } as const;
    context.iq('sm', NS_INBOX, (request) => query.answer(request), discipline);
    context.iq('sm', NS_INBOX_CONVERSATION, (request) => conversation.answer(request), discipline);

    const hasEffects = { hasEffects: true };
    context.hook('user_send_message', 70, (acc) => recording.sent(acc), hasEffects);
    context.hook('filter_local_packet', 90, (acc) => recording.received(acc), hasEffects);
    if (context.options.groupchat.includes('muc')) {
      const classicRooms = new ClassicRooms(context, changes);
      context.hook('update_inbox_for_muc', 90, (update) => classicRooms.update(update), hasEffects);
    }
    context.hook('inbox_unread_count', 80, (acc, { user }) => {
      return data.unread(acc, user, () => changes.flush());
    });
    context.hook('remove_user', 50, (_acc, { jid }) => data.removeUser(jid));
    context.hook('anonymous_purge', 50, (_acc, { jid }) => data.removeUser(jid));
    const domains = new DomainRemovals(context, (domain) => data.removeDomain(domain));
    context.hook('remove_domain', 50, (removal, { domain }) => domains.begin(removal, domain));
    context.hook('get_personal_data', 50, (tables, { jid }) => data.export(tables, jid));
  },
});
