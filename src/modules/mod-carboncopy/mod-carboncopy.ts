import { z } from 'zod';
import {
  defineModule,
  Element,
  EMPTY_RESULT,
  type IqAnswer,
  type IqRequest,
  isSameSession,
  type ModuleContext,
  NS_BIND2,
  NS_CARBONS,
  NS_CARBONS_OLD,
  NS_CARBONS_RULES,
  StanzaError,
  stop,
} from '../module.ts';
import { Carbons } from './carbons.ts';

/**
 * Message carbons (XEP-0280): every device of a user sees both sides of the conversations of all. Who wants copies is a flag in the session
 * directory, so that it costs one read to know that nobody does.
 */
export default defineModule({
  name: 'mod_carboncopy',
  xeps: [
    {
      number: 280,
      version: '1.0.1',
      note: 'with the recommended rules, and in the namespace of version 0.6, too',
    },
    { number: 297, version: '1.0', note: 'in copies of messages' },
    { number: 334, version: '0.4.0', note: '`no-copy`' },
  ],
  features: [NS_CARBONS, NS_CARBONS_OLD, NS_CARBONS_RULES],
  options: z.strictObject({}),
  setup(context) {
    const carbons = new Carbons(context);
    // Who has a copy of a message: needed should its recipient's session end with it unread.
    context.permanentKey('mod_carboncopy', 'copied', { encode: (value) => value, decode: (data) => data });
    for (const ns of [NS_CARBONS, NS_CARBONS_OLD]) {
      context.iq('sm', ns, (request) => switchTo(context, carbons, request));
    }
    context.hook('bind2_stream_features', 50, (features) => {
      return [...features, Element.of('feature', NS_BIND2, { var: NS_CARBONS })];
    });
    context.hook('bind2_enable_features', 50, (acc, session) => {
      const request = acc.get<Element>('bind2', 'request');
      if (request?.child('enable', NS_CARBONS) !== undefined) carbons.enable(session, NS_CARBONS);
    });
    context.hook('user_send_message', 89, (acc, session) => carbons.sent(acc, session));
    context.hook('user_receive_message', 89, (acc, session) => carbons.received(acc, session));
    context.hook('sm_filter_offline_message', 50, (_isDropped, { from, to, packet }) => {
      return carbons.isLostCopy(from, to, packet) ? stop(true) : undefined;
    });
    context.hook('unset_presence', 10, ({ originSid }, { jid }) => {
      const session = context.session(jid)?.params;
      // By now another session may have the address.
      if (session === undefined || originSid === undefined) return;
      if (isSameSession(session.sid!, originSid)) carbons.disable(session);
    });
  },
});

/** `<enable/>` and `<disable/>`: as often as the client likes (XEP-0280 §10.1). */
function switchTo(context: ModuleContext, carbons: Carbons, request: IqRequest): IqAnswer {
  const { from, to, type, payload } = request;
  // Nobody but the account's own clients.
  const session = from.bare === to.bare ? context.session(from)?.params : undefined;
  if (session === undefined) return new StanzaError('not-allowed');
  if (type !== 'set' || payload.elements().length > 0) return new StanzaError('bad-request');
  if (payload.name === 'enable') carbons.enable(session, payload.ns);
  else if (payload.name === 'disable') carbons.disable(session);
  else return new StanzaError('bad-request');
  return EMPTY_RESULT;
}
