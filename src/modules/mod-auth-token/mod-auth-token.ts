import { defineModule, NS_TOKEN_AUTH, stop, z } from '../module.ts';
import { AuthTokens } from './auth-tokens.ts';
import { OauthExchange } from './oauth-exchange.ts';

const UNIT_S = { days: 86_400, hours: 3_600, minutes: 60, seconds: 1 } as const;

function period(value: number, unit: keyof typeof UNIT_S) {
  return z
    .strictObject({
      value: z.int().min(1).max(1_000_000_000).describe('How many.'),
      unit: z.enum(['days', 'hours', 'minutes', 'seconds']).describe('Of what.'),
    })
    .default({ value, unit })
    .transform((one) => one.value * UNIT_S[one.unit]);
}

const optionsSchema = z.strictObject({
  validity_period: z
    .strictObject({
      access: period(1, 'hours').describe('How long an access token is good for.'),
      refresh: period(25, 'days').describe('How long a refresh token is good for.'),
    })
    .prefault({})
    .transform(({ access, refresh }) => ({ accessS: access, refreshS: refresh })),
});

export type AuthTokenOptions = z.output<typeof optionsSchema>;

/**
 * Tokens that users ask for and log in with again by X-OAUTH, and tokens of somebody who makes accounts for this server. An extension of
 * MongooseIM.
 */
export default defineModule<AuthTokenOptions>({
  name: 'mod_auth_token',
  options: optionsSchema,
  dependencies: [{ module: 'mod_keystore' }],
  setup(context) {
    const tokens = new AuthTokens(context);
    context.mechanism({
      name: 'X-OAUTH',
      isListed: true,
      start: (login) => new OauthExchange(tokens, login),
    });
    context.iq('sm', NS_TOKEN_AUTH, (request) => tokens.request(request));
    context.hook('disco_local_features', 90, (acc) => {
      return acc.node === '' ? { ...acc, result: [...(acc.result ?? []), NS_TOKEN_AUTH] } : undefined;
    });
    context.onRevocation((jid) => tokens.revoke(jid));
    context.hook('register_user', 50, (_nothing, { jid }) => tokens.registered(jid));
    context.hook('remove_user', 50, (_acc, { jid }) => tokens.removed(jid));
    context.hook('remove_domain', 50, async (removal, { domain }) => {
      try {
        await context.store.request('auth_token_remove_domain', domain);
        return undefined;
      } catch {
        return stop({ ...removal, failed: [...removal.failed, context.module] });
      }
    });
    context.hook('get_personal_data', 50, async (data, { jid }) => {
      const state = await context.store.request('auth_token_get', jid.domain, jid.local);
      const rows =
        state === null ? [] : [[String(state.sequence), new Date(state.since * 1_000).toISOString()]];
      return [...data, { name: 'auth_token', columns: ['sequence', 'valid_since'], rows }];
    });
  },
});
