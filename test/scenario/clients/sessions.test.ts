import { tellSessions } from './session-stories.ts';
import { SLIXMPP_BOUND, SLIXMPP_SESSION } from './slixmpp-session.ts';
import { XMPP_JS_SESSION } from './xmpp-js-session.ts';

/** All that a chat client has of a session, with two client libraries of other projects. */

tellSessions(SLIXMPP_BOUND, SLIXMPP_SESSION);
tellSessions(XMPP_JS_SESSION, XMPP_JS_SESSION);
tellSessions(XMPP_JS_SESSION, SLIXMPP_BOUND);
