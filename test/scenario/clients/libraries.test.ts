import { SLIXMPP, SLIXMPP_AS_IT_COMES } from './slixmpp.ts';
import { tellStories } from './stories.ts';
import { XMPP_JS } from './xmpp-js.ts';

/** Two client libraries of other projects, with themselves and with each other. */

tellStories(XMPP_JS, XMPP_JS);
tellStories(SLIXMPP, SLIXMPP_AS_IT_COMES);
tellStories(XMPP_JS, SLIXMPP);
