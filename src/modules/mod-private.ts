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
  type PortableEntry,
  type PortableOutcome,
  parseElementText,
  StanzaError,
  serialize,
  stop,
} from './module.ts';

/** What one account may keep: namespaces, and bytes of their names and XML together. */
const NAMESPACES_MAX = 500;
const BYTES_MAX = 524_288;

/** Private XML storage (XEP-0049): what clients keep on the server for themselves, by namespace. */
export default defineModule({
  name: 'mod_private',
  xeps: [
    { number: 49, version: '1.2' },
    { number: 48, version: '1.2', note: 'as private storage; nothing is converted' },
  ],
  options: z.strictObject({}),
  setup(context) {
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
        return stop({ failed: [...removal.failed, context.module] });
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
  const elements = payload.elements().filter(({ ns }) => ns !== '' && ns !== NS_PRIVATE);
  if (elements.length === 0) {
    return new StanzaError('not-acceptable', 'An element with a namespace of its own is missing');
  }
  if (elements.length > NAMESPACES_MAX)
    return new StanzaError('not-acceptable', `At most ${NAMESPACES_MAX} elements`);
  return type === 'get' ? stored(context, to, elements) : store(context, to, elements);
}

/** What is stored under the namespaces that were asked for; in place of what is not, the element of the question. */
async function stored(context: ModuleContext, user: Jid, asked: readonly Element[]): Promise<IqAnswer> {
  const namespaces = [...new Set(asked.map(({ ns }) => ns))];
  const found = new Map(await context.store.request('private_get', user.domain, user.local, namespaces));
  const answered = new Set<string>();
  const query = Element.of('query', NS_PRIVATE);
  for (const element of asked) {
    const xml = found.get(element.ns);
    if (xml === undefined) query.children.push(element);
    else if (!answered.has(element.ns)) query.children.push(...parseElementText(`<x>${xml}</x>`).elements());
    answered.add(element.ns);
  }
  return query;
}

/** Elements of one namespace are kept together, and replace what was there (XEP-0049 §3). */
async function store(context: ModuleContext, user: Jid, elements: readonly Element[]): Promise<IqAnswer> {
  const entries = new Map<string, string>();
  for (const element of elements) {
    entries.set(element.ns, (entries.get(element.ns) ?? '') + serialize(element));
  }
  const result = await context.store.request(
    'private_set',
    user.domain,
    user.local,
    [...entries],
    NAMESPACES_MAX,
    BYTES_MAX,
  );
  if (result === 'stored') return EMPTY_RESULT;
  context.count('refused');
  return new StanzaError('resource-constraint', 'Your private storage is full');
}

async function personalData(
  context: ModuleContext,
  data: readonly PersonalData[],
  jid: Jid,
): Promise<readonly PersonalData[]> {
  const rows = await context.store.request('private_list', jid.domain, jid.local);
  return [...data, { name: 'private', columns: ['ns', 'xml'], rows }];
}

/** Elements from another server. Those that are there stay: one for each name in a namespace. */
async function takeEntries(
  context: ModuleContext,
  user: Jid,
  entries: readonly PortableEntry[],
): Promise<PortableOutcome[]> {
  const { domain, local } = user;
  const outcomes: PortableOutcome[] = [];
  for (const { element } of entries) {
    if (element.ns === '' || element.ns === NS_PRIVATE) {
      outcomes.push({ code: 'invalid', text: 'it has no namespace of its own' });
      continue;
    }
    const [row] = await context.store.request('private_get', domain, local, [element.ns]);
    const own = row === undefined ? [] : parseElementText(`<x>${row[1]}</x>`).elements();
    const other = own.find(({ name }) => name === element.name);
    const xml = serialize(element);
    if (other !== undefined) {
      const isSame = serialize(other) === xml;
      outcomes.push(isSame ? 'known' : { code: 'differs', text: 'something else is there, and stays' });
      continue;
    }
    const all: [string, string] = [element.ns, (row?.[1] ?? '') + xml];
    const result = await context.store.request(
      'private_set',
      domain,
      local,
      [all],
      NAMESPACES_MAX,
      BYTES_MAX,
    );
    outcomes.push(result === 'stored' ? 'taken' : { code: 'full', text: 'the private storage is full' });
  }
  return outcomes;
}
