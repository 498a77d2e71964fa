import { z } from 'zod';
import { defineModule, Element, NS_BIND2, NS_CSI } from '../module.ts';
import { ClientStates } from './client-states.ts';
import type { Waiting } from './waiting.ts';

const optionsSchema = z.strictObject({
  buffer_max: z
    .union([z.int().min(0), z.literal('infinity')])
    .default(20)
    .describe(
      'How many stanzas wait for an inactive client: with one more, all are delivered; 0: nothing waits. Never more than 1000, nor than 1 MiB.',
    ),
  total_max_bytes: z
    .int()
    .min(1_048_576)
    .default(134_217_728)
    .describe(
      'Memory that what waits for all inactive clients of one shard may take. Over it, what waits for the client that gets something more is delivered.',
    ),
  filter: z
    .boolean()
    .default(false)
    .describe(
      'Whether only what is not important waits: presence and chat states, of which the last of each sender is kept, and notifications of PEP.',
    ),
});

export type CsiOptions = z.infer<typeof optionsSchema>;

/**
 * Client state indication (XEP-0352): what a client that nobody looks at would get waits until somebody does, or until there is too much of it.
 */
export default defineModule<CsiOptions>({
  name: 'mod_csi',
  xeps: [{ number: 352, version: '1.0.0' }],
  options: optionsSchema,
  setup(context) {
    const states = new ClientStates(context);
    context.hook('c2s_stream_features', 60, (features, { isAuthenticated }) => {
      return isAuthenticated ? [...features, new Element('csi', NS_CSI)] : undefined;
    });
    context.hook('bind2_stream_features', 50, (features) => {
      return [...features, Element.of('feature', NS_BIND2, { var: NS_CSI })];
    });
    context.hook('bind2_enable_features', 50, (acc, session) => {
      const request = acc.get<Element>('bind2', 'request');
      if (request?.child('inactive', NS_CSI) !== undefined) states.becomeInactive(session);
    });
    context.hook('user_send_xmlel', 60, (acc, session) => {
      if (acc.stanza!.element.ns !== NS_CSI || session.state !== 'session_established') return undefined;
      return states.told(acc, session);
    });
    context.hook('xmpp_presend_element', 45, (acc, session) => states.presend(acc, session));
    context.hook('user_stop_request', 95, (acc, session) => states.release(acc, session));
    context.hook('user_socket_closed', 95, (acc, session) => states.release(acc, session));
    context.hook('user_socket_error', 95, (acc, session) => states.release(acc, session));
    // Behind stream management: what its client has not acknowledged is older.
    context.hook('reroute_unacked_messages', 90, (_acc, session) => states.ended(session));
    // Nothing to remember: a stream that resumes begins in the active state (XEP-0352 §4.2).
    context.sessionState<Waiting>({
      encode: () => undefined,
      decode: () => undefined,
      beforeTakeOver: (_waiting, session) => states.beforeTakeOver(session),
    });
    context.onStop(() => states.stop());
  },
});
