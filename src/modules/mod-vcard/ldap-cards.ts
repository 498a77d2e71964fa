import {
  escapeFilterValue,
  type Jid,
  type LdapEntry,
  type LdapUid,
  type ModuleContext,
  parseLocalpart,
  StanzaError,
  serialize,
  userFilter,
  usernameIn,
} from '../module.ts';
import { type Cards, type Match, type SearchField, textAsked } from './cards.ts';
import { SEARCH_FIELDS } from './fields.ts';
import { REPORTED, SEARCHED, VCARD_MAP } from './ldap-defaults.ts';
import { type CardField, cardOf, type Mapping, PICTURES, textsOf } from './ldap-entry.ts';
import type { LdapCardOptions } from './ldap-options.ts';
import { VCARD_BYTES_MAX } from './own-cards.ts';

/** A text that is searched for, in bytes. */
const TEXT_BYTES_MAX = 1_023;
/** Entries that fit one user: with more than one nobody can tell which is meant. */
const CANDIDATES_MAX = 2;
/** Bytes of text that one search gives. */
const BYTES_MAX = 262_144;

const READ_ONLY = 'vCards are kept in a directory, where they cannot be changed from here';

/** A field of a search, with the attribute that it is about. */
interface Asked extends SearchField {
  /** `%u`: those that name the user. */
  readonly attribute: string;
  readonly isBinary: boolean;
}

/** vCards made of the entries of an LDAP directory, which is only read. */
export class LdapCards implements Cards {
  readonly fields: readonly Asked[];
  readonly columns: readonly (SearchField & { readonly from: CardField })[];
  readonly #context: ModuleContext;
  readonly #directory: ReturnType<ModuleContext['ldap']>;
  readonly #options: LdapCardOptions;
  readonly #uids: readonly LdapUid[];
  readonly #map: readonly Mapping[];

  /** Throws when there is no such pool. */
  constructor(context: ModuleContext, options: LdapCardOptions) {
    this.#context = context;
    this.#options = options;
    this.#directory = context.ldap(options.pool_tag);
    this.#uids = (options.uids ?? [{ attr: 'uid', format: '%u' }]).map(({ attr, format }) => {
      return { attribute: attr, format };
    });
    this.#map = options.vcard_map ?? VCARD_MAP;
    this.fields = (options.search_fields ?? SEARCHED).map(
      ({ search_field: label, ldap_field: attribute }) => {
        const isBinary = options.binary_search_fields.includes(label);
        return { name: standardName(label) ?? attribute, label, attribute, isBinary };
      },
    );
    this.columns = (options.search_reported ?? REPORTED).map(
      ({ search_field: label, vcard_field: field }) => {
        return { name: standardName(label) ?? field, label, from: longName(field) };
      },
    );
  }

  async get(user: Jid): Promise<string | null> {
    const { domain, local: username } = user;
    const { filter } = this.#options;
    const found = await this.#search(
      userFilter(this.#uids, filter, { username, domain }),
      this.#map,
      CANDIDATES_MAX,
    );
    const [entry, ...more] = found;
    if (entry === undefined || more.length > 0) return null;
    const texts = new Map(textsOf(entry.attributes, this.#map, { username, domain }));
    const xml = serialize(cardOf(texts));
    if (Buffer.byteLength(xml) <= VCARD_BYTES_MAX) return xml;
    this.#context.count('too_large');
    for (const picture of PICTURES) texts.delete(picture);
    const plain = serialize(cardOf(texts));
    return Buffer.byteLength(plain) <= VCARD_BYTES_MAX ? plain : null;
  }

  set(): Promise<StanzaError> {
    return Promise.resolve(new StanzaError('not-allowed', READ_ONLY));
  }

  async remove(): Promise<void> {}

  async removeDomain(): Promise<void> {}

  async search(
    domain: string,
    asked: ReadonlyMap<string, readonly string[]>,
    limit: number,
  ): Promise<Match[]> {
    const conditions = this.#conditions(domain, asked);
    // Nothing asked for is nothing found: a directory is no list of everybody.
    if (conditions === undefined || conditions.length === 0) return [];
    const { filter, search_operator: operator } = this.#options;
    const anybody = userFilter(this.#uids, filter, { username: undefined, domain });
    const wanted = `(${operator === 'or' ? '|' : '&'}${conditions.join('')})`;
    const shown = new Set(this.columns.map(({ from }) => from));
    const map = this.#map.filter(({ vcard_field: field }) => shown.has(field));
    const found = await this.#search(`(&${anybody}${wanted})`, map, limit);
    return this.#matches(found, map, domain);
  }

  #matches(entries: readonly LdapEntry[], map: readonly Mapping[], domain: string): Match[] {
    const matches = new Map<string, Match>();
    let bytes = 0;
    for (const { attributes } of entries) {
      const username = this.#usernameOf(attributes, domain);
      if (username === undefined) continue;
      const texts = textsOf(attributes, map, { username, domain });
      const shown = this.columns.map(({ from }) => texts.get(from)?.[0] ?? '');
      bytes += shown.reduce((sum, text) => sum + text.length, 0);
      if (bytes > BYTES_MAX) break;
      matches.set(username, { username, shown });
    }
    return [...matches.values()].sort((a, b) => (a.username < b.username ? -1 : 1));
  }

  /** One for each field that was filled in; undefined when one of them cannot hold. */
  #conditions(domain: string, asked: ReadonlyMap<string, readonly string[]>): string[] | undefined {
    const conditions: string[] = [];
    for (const { name, attribute, isBinary } of this.fields) {
      const text = textAsked(asked, name);
      if (text === undefined) continue;
      if (Buffer.byteLength(text) > TEXT_BYTES_MAX) return undefined;
      const value = patternOf(text, isBinary);
      if (attribute !== '%u') conditions.push(`(${attribute}=${value})`);
      else conditions.push(`(|${this.#uids.map((uid) => uidCondition(uid, value, domain)).join('')})`);
    }
    return conditions;
  }

  #usernameOf(attributes: ReadonlyMap<string, readonly string[]>, domain: string): string | undefined {
    for (const uid of this.#uids) {
      for (const value of attributes.get(uid.attribute.toLowerCase()) ?? []) {
        const name = usernameIn(uid, value, domain);
        const username = name === undefined ? undefined : parseLocalpart(name);
        if (username !== undefined) return username;
      }
    }
    return undefined;
  }

  #search(filter: string, map: readonly Mapping[], entriesMax: number): Promise<readonly LdapEntry[]> {
    const { base, deref } = this.#options;
    const filled = map.filter(({ ldap_field: name }) => name !== '');
    return this.#directory.search({
      base,
      deref,
      filter,
      entriesMax,
      attributes: [
        ...new Set([
          ...this.#uids.map(({ attribute }) => attribute),
          ...filled.map(({ ldap_field: name }) => name),
        ]),
      ],
      binary: filled
        .filter(({ vcard_field: field }) => PICTURES.has(field))
        .map(({ ldap_field: name }) => name),
    });
  }
}

/** What the database calls the field of a search, too: clients know it by that name whatever the directory calls the attribute. */
function standardName(label: string): string | undefined {
  return SEARCH_FIELDS.find((field) => field.label === label)?.name;
}

function longName(field: CardField | 'FIRST' | 'LAST' | 'NICK'): CardField {
  switch (field) {
    case 'FIRST':
      return 'GIVEN';
    case 'LAST':
      return 'FAMILY';
    case 'NICK':
      return 'NICKNAME';
    default:
      return field;
  }
}

/** A text as the value of a filter (RFC 4515); a `*` at its end stands for anything. */
function patternOf(text: string, isBinary: boolean): string {
  if (isBinary) return escapeFilterValue(Buffer.from(text).toString('base64'));
  return text.endsWith('*') ? `${escapeFilterValue(text.slice(0, -1))}*` : escapeFilterValue(text);
}

function uidCondition({ attribute, format }: LdapUid, value: string, domain: string): string {
  const text = format.replace(/%[ud]/g, (name) => (name === '%u' ? value : escapeFilterValue(domain)));
  return `(${attribute}=${text})`;
}
