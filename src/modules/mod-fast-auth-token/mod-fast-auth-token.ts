import { defineModule, Element, NS_FAST, stop, z } from '../module.ts';
import { TOKEN_MECHANISMS } from './mechanisms.ts';
import { fastRequest } from './request.ts';
import { TokenExchange } from './token-exchange.ts';
import { Tokens } from './tokens.ts';

const UNIT_US = { days: 86_400e6, hours: 3_600e6, minutes: 60e6, seconds: 1e6 } as const;

function period(value: number, unit: keyof typeof UNIT_US, least: number) {
  return z
    .strictObject({
      value: z.int().min(least).max(1_000_000_000).describe('How many.'),
      unit: z.enum(['days', 'hours', 'minutes', 'seconds']).describe('Of what.'),
    })
    .default({ value, unit })
    .transform((one) => one.value * UNIT_US[one.unit]);
}

const optionsSchema = z.strictObject({
  validity_period: z
    .strictObject({
      access: period(3, 'days', 1).describe('How long a token is good for.'),
      rotate_before_expire: period(6, 'hours', 0).describe(
        'A login with a token that has less left than this brings a new one; 0 for never.',
      ),
    })
    .prefault({})
    .transform(({ access, rotate_before_expire }) => ({ accessUs: access, rotateUs: rotate_before_expire })),
});

export type FastOptions = z.output<typeof optionsSchema>;

/** How often expired tokens are deleted. */
const CLEAN_UP_MS = 600_000;

/**
 * Tokens with which a client logs in again in one message (XEP-0484), instead of its password. They belong to one installation of a client and one
 * mechanism, are replaced as they get old, and end with the password, the account, or when the client is thrown out.
 */
export default defineModule<FastOptions>({
  name: 'mod_fast_auth_token',
  xeps: [{ number: 484, version: '0.2.0', note: 'not in TLS early data' }],
  options: optionsSchema,
  dependencies: [{ module: 'mod_sasl2' }],
  setup(context) {
    const tokens = new Tokens(context);
    for (const kind of TOKEN_MECHANISMS.values()) {
      const start = (login: ConstructorParameters<typeof TokenExchange>[2]): TokenExchange =>
        new TokenExchange(context, kind, login);
      context.mechanism({ name: kind.name, isListed: false, start });
    }
    context.hook('sasl2_stream_features', 50, (features, session) => {
      const names = tokens.mechanisms(session);
      const mechanisms = names.map((name) => Element.of('mechanism', NS_FAST, {}, name));
      return [...features, Element.of('fast', NS_FAST, {}, ...mechanisms)];
    });
    context.hook('sasl2_start', 50, (acc, { stanza }) => {
      const request = fastRequest(acc, stanza, context.timestamp());
      if (request === undefined) return;
      if ('kind' in request) acc.set('sasl2', 'failure', request);
      else acc.set('fast', 'request', request);
    });
    // Before a session is resumed: that ends the hook, and its client wants its token all the same.
    context.hook('sasl2_success', 10, (acc, { session, creds }) => tokens.loggedIn(acc, session, creds));
    context.hook('user_terminate', 50, (_acc, session) => {
      if (session.reason === 'kicked') tokens.kicked(session);
    });
    context.onRevocation((jid) => tokens.revokeAll(jid));
    context.hook('register_user', 50, (_nothing, { jid }) => tokens.registered(jid));
    context.hook('remove_user', 50, (_acc, { jid }) => tokens.revokeAll(jid));
    context.hook('remove_domain', 50, async (removal, { domain }) => {
      try {
        await context.store.request('fast_token_remove_domain', domain);
        return undefined;
      } catch {
        return stop({ ...removal, failed: [...removal.failed, context.module] });
      }
    });
    context.hook('get_personal_data', 50, (data, { jid }) => tokens.personalData(data, jid));
    if (context.shard === 0) context.every(CLEAN_UP_MS, () => void tokens.cleanUp());
  },
});
