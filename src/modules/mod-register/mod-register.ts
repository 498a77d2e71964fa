import { z } from 'zod';
import { defineModule, Element, NS_REGISTER, NS_REGISTER_FEATURE, parseJid, StanzaError } from '../module.ts';
import { parseNetwork } from './ip-access.ts';
import { Registration } from './registration.ts';
import { StreamRegistration } from './stream-registration.ts';

const address = z.string().refine((text) => parseJid(text) !== undefined, { error: 'not an address' });

const optionsSchema = z.strictObject({
  access: z
    .string()
    .default('all')
    .describe(
      'The access rule for new addresses, and for users who register others or cancel their account.',
    ),
  welcome_message: z
    .strictObject({
      subject: z.string().default('').describe('Its subject.'),
      body: z.string().default('').describe('Its text.'),
    })
    .optional()
    .describe('A message from the server to every new account. Default: none.'),
  registration_watchers: z
    .array(address)
    .default([])
    .describe('Addresses that are told of every new account.'),
  password_strength: z
    .int()
    .min(0)
    .default(0)
    .describe('The least strength of a password, in bits of entropy; 0 for any.'),
  ip_access: z
    .array(
      z.strictObject({
        address: z
          .string()
          .refine((text) => parseNetwork(text) !== undefined, { error: 'not an IP address or network' })
          .describe(
            'An address, or a network in CIDR notation. The first one that contains the client’s address decides.',
          ),
        policy: z.enum(['allow', 'deny']).describe('Whether it may register.'),
      }),
    )
    .default([]),
});

export type RegisterOptions = z.infer<typeof optionsSchema>;

/**
 * In-band registration (XEP-0077): accounts made, changed and cancelled by clients. It runs only where it is configured, for on a public
 * server it invites abuse.
 */
export default defineModule<RegisterOptions>({
  name: 'mod_register',
  xeps: [{ number: 77, version: '2.4', note: 'without forms and redirection' }],
  options: optionsSchema,
  setup(context) {
    const registration = new Registration(context);
    const onStream = new StreamRegistration(context, registration);
    context.hook('c2s_stream_features', 50, (features, session) => {
      // Passwords wait for TLS where there is TLS (threat T15).
      if (session.isAuthenticated || session.awaitsTls) return undefined;
      return [...features, new Element('register', NS_REGISTER_FEATURE)];
    });
    context.hook('user_send_xmlel', 30, (acc, session) => onStream.element(acc, session));
    context.hook('remove_user', 99, (_acc, { jid }) => registration.removed(jid));
    context.iq('local', NS_REGISTER, (request) => registration.request(request));
    context.iq('sm', NS_REGISTER, (request) => {
      // Only about one's own account; of others not even their existence is told (threat T68).
      if (request.from.bare !== request.to.bare) return new StanzaError('service-unavailable');
      return registration.request(request);
    });
  },
});
