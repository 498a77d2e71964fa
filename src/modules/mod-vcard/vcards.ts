import {
  Element,
  EMPTY_RESULT,
  type IqAnswer,
  type IqRequest,
  type Jid,
  type ModuleContext,
  NS_VCARD,
  type Outcome,
  type PersonalData,
  type PortableEntry,
  type PortableOutcome,
  type PortablePage,
  parseElementText,
  StanzaError,
  serialize,
} from '../module.ts';
import type { Cards } from './cards.ts';

/** Answers for the vCards of accounts. */
export class Vcards {
  readonly #context: ModuleContext;
  readonly #cards: Cards;

  constructor(context: ModuleContext, cards: Cards) {
    this.#context = context;
    this.#cards = cards;
  }

  /** A request to the bare JID of a user. The account need not exist: then it has no vCard. */
  answer(request: IqRequest): IqAnswer | Promise<IqAnswer> {
    const { type, from, to, payload } = request;
    const isOwn = from.bare === to.bare;
    if (type === 'set' && !isOwn) return new StanzaError('not-allowed');
    if (payload.name !== 'vCard') return new StanzaError('bad-request');
    return type === 'get' ? this.#get(to, isOwn) : this.#set(to, payload);
  }

  /** XEP-0054 §3.3: somebody who has no vCard and somebody who does not exist are the same to others. */
  async #get(user: Jid, isOwn: boolean): Promise<IqAnswer> {
    const xml = await this.#cards.get(user);
    if (xml === null) return new StanzaError(isOwn ? 'item-not-found' : 'service-unavailable');
    try {
      return parseElementText(xml);
    } catch (cause) {
      this.#context.log.error(
        { err: cause, what: 'vcard_corrupt', user: user.bare },
        'a vCard cannot be read',
      );
      return new StanzaError('service-unavailable');
    }
  }

  async #set(user: Jid, vcard: Element): Promise<IqAnswer> {
    const refusal = await this.store(user, vcard);
    return refusal ?? EMPTY_RESULT;
  }

  /** Stores a vCard and runs `vcard_set`. Returns why it is refused; rejects when nobody can answer. */
  async store(user: Jid, vcard: Element): Promise<StanzaError | undefined> {
    const refusal = await this.#cards.set(user, vcard);
    if (refusal !== undefined) return refusal;
    void this.#context.foldHook('vcard_set', undefined, { jid: user, vcard });
    return undefined;
  }

  /** For the hook `set_vcard`. */
  async setFor(user: Jid, vcard: Element): Promise<Outcome> {
    if (vcard.name !== 'vCard' || vcard.ns !== NS_VCARD) return { error: 'not_a_vcard' };
    try {
      const refusal = await this.store(user, vcard);
      if (refusal === undefined) return 'ok';
      const { condition: error, text } = refusal;
      return text === undefined ? { error } : { error, text };
    } catch {
      return { error: 'store_unavailable' };
    }
  }

  /** Takes vCards from another server. One that is there stays. */
  async take(user: Jid, entries: readonly PortableEntry[]): Promise<PortableOutcome[]> {
    const outcomes: PortableOutcome[] = [];
    for (const { element } of entries) {
      const own = await this.#cards.get(user);
      if (own !== null) {
        const isSame = serialize(parseElementText(own)) === serialize(element);
        outcomes.push(
          isSame ? 'known' : { code: 'differs', text: 'the account has another vCard, which stays' },
        );
        continue;
      }
      const refusal = await this.store(user, element);
      const text = refusal?.text ?? refusal?.condition;
      outcomes.push(text === undefined ? 'taken' : { code: 'invalid', text });
    }
    return outcomes;
  }

  async page(user: Jid): Promise<PortablePage> {
    const xml = await this.#cards.get(user);
    return { entries: xml === null ? [] : [xml], next: null };
  }

  async remove(user: Jid): Promise<undefined> {
    await this.#cards.remove(user);
  }

  async personalData(data: readonly PersonalData[], user: Jid): Promise<readonly PersonalData[]> {
    const xml = await this.#cards.get(user);
    const rows = xml === null ? [] : [[user.bare, xml]];
    return [...data, { name: 'vcard', columns: ['jid', 'vcard'], rows }];
  }
}

/** The vCard of something that is not a person. */
export function serviceCard(name: string, description: string): Element {
  return Element.of(
    'vCard',
    NS_VCARD,
    {},
    Element.of('FN', NS_VCARD, {}, name),
    Element.of('DESC', NS_VCARD, {}, description),
  );
}
