import { z } from 'zod';
import {
  defineModule,
  type IqAnswer,
  type IqRequest,
  type ModuleContext,
  NS_VCARD,
  parseDomain,
  StanzaError,
  stop,
} from '../module.ts';
import type { Cards } from './cards.ts';
import { registerCommands } from './commands.ts';
import { Directory } from './directory.ts';
import { LdapCards } from './ldap-cards.ts';
import { ldapSchema } from './ldap-options.ts';
import { OwnCards } from './own-cards.ts';
import { serviceCard, Vcards } from './vcards.ts';

const HOST = '@HOST@';

const optionsSchema = z
  .strictObject({
    backend: z
      .enum(['rdbms', 'mnesia', 'ldap'])
      .default('rdbms')
      .describe(
        'Where the cards are: `"ldap"`, in a directory, which is only read; otherwise in the database of the server.',
      ),
    host: z
      .string()
      .refine((text) => parseDomain(text.replaceAll(HOST, 'host.example')) !== undefined, {
        error: `not a domain name, in which ${HOST} stands for the domain of the users`,
      })
      .default(`vjud.${HOST}`)
      .describe('The domain of the user directory; `@HOST@` stands for the domain of the users.'),
    search: z.boolean().default(true).describe('Whether there is a user directory.'),
    matches: z
      .union([z.int().min(1), z.literal('infinity')])
      .default(30)
      .describe('How many users a search finds at most: a number or `"infinity"`, which means 1000.'),
    ldap: ldapSchema.optional(),
  })
  .refine(({ backend, ldap }) => backend !== 'ldap' || ldap !== undefined, {
    path: ['ldap'],
    error: 'missing, the backend "ldap" needs this section',
  });

type Options = z.infer<typeof optionsSchema>;

/** vCards (XEP-0054), and the directory of users in which they can be searched for (XEP-0055). */
export default defineModule<Options>({
  name: 'mod_vcard',
  xeps: [
    { number: 54, version: '1.3.0' },
    { number: 55, version: '1.3' },
    { number: 59, version: '1.0', note: 'pages of a search' },
  ],
  options: optionsSchema,
  setup(context) {
    const { backend, ldap, search } = context.options;
    const cards: Cards = backend === 'ldap' ? new LdapCards(context, ldap!) : new OwnCards(context);
    const vcards = new Vcards(context, cards);
    registerCommands(context, cards);
    context.iq('local', NS_VCARD, (request) => serverCard(context, request), { type: 'parallel' });
    // A stranger's answer is the same for a user without a vCard and for none at all (XEP-0054 §3.3).
    context.iq('sm', NS_VCARD, (request) => vcards.answer(request), {
      type: 'parallel',
      answersForUnknown: true,
    });
    context.hook('set_vcard', 50, (_outcome, { user, vcard }) => vcards.setFor(user, vcard));
    context.hook('remove_user', 50, (_acc, { jid }) => vcards.remove(jid));
    context.hook('anonymous_purge', 50, (_acc, { jid }) => vcards.remove(jid));
    context.hook('remove_domain', 50, async (removal, { domain }) => {
      try {
        await cards.removeDomain(domain);
        return undefined;
      } catch {
        return stop({ ...removal, failed: [...removal.failed, context.module] });
      }
    });
    context.hook('get_personal_data', 50, (data, { jid }) => vcards.personalData(data, jid));
    context.portable({
      name: 'vCard',
      ns: NS_VCARD,
      isContainer: false,
      read: (user) => vcards.page(user),
      write: (user, entries) => vcards.take(user, entries),
    });
    if (search) openDirectories(context, cards);
  },
});

function openDirectories(context: ModuleContext<Options>, cards: Cards): void {
  const { options, hosts } = context;
  if (!options.host.includes(HOST) && hosts.length > 1) {
    throw new Error(`host must contain ${HOST}: there are several domains, each with its own directory`);
  }
  const matches = options.matches === 'infinity' ? Number.POSITIVE_INFINITY : options.matches;
  for (const host of hosts) {
    const directory = new Directory(context, cards, host, matches);
    const domain = parseDomain(options.host.replaceAll(HOST, host))!;
    context.subdomain(domain, (acc) => directory.handle(acc));
  }
}

function serverCard({ product }: ModuleContext<Options>, { type, payload }: IqRequest): IqAnswer {
  if (type === 'set') return new StanzaError('not-allowed');
  if (payload.name !== 'vCard') return new StanzaError('bad-request');
  return serviceCard(product.name, `${product.name} ${product.version}, an XMPP server`);
}
