import { z } from 'zod';
import {
  defineModule,
  Element,
  EMPTY_RESULT,
  type IqAnswer,
  type IqRequest,
  type Jid,
  type ModuleContext,
  NS_PRIVATE,
  type PersonalData,
  StanzaError,
  stop,
} from '../module.ts';
import { registerCommands } from './commands.ts';
import { takeEntries } from './portable.ts';
import { isStorable, NAMESPACES_MAX, store, stored } from './storage.ts';

/** Private XML storage (XEP-0049): what clients keep on the server for themselves, by namespace. */
export default defineModule({
  name: 'mod_private',
  xeps: [
    { number: 49, version: '1.2' },
    { number: 48, version: '1.2', note: 'as private storage; nothing is converted' },
  ],
  options: z.strictObject({}),
  setup(context) {
    registerCommands(context);
    // A stranger is refused alike, whether or not there is such an account (threat T68).
    const discipline = { type: 'no_queue', answersForUnknown: true } as const;
    context.iq('sm', NS_PRIVATE, (request) => answer(context, request), discipline);
    const removeUser = async (jid: Jid): Promise<undefined> => {
      await context.store.request('private_remove_user', jid.domain, jid.local);
    };
    context.hook('remove_user', 50, (_acc, { jid }) => removeUser(jid));
    context.hook('anonymous_purge', 50, (_acc, { jid }) => removeUser(jid));
    context.hook('remove_domain', 50, async (removal, { domain }) => {
      try {
        await context.store.request('private_remove_domain', domain);
        return undefined;
      } catch {
        return stop({ ...removal, failed: [...removal.failed, context.module] });
      }
    });
    context.hook('get_personal_data', 50, (data, { jid }) => personalData(context, data, jid));
    context.portable({
      name: 'query',
      ns: NS_PRIVATE,
      isContainer: true,
      read: async ({ domain, local }) => {
        const rows = await context.store.request('private_list', domain, local);
        return { entries: rows.map(([, xml]) => xml), next: null };
      },
      write: (user, entries) => takeEntries(context, user, entries),
    });
  },
});

function answer(context: ModuleContext, request: IqRequest): IqAnswer | Promise<IqAnswer> {
  const { type, from, to, payload } = request;
  if (from.bare !== to.bare) {
    return new StanzaError('forbidden', 'Only requests from/to your JID are allowed');
  }
  if (payload.name !== 'query') return new StanzaError('bad-request');
  const elements = payload.elements().filter((element) => isStorable(element, NS_PRIVATE));
  if (elements.length === 0) {
    return new StanzaError('not-acceptable', 'An element with a namespace of its own is missing');
  }
  if (elements.length > NAMESPACES_MAX)
    return new StanzaError('not-acceptable', `At most ${NAMESPACES_MAX} elements`);
  return type === 'get' ? get(context, to, elements) : set(context, to, elements);
}

async function set(context: ModuleContext, user: Jid, elements: readonly Element[]): Promise<IqAnswer> {
  return (await store(context, user, elements)) ?? EMPTY_RESULT;
}

/** What is stored under the namespaces that were asked for; in place of what is not, the element of the question. */
async function get(context: ModuleContext, user: Jid, asked: readonly Element[]): Promise<IqAnswer> {
  const found = await stored(
    context,
    user,
    asked.map(({ ns }) => ns),
  );
  const answered = new Set<string>();
  const query = Element.of('query', NS_PRIVATE);
  for (const element of asked) {
    const kept = found.get(element.ns);
    if (kept === undefined) query.children.push(element);
    else if (!answered.has(element.ns)) query.children.push(...kept);
    answered.add(element.ns);
  }
  return query;
}

async function personalData(
  context: ModuleContext,
  data: readonly PersonalData[],
  jid: Jid,
): Promise<readonly PersonalData[]> {
  const rows = await context.store.request('private_list', jid.domain, jid.local);
  return [...data, { name: 'private', columns: ['ns', 'xml'], rows }];
}
