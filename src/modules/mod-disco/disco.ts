import {
  type DiscoAcc,
  type DiscoItem,
  Element,
  type Identity,
  type InfoForm,
  type IqAnswer,
  type IqRequest,
  type ModuleContext,
  NS_DISCO_INFO,
  NS_DISCO_ITEMS,
  resultForm,
  StanzaError,
} from '../module.ts';
import type { DiscoOptions } from './mod-disco.ts';

/** Answers requests of service discovery from what handlers of the `disco_…` hooks give. */
export class Disco {
  readonly #context: ModuleContext<DiscoOptions>;

  constructor(context: ModuleContext<DiscoOptions>) {
    this.#context = context;
  }

  async serverInfo(request: IqRequest): Promise<IqAnswer> {
    const refusal = refused(request);
    if (refusal !== undefined) return refusal;
    const identities = await this.#context.foldHook('disco_local_identity', question<Identity>(request), {});
    const features = await this.#context.foldHook('disco_local_features', question<string>(request), {});
    if (features.result === undefined) return new StanzaError('item-not-found');
    // The node as handlers see it: the hash of the server's own features stands for none.
    const { node, hostType, lang } = features;
    const info = { hostType, module: 'mod_disco', node, lang, result: undefined };
    const forms = await this.#context.foldHook('disco_info', info, {});
    return infoElement(nodeOf(request), identities.result, features.result, forms.result);
  }

  async serverItems(request: IqRequest): Promise<IqAnswer> {
    const refusal = refused(request);
    if (refusal !== undefined) return refusal;
    const items = await this.#context.foldHook('disco_local_items', question<DiscoItem>(request), {});
    return items.result === undefined
      ? new StanzaError('item-not-found')
      : itemsElement(nodeOf(request), items);
  }

  /** On behalf of an account (XEP-0030 §8): a stranger learns nothing, not even whether there is such an account. */
  async userInfo(request: IqRequest): Promise<IqAnswer> {
    const presenceSubscribed = await this.#isSubscribed(request);
    const refusal = refused(request);
    if (refusal !== undefined) return presenceSubscribed ? refusal : unavailable();
    const params = { presenceSubscribed };
    const identities = await this.#context.foldHook('disco_sm_identity', question<Identity>(request), params);
    const features = await this.#context.foldHook('disco_sm_features', question<string>(request), params);
    if (isNothing(identities, presenceSubscribed) && isNothing(features, presenceSubscribed)) {
      return notFound(nodeOf(request), presenceSubscribed);
    }
    return infoElement(nodeOf(request), identities.result, features.result, undefined);
  }

  async userItems(request: IqRequest): Promise<IqAnswer> {
    const presenceSubscribed = await this.#isSubscribed(request);
    const refusal = refused(request);
    if (refusal !== undefined) return presenceSubscribed ? refusal : unavailable();
    const items = await this.#context.foldHook('disco_sm_items', question<DiscoItem>(request), {
      presenceSubscribed,
    });
    if (items.node !== '' && isNothing(items, presenceSubscribed))
      return notFound(items.node, presenceSubscribed);
    return itemsElement(nodeOf(request), items);
  }

  #isSubscribed({ from, to }: IqRequest): boolean | Promise<boolean> {
    if (from.bare !== to.bare) this.#context.count('roster_get');
    return this.#context.isSubscribed(from, to);
  }
}

/** Why a request is not one of service discovery at all. */
function refused({ type, payload }: IqRequest): StanzaError | undefined {
  if (type === 'set') return new StanzaError('not-allowed');
  return payload.name === 'query' ? undefined : new StanzaError('bad-request');
}

function question<T>(request: IqRequest): DiscoAcc<T> {
  const { acc, from, to, lang } = request;
  return { hostType: acc.hostType, from, to, node: nodeOf(request), lang, result: undefined };
}

function nodeOf({ payload }: IqRequest): string {
  return payload.attribute('node') ?? '';
}

/** Whether no handler knew the node. To a stranger an empty answer is none. */
function isNothing({ result }: DiscoAcc<unknown>, isSubscribed: boolean): boolean {
  return result === undefined || (!isSubscribed && result.length === 0);
}

function notFound(node: string, isSubscribed: boolean): StanzaError {
  return node !== '' && isSubscribed ? new StanzaError('item-not-found') : unavailable();
}

function unavailable(): StanzaError {
  return new StanzaError('service-unavailable');
}

function queryElement(ns: string, node: string): Element {
  return Element.of('query', ns, { node: node === '' ? undefined : node });
}

function infoElement(
  node: string,
  identities: readonly Identity[] = [],
  features: readonly string[] = [],
  forms: readonly InfoForm[] = [],
): Element {
  const query = queryElement(NS_DISCO_INFO, node);
  for (const { category, type, name } of identities) {
    query.children.push(Element.of('identity', NS_DISCO_INFO, { category, type, name }));
  }
  for (const { ns, fields } of forms) query.children.push(resultForm(ns, fields));
  for (const feature of [...new Set(features)].sort()) {
    query.children.push(Element.of('feature', NS_DISCO_INFO, { var: feature }));
  }
  return query;
}

/** Of several items with the same address and node, the first one counts. */
function itemsElement(asked: string, { result }: DiscoAcc<DiscoItem>): Element {
  const query = queryElement(NS_DISCO_ITEMS, asked);
  const seen = new Set<string>();
  for (const { jid, node, name } of result ?? []) {
    const key = `${jid.full} ${node ?? ''}`;
    if (seen.has(key)) continue;
    seen.add(key);
    query.children.push(Element.of('item', NS_DISCO_ITEMS, { jid: jid.full, node, name }));
  }
  return query;
}
