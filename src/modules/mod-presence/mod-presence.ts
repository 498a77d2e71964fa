import { z } from 'zod';
import { defineModule } from '../module.ts';
import { LostSessions } from './lost-sessions.ts';
import { Presence, type SessionEvent } from './presence.ts';
import type { PresenceData, PresenceState } from './presence-state.ts';

/** Tells sessions of changed subscriptions, by events of its own. */
const ROSTER = 'mod_roster';
/** Tells them of changed privacy lists. */
const PRIVACY = 'mod_privacy';

/**
 * Presence of local sessions (RFC 6121 §4): who is told that a session is available, and who asks.
 * Contacts come from the hook `roster_get_subscription_lists`; without rosters there are only the user's own resources, and whoever was sent
 * directed presence.
 */
export default defineModule({
  name: 'mod_presence',
  xeps: [{ number: 203, version: '2.0', note: 'the time of a presence that answers a probe' }],
  options: z.strictObject({}),
  setup(context) {
    const lost = new LostSessions(context);
    const presence = new Presence(context, lost);
    context.sessionState<PresenceState>({
      encode: (state) => state.toData(),
      decode: (data, session) => presence.moved(data as PresenceData, session),
    });
    // It keeps books about who was told what: a dry run (`meerkat route`) leaves it alone.
    const effects = { hasEffects: true };
    context.hook('user_send_presence', 50, (acc, session) => presence.send(acc, session), effects);
    context.hook('user_receive_presence', 50, (acc, session) => presence.receive(acc, session));
    context.hook('user_terminate', 90, (acc, session) => presence.terminate(acc, session));
    context.hook('session_cleanup', 50, (acc, { jid }) => presence.lost(acc, jid));
    context.hook('sessions_cleanup', 50, (_nothing, { sessions }) => lost.announce(sessions));
    context.hook('foreign_event', 50, (acc, { tag, session, content }) => {
      if (tag === PRIVACY && !('visibility' in (content as object))) return undefined;
      if (tag !== context.module && tag !== ROSTER && tag !== PRIVACY) return undefined;
      return presence.told(acc, session, content as SessionEvent);
    });
  },
});
