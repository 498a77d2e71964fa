import { z } from 'zod';
import { defineModule, STOP, type VisibilityChange } from '../module.ts';
import { Ending } from './ending.ts';
import { Incoming } from './incoming.ts';
import { LostSessions } from './lost-sessions.ts';
import { Outgoing } from './outgoing.ts';
import { type PresenceData, PresenceState } from './presence-state.ts';
import { RosterChanges, type SessionEvent } from './roster-changes.ts';
import { Visibility } from './visibility.ts';

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
    const outgoing = new Outgoing(context);
    const incoming = new Incoming(context, lost);
    const ending = new Ending(context, lost);
    const changes = new RosterChanges(context);
    const visibility = new Visibility(context);
    context.sessionState<PresenceState>({
      encode: (state) => state.toData(),
      decode: (data, session) => {
        const state = PresenceState.fromData(data as PresenceData, (full) => context.trustedJid(full));
        for (const sender of (data as PresenceData).heard) lost.heard(sender, session, state);
        return state;
      },
    });
    // It keeps books about who was told what: a dry run (`meerkat route`) leaves it alone.
    const effects = { hasEffects: true };
    context.hook('user_send_presence', 50, (acc, session) => outgoing.send(acc, session), effects);
    context.hook('user_receive_presence', 50, (acc, session) => incoming.receive(acc, session));
    context.hook('user_terminate', 90, (acc, session) => ending.terminate(acc, session));
    context.hook('session_cleanup', 50, (acc, { jid }) => ending.lost(acc, jid));
    context.hook('sessions_cleanup', 50, (_nothing, { sessions }) => lost.announce(sessions));
    context.hook('foreign_event', 50, (acc, { tag, session, content }) => {
      if (tag === PRIVACY && 'visibility' in (content as object)) {
        void visibility.changed(acc, session, content as VisibilityChange);
        return STOP;
      }
      if (tag !== context.module && tag !== ROSTER) return undefined;
      changes.told(session, content as SessionEvent);
      return tag === context.module ? STOP : undefined;
    });
    context.absentProbe((acc) => incoming.answerForAbsent(acc));
  },
});
