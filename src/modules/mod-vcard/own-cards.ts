import {
  type Element,
  type Jid,
  type ModuleContext,
  StanzaError,
  serialize,
  type VcardCondition,
} from '../module.ts';
import { type Cards, type Match, textAsked } from './cards.ts';
import { fold, SEARCH_FIELDS, searchable } from './fields.ts';

/** A vCard is sent to whoever asks: it must fit into what a connection may have waiting. */
export const VCARD_BYTES_MAX = 262_144;
/** Accounts that are looked at in one search, and bytes of text that it gives. */
const LOOKS_MAX = 10_000;
const BYTES_MAX = 262_144;

/** vCards in the server's own database. */
export class OwnCards implements Cards {
  readonly fields = SEARCH_FIELDS;
  readonly columns = SEARCH_FIELDS.filter(({ name }) => name !== 'user');
  readonly #context: ModuleContext;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  get({ domain, local }: Jid): Promise<string | null> {
    return this.#context.store.request('vcard_get', domain, local);
  }

  async set({ domain, local }: Jid, vcard: Element): Promise<StanzaError | undefined> {
    const xml = serialize(vcard);
    if (Buffer.byteLength(xml) > VCARD_BYTES_MAX) {
      this.#context.count('too_large');
      return new StanzaError('policy-violation', `A vCard may have ${VCARD_BYTES_MAX} bytes`);
    }
    const texts = searchable(vcard);
    if ('invalid' in texts) {
      return new StanzaError('bad-request', `Invalid input for vcard field ${texts.invalid}`);
    }
    const now = this.#context.timestamp();
    await this.#context.store.request('vcard_set', domain, local, xml, texts.folded, texts.shown, now);
    return undefined;
  }

  remove({ domain, local }: Jid): Promise<unknown> {
    return this.#context.store.request('vcard_remove_user', domain, local);
  }

  removeDomain(domain: string): Promise<unknown> {
    return this.#context.store.request('vcard_remove_domain', domain);
  }

  search(
    domain: string,
    asked: ReadonlyMap<string, readonly string[]>,
    limit: number,
  ): Match[] | Promise<Match[]> {
    const conditions = conditionsOf(asked);
    // Nothing asked for is nothing found: a directory is no list of everybody.
    if (conditions === undefined || conditions.length === 0) return [];
    return this.#context.store.request('vcard_search', domain, conditions, limit, LOOKS_MAX, BYTES_MAX);
  }
}

/** All must hold; undefined when one of them can not, for nobody's vCard may have such a text. Fields that nobody knows are ignored. */
function conditionsOf(asked: ReadonlyMap<string, readonly string[]>): VcardCondition[] | undefined {
  const conditions: VcardCondition[] = [];
  for (const { name } of SEARCH_FIELDS) {
    const text = textAsked(asked, name);
    if (text === undefined) continue;
    const isPrefix = text.endsWith('*');
    const value = fold(name, isPrefix ? text.slice(0, -1) : text);
    if (value === undefined) return undefined;
    if (value !== '' || isPrefix) conditions.push({ field: name, value, isPrefix });
  }
  return conditions;
}
