import { DomainRemovals, defineModule, NS_SMART_MARKERS } from '../module.ts';
import { optionsSchema, type SmartMarkersOptions } from './options.ts';
import { answerQuery } from './query.ts';
import { Recording } from './recording.ts';
import { UserData } from './user-data.ts';

/** The last chat markers (XEP-0333) of each conversation, so that a client that comes back need not look for them in the history. */
export default defineModule<SmartMarkersOptions>({
  name: 'mod_smart_markers',
  xeps: [{ number: 333, version: '0.4', note: 'the last markers of each conversation are kept' }],
  options: optionsSchema,
  setup(context) {
    const recording = new Recording(context);
    const flush = (): void => recording.flush();
    const data = new UserData(context, flush);
    // Whoever keeps the message may want to know that there are markers in it.
    context.permanentKey('mod_smart_markers', 'timestamp', {
      encode: (time) => time,
      decode: (time) => time,
    });
    // A stranger is refused alike, whether or not there is such an account (threat T68).
    const discipline = { type: 'no_queue', answersForUnknown: true } as const;
    context.iq(
      'sm',
      NS_SMART_MARKERS,
      (request) => answerQuery(context, request, () => recording.caughtUp()),
      discipline,
    );

    context.hook('user_send_message', 90, (acc) => recording.sent(acc), { hasEffects: true });
    if (context.options.keep_private) {
      context.hook('filter_local_packet', 20, (acc) => recording.received(acc));
    }
    context.hook('remove_user', 60, (_acc, { jid }) => data.removeUser(jid));
    context.hook('anonymous_purge', 60, (_acc, { jid }) => data.removeUser(jid));
    const domains = new DomainRemovals(context, (domain) => data.removeDomain(domain));
    context.hook('remove_domain', 60, (removal, { domain }) => domains.begin(removal, domain));
    context.hook('get_personal_data', 60, (tables, { jid }) => data.export(tables, jid));
    context.hook('forget_room', 85, (_nothing, { mucHost, room }) => data.forgetRoom(mucHost, room));
    context.hook('room_new_affiliations', 60, (_acc, { room, newAffs }) => data.keepMembers(room, newAffs));
  },
});
