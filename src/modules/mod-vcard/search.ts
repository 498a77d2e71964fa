import {
  blankForm,
  Element,
  type IqAnswer,
  type ModuleContext,
  NS_DATA_FORMS,
  NS_SEARCH,
  pageOf,
  pageRequest,
  StanzaError,
  submittedFields,
  tableForm,
  VCARD_FIELDS,
  type VcardCondition,
  type VcardMatch,
} from '../module.ts';
import { fold, SEARCH_FIELDS } from './fields.ts';

/** The most that one search finds, also without `matches`. */
const MATCHES_MAX = 1_000;
/** Accounts that are looked at in one search, and bytes of text that it gives. */
const LOOKS_MAX = 10_000;
const BYTES_MAX = 262_144;

/** What clients without data forms can search for (XEP-0055 §2.1): the fields of the schema. */
const OLD_FIELDS = ['first', 'last', 'nick', 'email'] as const;

const INSTRUCTIONS =
  'Fill in one or more fields to search for users. A * at the end finds all that begin with the text.';

const COLUMNS = [
  { name: 'jid', label: 'Jabber ID', type: 'jid-single' },
  ...SEARCH_FIELDS.filter(({ name }) => name !== 'user').map((field) => ({ ...field, type: 'text-single' })),
];

/** The fields of a search, for clients with and without data forms (XEP-0055 §2.1, §3). */
export function searchFields(domain: string): Element {
  const fields = SEARCH_FIELDS.map((field) => ({ ...field, type: 'text-single', values: [] }));
  return Element.of(
    'query',
    NS_SEARCH,
    {},
    Element.of('instructions', NS_SEARCH, {}, INSTRUCTIONS),
    ...OLD_FIELDS.map((name) => new Element(name, NS_SEARCH)),
    blankForm(NS_SEARCH, `Search users in ${domain}`, INSTRUCTIONS, fields),
  );
}

/** Searches the users of a domain, and gives the page that is asked for (XEP-0059). */
export async function search(
  context: ModuleContext,
  domain: string,
  matches: number,
  query: Element,
): Promise<IqAnswer> {
  const form = query.child('x', NS_DATA_FORMS);
  const asked = form === undefined ? oldFields(query) : submittedFields(form);
  const page = pageRequest(query);
  if (asked === undefined || page === 'invalid') return new StanzaError('bad-request');
  const found = await find(context, domain, Math.min(matches, MATCHES_MAX), conditionsOf(asked));
  const jidOf = ({ username }: VcardMatch): string => `${username}@${domain}`;
  const result = Element.of('query', NS_SEARCH);
  const taken = page === undefined ? undefined : pageOf(found, page, jidOf);
  if (taken === 'unknown') return new StanzaError('item-not-found');
  const shown = taken?.items ?? found;
  if (form === undefined) result.children.push(...shown.map((match) => oldItem(jidOf(match), match)));
  else {
    const rows = shown.map((match) => [jidOf(match), ...match.shown]);
    result.children.push(tableForm(NS_SEARCH, COLUMNS, rows));
  }
  if (taken !== undefined && found.length > 0) result.children.push(taken.set);
  return result;
}

function find(
  context: ModuleContext,
  domain: string,
  limit: number,
  conditions: readonly VcardCondition[] | undefined,
): VcardMatch[] | Promise<VcardMatch[]> {
  // Nothing asked for is nothing found: a directory is no list of everybody.
  if (conditions === undefined || conditions.length === 0) return [];
  return context.store.request('vcard_search', domain, conditions, limit, LOOKS_MAX, BYTES_MAX);
}

/** The search of a client without data forms; undefined when it has none of the fields. */
function oldFields(query: Element): ReadonlyMap<string, readonly string[]> | undefined {
  const fields = new Map<string, readonly string[]>();
  for (const name of OLD_FIELDS) {
    const text = query.childText(name);
    if (text !== undefined) fields.set(name, [text]);
  }
  return fields.size === 0 ? undefined : fields;
}

/** All must hold; undefined when one of them can not, for nobody's vCard may have such a text. Fields that nobody knows are ignored. */
function conditionsOf(asked: ReadonlyMap<string, readonly string[]>): VcardCondition[] | undefined {
  const conditions: VcardCondition[] = [];
  for (const { name } of SEARCH_FIELDS) {
    const [text, ...more] = asked.get(name) ?? [];
    if (text === undefined || text === '' || more.length > 0) continue;
    const isPrefix = text.endsWith('*');
    const value = fold(name, isPrefix ? text.slice(0, -1) : text);
    if (value === undefined) return undefined;
    if (value !== '' || isPrefix) conditions.push({ field: name, value, isPrefix });
  }
  return conditions;
}

function oldItem(jid: string, { shown }: VcardMatch): Element {
  const fields = OLD_FIELDS.map((name) =>
    Element.of(name, NS_SEARCH, {}, shown[VCARD_FIELDS.indexOf(name)] ?? ''),
  );
  return Element.of('item', NS_SEARCH, { jid }, ...fields);
}
