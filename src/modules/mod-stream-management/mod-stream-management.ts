import { defineModule, Element } from '../module.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { Inline } from './inline.ts';
import { Negotiation } from './negotiation.ts';
import { optionsSchema, type SmOptions } from './options.ts';
import { Resumer } from './resumption.ts';
import { sessionsOf } from './sessions.ts';
import { NS_SM } from './sm-xml.ts';

/** How often it is looked for sessions that have waited long enough, or have had too much unacknowledged for too long. */
const TICK_MS = 500;

/**
 * Stream management (XEP-0198): both sides count and acknowledge stanzas; a session whose connection is lost waits for its client to come back and goes on
 * where it was, on whichever shard the new connection is.
 */
export default defineModule<SmOptions>({
  name: 'mod_stream_management',
  xeps: [
    { number: 198, version: '1.6.3' },
    { number: 203, version: '2.0', note: 'delay of messages that are sent again' },
  ],
  options: optionsSchema,
  setup(context) {
    const { stale_h } = context.options;
    const sessions = sessionsOf(context.hostType);
    const acks = new Acknowledgements(context, sessions);
    const resumer = new Resumer(context, sessions, acks);
    const negotiation = new Negotiation(context, sessions, acks, resumer);
    new Inline(context, sessions, acks, resumer, negotiation);
    // Counting is an effect: what is only explained is not counted.
    const effects = { hasEffects: true };
    context.hook('c2s_stream_features', 50, (features, session) => {
      // Some clients switch on whatever is offered, and a second time is one too many: it may be on since binding (XEP-0386).
      if (!session.isAuthenticated || acks.of(session) !== undefined) return undefined;
      return [...features, new Element('sm', NS_SM)];
    });
    context.hook('user_send_packet', 20, (acc, session) => acks.received(acc, session), effects);
    context.hook('user_send_xmlel', 50, (acc, session) => negotiation.element(acc, session), effects);
    context.hook('xmpp_presend_element', 50, (acc, session) => acks.presend(acc, session), effects);
    context.hook('user_stop_request', 100, (_acc, session) => resumer.lost(session));
    context.hook('user_socket_closed', 100, (_acc, session) => resumer.lost(session));
    context.hook('user_socket_error', 100, (_acc, session) => resumer.lost(session));
    context.hook('user_terminate', 80, (_acc, session) => resumer.ending(session));
    context.hook('reroute_unacked_messages', 80, (_acc, session) => resumer.ended(session));
    context.every(TICK_MS, () => {
      acks.endOver();
      resumer.endLate();
    });
    if (stale_h.enabled) {
      context.every(stale_h.repeat_after * 1_000, () => sessions.forgetStale(stale_h.geriatric * 1_000));
    }
    context.onStop((isRestart) => {
      if (!isRestart) resumer.endAll();
    });
  },
});
