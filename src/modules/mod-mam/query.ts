import {
  type ArchiveBorders,
  type ArchivePageRequest,
  type Element,
  type Jid,
  NS_DATA_FORMS,
  NS_RSM,
  pageRequest,
  parseJid,
  parseStableId,
  StanzaError,
  submittedFields,
} from '../module.ts';
import { QUERY_ID_MAX, SEARCH_LENGTH_MAX } from './limits.ts';
import { NS_FULL_TEXT } from './namespaces.ts';
import type { PmOptions } from './options.ts';
import { parseMicros } from './stamps.ts';

/** What a client wants of an archive (XEP-0313 §4). */
export interface Query {
  readonly ns: string;
  readonly queryId: string | undefined;
  readonly borders: ArchiveBorders | undefined;
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly with: Jid | undefined;
  readonly searchText: string | undefined;
  readonly includeGroupchat: boolean;
  /** Exactly these. */
  readonly ids: readonly bigint[] | undefined;
  readonly page: ArchivePageRequest | undefined;
  /** Undefined if the client left that open. */
  readonly max: number | undefined;
  readonly isSimple: boolean;
  readonly isFlipped: boolean;
}

/** The field of XEP-0431, and the names that it has had. */
const TEXT_FIELDS = [`{${NS_FULL_TEXT}}fulltext`, 'full-text-search', 'fulltext'] as const;

/** All fields that are understood. */
export const FIELDS: ReadonlySet<string> = new Set([
  'FORM_TYPE',
  'with',
  'start',
  'end',
  'before-id',
  'after-id',
  'from-id',
  'to-id',
  'ids',
  'include-groupchat',
  'simple',
  ...TEXT_FIELDS,
]);

/** The form and the page that a query asks for. Throws a {@link StanzaError} if it cannot be understood. */
export function parseQuery(query: Element, options: PmOptions): Query {
  const queryId = query.attribute('queryid');
  if (queryId !== undefined && queryId.length > QUERY_ID_MAX)
    throw new StanzaError('not-acceptable', 'queryid');
  const form = query.child('x', NS_DATA_FORMS);
  const fields = form === undefined ? NO_FIELDS : submittedFields(form);
  if (fields === undefined) throw new StanzaError('bad-request', 'the form is not submitted');
  for (const name of fields.keys()) {
    if (!FIELDS.has(name)) throw new StanzaError('feature-not-implemented', `unknown field ${name}`);
  }
  const formType = fields.get('FORM_TYPE')?.[0];
  if (formType !== undefined && formType !== query.ns) throw new StanzaError('bad-request', 'FORM_TYPE');
  return {
    ns: query.ns,
    queryId,
    borders: bordersOf(fields),
    start: parseMicros(fields.get('start')?.[0]),
    end: parseMicros(fields.get('end')?.[0]),
    with: jidOf(fields.get('with')?.[0]),
    searchText: searchTextOf(fields, options),
    includeGroupchat: !isFalse(fields.get('include-groupchat')?.[0]),
    ids: fields.get('ids')?.map(idOf),
    ...pageOfQuery(query),
    isSimple: options.enforce_simple_queries || isTrue(fields.get('simple')?.[0]),
    isFlipped: query.child('flip-page') !== undefined,
  };
}

type Fields = ReadonlyMap<string, readonly string[]>;

const NO_FIELDS: Fields = new Map();

function bordersOf(fields: Fields): ArchiveBorders | undefined {
  const id = (name: string): bigint | undefined => {
    const text = fields.get(name)?.[0];
    return text === undefined || text === '' ? undefined : idOf(text);
  };
  const borders = {
    afterId: id('after-id'),
    beforeId: id('before-id'),
    fromId: id('from-id'),
    toId: id('to-id'),
  };
  return Object.values(borders).every((border) => border === undefined) ? undefined : borders;
}

function pageOfQuery(query: Element): Pick<Query, 'page' | 'max'> {
  const request = pageRequest(query);
  if (request === undefined) return { page: undefined, max: undefined };
  if (request === 'invalid') throw new StanzaError('bad-request', 'no such page');
  const { before, after, index } = request;
  const max = request.max ?? oldLimitOf(query);
  const page = (direction: ArchivePageRequest['direction'], id: string): ArchivePageRequest => ({
    direction,
    id: id === '' ? undefined : idOf(id),
    index: undefined,
    max,
  });
  if (before !== undefined) return { page: page('before', before), max };
  if (after !== undefined) return { page: page('after', after), max };
  return { page: { direction: undefined, id: undefined, index, max }, max };
}

/** What older clients call `<max/>`. */
function oldLimitOf(query: Element): number | undefined {
  const text = query.child('set', NS_RSM)?.childText('limit');
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,9}$/.test(text)) throw new StanzaError('bad-request', 'no such page');
  return Number(text);
}

/** What is no id of ours is not in the archive (XEP-0313 §4.1.4, §4.3): clients bring ids of servers that they had before. */
function idOf(text: string): bigint {
  const id = parseStableId(text);
  if (id === undefined) throw new StanzaError('item-not-found');
  return id;
}

function jidOf(text: string | undefined): Jid | undefined {
  if (text === undefined || text === '') return undefined;
  const jid = parseJid(text);
  if (jid === undefined) throw new StanzaError('jid-malformed', 'with');
  return jid;
}

function searchTextOf(fields: Fields, options: PmOptions): string | undefined {
  const name = TEXT_FIELDS.find((field) => fields.has(field));
  const text = name === undefined ? '' : (fields.get(name)?.[0] ?? '');
  if (text === '') return undefined;
  if (!options.full_text_search) {
    throw new StanzaError('feature-not-implemented', 'Full Text Search is not enabled');
  }
  if (text.length > SEARCH_LENGTH_MAX) throw new StanzaError('not-acceptable', 'the search is too long');
  return text;
}

function isTrue(text: string | undefined): boolean {
  return text === 'true' || text === '1';
}

function isFalse(text: string | undefined): boolean {
  return text === 'false' || text === '0';
}
