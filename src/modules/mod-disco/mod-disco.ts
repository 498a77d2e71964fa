import { z } from 'zod';
import {
  type DiscoAcc,
  type DiscoInfoAcc,
  type DiscoItem,
  defineModule,
  type Identity,
  type ModuleContext,
  NS_DISCO_INFO,
  NS_DISCO_ITEMS,
  parseDomain,
} from '../module.ts';
import { Disco } from './disco.ts';
import { serverInfoForm } from './server-info.ts';

const domain = z
  .string()
  .refine((text) => parseDomain(text) !== undefined, { error: 'not a domain name' })
  .transform((text) => parseDomain(text)!);

const optionsSchema = z.strictObject({
  extra_domains: z.array(domain).default([]).describe('Further domains among the items of the server.'),
  server_info: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe('Name of the field, for example `abuse-addresses` (XEP-0157).'),
        urls: z.array(z.string().min(1)).describe('Addresses, as URLs.'),
        modules: z
          .array(z.string().min(1))
          .optional()
          .describe('The modules whose services show the addresses. Default: all.'),
      }),
    )
    .default([]),
  users_can_see_hidden_services: z
    .boolean()
    .default(true)
    .describe('Whether users see components that are marked as hidden among the items.'),
});

export type DiscoOptions = z.infer<typeof optionsSchema>;

/**
 * Service discovery (XEP-0030) of the server and, on their behalf, of accounts. Everything announced comes from hooks; this module answers
 * the requests, and adds what every server has.
 */
export default defineModule<DiscoOptions>({
  name: 'mod_disco',
  xeps: [
    { number: 30, version: '2.5.0' },
    { number: 128, version: '1.0.1', note: 'further information, where a module has some' },
    { number: 157, version: '1.1.1' },
  ],
  options: optionsSchema,
  setup(context) {
    const disco = new Disco(context);
    context.iq('local', NS_DISCO_INFO, (request) => disco.serverInfo(request));
    context.iq('local', NS_DISCO_ITEMS, (request) => disco.serverItems(request));
    context.iq('sm', NS_DISCO_INFO, (request) => disco.userInfo(request));
    // XEP-0030 §8: a stranger's answer is the empty one, whether or not there is such an account.
    const items = { type: 'no_queue', answersForUnknown: true } as const;
    context.iq('sm', NS_DISCO_ITEMS, (request) => disco.userItems(request), items);

    context.hook('disco_local_identity', 100, (acc) => {
      if (acc.node !== '') return undefined;
      return withMore<Identity>(acc, [{ category: 'server', type: 'im', name: context.product.name }]);
    });
    context.hook('disco_local_features', 100, (acc) => {
      return acc.node === '' ? withMore<string>(acc, ['iq', 'presence']) : undefined;
    });
    context.hook('disco_local_items', 100, (acc) => {
      return acc.node === '' ? withMore<DiscoItem>(acc, serverItems(context, acc)) : undefined;
    });
    context.hook('disco_sm_identity', 100, (acc, { presenceSubscribed }) => {
      if (!presenceSubscribed || acc.node !== '') return undefined;
      return withMore<Identity>(acc, [{ category: 'account', type: 'registered' }]);
    });
    context.hook('disco_sm_features', 100, (acc, { presenceSubscribed }) => {
      if (!presenceSubscribed || acc.node !== '') return undefined;
      return withMore<string>(acc, context.features('sm'));
    });
    context.hook('disco_sm_items', 100, async (acc, { presenceSubscribed }) => {
      if (!presenceSubscribed || acc.node !== '') return undefined;
      return withMore<DiscoItem>(acc, await resources(context, acc));
    });
    context.hook('disco_info', 100, (acc) => {
      const form = acc.node === '' ? serverInfoForm(context.options.server_info, acc.module) : undefined;
      return form === undefined
        ? undefined
        : ({ ...acc, result: [...(acc.result ?? []), form] } satisfies DiscoInfoAcc);
    });
  },
});

function withMore<T>(acc: DiscoAcc<T>, more: readonly T[]): DiscoAcc<T> {
  return { ...acc, result: [...(acc.result ?? []), ...more] };
}

/** What belongs to the server: subdomains, components, and domains that the operator named. */
function serverItems(context: ModuleContext<DiscoOptions>, { from }: DiscoAcc<DiscoItem>): DiscoItem[] {
  const seesHidden = context.options.users_can_see_hidden_services || from.local === '';
  const known = context
    .knownDomains()
    .filter(({ kind, isHidden }) => kind !== 'host' && (seesHidden || !isHidden));
  const names = [...known.map((one) => one.domain), ...context.options.extra_domains];
  return [...new Set(names)].map((name) => ({ jid: context.trustedJid(name) }));
}

/** The available resources of an account, by name. */
async function resources(context: ModuleContext, { to }: DiscoAcc<DiscoItem>): Promise<DiscoItem[]> {
  const jids = await context.availableResources(to.bareJid);
  jids.sort((a, b) => (a.resource < b.resource ? -1 : a.resource > b.resource ? 1 : 0));
  return jids.map((jid) => ({ jid, name: to.local }));
}
