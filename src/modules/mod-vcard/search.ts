import {
  blankForm,
  Element,
  type IqAnswer,
  NS_DATA_FORMS,
  NS_SEARCH,
  pageOf,
  pageRequest,
  StanzaError,
  submittedFields,
  tableForm,
} from '../module.ts';
import type { Cards, Match, SearchField } from './cards.ts';

/** The most that one search finds, also without `matches`. */
const MATCHES_MAX = 1_000;

/** What clients without data forms can search for (XEP-0055 §2.1): the fields of the schema. */
const OLD_FIELDS = ['first', 'last', 'nick', 'email'] as const;

const INSTRUCTIONS =
  'Fill in one or more fields to search for users. A * at the end finds all that begin with the text.';

/** The fields of a search, for clients with and without data forms (XEP-0055 §2.1, §3). */
export function searchFields({ fields }: Cards, domain: string): Element {
  const asked = fields.map((field) => ({ ...field, type: 'text-single', values: [] }));
  return Element.of(
    'query',
    NS_SEARCH,
    {},
    Element.of('instructions', NS_SEARCH, {}, INSTRUCTIONS),
    ...oldFieldsOf(fields).map((name) => new Element(name, NS_SEARCH)),
    blankForm(NS_SEARCH, `Search users in ${domain}`, INSTRUCTIONS, asked),
  );
}

/** Searches the users of a domain, and gives the page that is asked for (XEP-0059). */
export async function search(
  cards: Cards,
  domain: string,
  matches: number,
  query: Element,
): Promise<IqAnswer> {
  const form = query.child('x', NS_DATA_FORMS);
  const asked = form === undefined ? oldFields(query) : submittedFields(form);
  const page = pageRequest(query);
  if (asked === undefined || page === 'invalid') return new StanzaError('bad-request');
  const found = await cards.search(domain, asked, Math.min(matches, MATCHES_MAX));
  const jidOf = ({ username }: Match): string => `${username}@${domain}`;
  const result = Element.of('query', NS_SEARCH);
  const taken = page === undefined ? undefined : pageOf(found, page, jidOf);
  if (taken === 'unknown') return new StanzaError('item-not-found');
  const shown = taken?.items ?? found;
  if (form === undefined) {
    result.children.push(...shown.map((match) => oldItem(jidOf(match), match, cards.columns)));
  } else {
    const rows = shown.map((match) => [jidOf(match), ...match.shown]);
    const columns = cards.columns.map((field) => ({ ...field, type: 'text-single' }));
    const jid = { name: 'jid', label: 'Jabber ID', type: 'jid-single' };
    result.children.push(tableForm(NS_SEARCH, [jid, ...columns], rows));
  }
  if (taken !== undefined && found.length > 0) result.children.push(taken.set);
  return result;
}

function oldFieldsOf(fields: readonly SearchField[]): string[] {
  return OLD_FIELDS.filter((name) => fields.some((field) => field.name === name));
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

function oldItem(jid: string, { shown }: Match, columns: readonly SearchField[]): Element {
  const fields = OLD_FIELDS.map((name) => {
    const text = shown[columns.findIndex((column) => column.name === name)] ?? '';
    return Element.of(name, NS_SEARCH, {}, text);
  });
  return Element.of('item', NS_SEARCH, { jid }, ...fields);
}
