import { z } from 'zod';
import {
  defineModule,
  EMPTY_RESULT,
  type IqAnswer,
  type IqRequest,
  NS_PING,
  StanzaError,
} from '../module.ts';
import { Pings } from './pings.ts';

const optionsSchema = z.strictObject({
  send_pings: z.boolean().default(false).describe('Whether clients that are silent are pinged.'),
  ping_interval: z
    .int()
    .min(1)
    .default(60)
    .describe('How long a client may be silent before it is pinged, in seconds.'),
  timeout_action: z
    .enum(['none', 'kill'])
    .default('none')
    .describe('What happens to a session that does not answer: `none` or `kill`.'),
  ping_req_timeout: z.int().min(1).default(32).describe('How long an answer may take, in seconds.'),
});

export type PingOptions = z.infer<typeof optionsSchema>;

/** XMPP ping (XEP-0199), in both directions. */
export default defineModule<PingOptions>({
  name: 'mod_ping',
  xeps: [{ number: 199, version: '2.0.1' }],
  options: optionsSchema,
  setup(context) {
    context.iq('local', NS_PING, answer);
    context.iq('sm', NS_PING, (request) => {
      // To a stranger an account is as silent as one that does not exist (threat T68).
      const isSubscribed = context.isSubscribed(request.from, request.to);
      if (!(isSubscribed instanceof Promise)) return isSubscribed ? answer(request) : unavailable();
      return isSubscribed.then((known) => (known ? answer(request) : unavailable()));
    });
    if (!context.options.send_pings) return;
    const pings = new Pings(context);
    context.hook('user_send_packet', 100, (_acc, session) => pings.heard(session));
    context.hook('sm_register_connection', 50, (_nothing, { jid }) => {
      const session = context.session(jid)?.params;
      return session === undefined ? undefined : pings.resumed(session);
    });
    context.hook('user_send_iq', 100, (acc, session) => pings.answered(acc, session));
    context.hook('user_terminate', 50, (_acc, session) => pings.ended(session));
    context.hook('user_ping_response', 100, (_nothing, { response, timeDelta }) => {
      if (response === 'timeout') context.count('response_timeout');
      else {
        context.count('response');
        context.count('response_ms', timeDelta);
      }
    });
  },
});

function answer({ type, payload }: IqRequest): IqAnswer {
  if (type === 'get' && payload.name === 'ping') return EMPTY_RESULT;
  return new StanzaError('feature-not-implemented');
}

function unavailable(): StanzaError {
  return new StanzaError('service-unavailable');
}
