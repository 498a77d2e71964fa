import {
  type Accumulator,
  Element,
  EMPTY_RESULT,
  type IqAnswer,
  type ModuleContext,
  NO_REPLY,
  NS_CLIENT,
  NS_DISCO_INFO,
  NS_DISCO_ITEMS,
  NS_SEARCH,
  NS_VCARD,
  resultForm,
  Stanza,
  StanzaError,
  StanzaKind,
} from '../module.ts';
import type { Cards } from './cards.ts';
import { search, searchFields } from './search.ts';
import { serviceCard } from './vcards.ts';

const NAME = 'vCard User Search';
const FEATURES = [NS_DISCO_INFO, NS_DISCO_ITEMS, NS_SEARCH, NS_VCARD].sort();

/** The user directory of one domain (XEP-0055), on a subdomain of its own. */
export class Directory {
  readonly #context: ModuleContext;
  readonly #domain: string;
  readonly #cards: Cards;
  readonly #matches: number;

  /** For the users of `domain`; a search finds at most `matches`. */
  constructor(context: ModuleContext, cards: Cards, domain: string, matches: number) {
    this.#context = context;
    this.#cards = cards;
    this.#domain = domain;
    this.#matches = matches;
  }

  /** A stanza for the subdomain. */
  handle(acc: Accumulator): undefined | Promise<unknown> {
    const { kind, type } = acc.stanza!;
    // Presence and answers are for nobody here.
    if (kind === StanzaKind.PRESENCE || type === 'result' || type === 'error') {
      this.#context.outcome(acc, 'dropped');
      return undefined;
    }
    if (kind !== StanzaKind.IQ || acc.to.local !== '' || acc.to.resource !== '') {
      return this.#refuse(acc, new StanzaError('service-unavailable'));
    }
    return this.#request(acc);
  }

  #request(acc: Accumulator): undefined | Promise<unknown> {
    const { element, type } = acc.stanza!;
    const [payload, ...more] = element.elements();
    const id = element.attribute('id');
    if ((type !== 'get' && type !== 'set') || payload === undefined || more.length > 0 || id === undefined) {
      return this.#refuse(acc, new StanzaError('bad-request'));
    }
    if (acc.trace?.isDryRun) {
      acc.trace.note({ step: 'directory', outcome: payload.ns, decision: 'answered' });
      return undefined;
    }
    const answer = this.#answer(acc, type, payload);
    if (!(answer instanceof Promise)) return this.#reply(acc, id, answer);
    acc.stanza!.retain();
    return answer.then(
      (value) => this.#reply(acc, id, value),
      (cause: unknown) => {
        this.#context.log.error({ err: cause, what: 'vcard_search_failed' }, 'a search failed');
        return this.#refuse(acc, new StanzaError('internal-server-error'));
      },
    );
  }

  #answer(acc: Accumulator, type: 'get' | 'set', payload: Element): IqAnswer | Promise<IqAnswer> {
    const { ns, name } = payload;
    const expected = ns === NS_VCARD ? 'vCard' : 'query';
    if (!FEATURES.includes(ns)) return new StanzaError('service-unavailable');
    if (ns !== NS_SEARCH && type === 'set') return new StanzaError('not-allowed');
    if (name !== expected) return new StanzaError('bad-request');
    if (ns === NS_VCARD) return serviceCard(NAME, `The user directory of ${this.#domain}`);
    if (ns === NS_SEARCH) {
      if (type === 'get') return searchFields(this.#cards, this.#domain);
      return search(this.#cards, this.#domain, this.#matches, payload);
    }
    const node = payload.attribute('node') ?? '';
    if (node !== '') return new StanzaError('item-not-found');
    return ns === NS_DISCO_ITEMS ? new Element('query', NS_DISCO_ITEMS) : this.#info(acc);
  }

  /** XEP-0030, and the contact addresses of the service (XEP-0157) through the hook `disco_info`. */
  async #info({ hostType }: Accumulator): Promise<Element> {
    const { module } = this.#context;
    const question = { hostType, module, node: '', lang: '', result: undefined };
    const { result: forms = [] } = await this.#context.foldHook('disco_info', question, {});
    const identity = { category: 'directory', type: 'user', name: NAME };
    return Element.of(
      'query',
      NS_DISCO_INFO,
      {},
      Element.of('identity', NS_DISCO_INFO, identity),
      ...forms.map(({ ns, fields }) => resultForm(ns, fields)),
      ...FEATURES.map((feature) => Element.of('feature', NS_DISCO_INFO, { var: feature })),
    );
  }

  #reply(acc: Accumulator, id: string, answer: IqAnswer): undefined | Promise<unknown> {
    if (answer === NO_REPLY) return undefined;
    if (answer instanceof StanzaError) return this.#refuse(acc, answer);
    const result = Element.of('iq', NS_CLIENT, { type: 'result', id });
    if (answer !== EMPTY_RESULT) result.children.push(answer);
    return this.#context.route(acc.derive(Stanza.of(result), acc.to, acc.from));
  }

  #refuse(acc: Accumulator, error: StanzaError): undefined | Promise<unknown> {
    const reply = acc.errorReply(error);
    this.#context.outcome(acc, reply === undefined ? 'dropped' : 'bounced');
    return reply === undefined ? undefined : this.#context.route(reply);
  }
}
