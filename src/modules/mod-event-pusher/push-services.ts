import {
  type Accumulator,
  type C2sParams,
  GenerationCache,
  type Jid,
  type ModuleContext,
  type PersonalData,
  type PushSubscription,
} from '../module.ts';
import type { PushOptions } from './options.ts';
import type { PushErrors } from './push-errors.ts';

/** Accounts whose services a shard remembers, those without any included. */
const CACHED_MAX = 20_000;

/** What instances tell one another: whose services have changed. */
type Changed = { readonly user: string } | { readonly domain: string };

/** What sessions of an account are told: a node, or (null) all nodes of a service, is not to be told any more. */
interface Disabled {
  readonly service: string;
  readonly node: string | null;
}

/**
 * Who is told of an account's messages. A session remembers the one that its own client has enabled, as text, so that it goes with it wherever it goes: if the client is
 * lost, that one alone is of use to it.
 */
export class PushServices {
  readonly #context: ModuleContext;
  readonly #nodesMax: number;
  readonly #errors: PushErrors;
  readonly #cache = new GenerationCache<string, readonly PushSubscription[]>(CACHED_MAX);
  /** Changes that were heard of: what was read before one of them is not remembered. */
  #changes = 0;

  constructor(context: ModuleContext, errors: PushErrors, { max_nodes_per_user: nodesMax }: PushOptions) {
    this.#context = context;
    this.#nodesMax = nodesMax;
    this.#errors = errors;
    context.onAnnouncement((content) => this.#changed(content as Changed));
  }

  /** Those of an account. Rejects when the store cannot answer. */
  async of({ bare, domain, local }: Jid): Promise<readonly PushSubscription[]> {
    const known = this.#cache.get(bare);
    if (known !== undefined) return known;
    const changes = this.#changes;
    const found = await this.#context.store.request('push_list', domain, local);
    if (changes === this.#changes) this.#cache.set(bare, found);
    return found;
  }

  /** Whether it is known that an account has none. */
  hasNone({ bare }: Jid): boolean {
    return this.#cache.get(bare)?.length === 0;
  }

  /** A client, by the full JID of its session, wants notifications. */
  async enable(client: Jid, subscription: PushSubscription): Promise<'ok' | 'full' | 'gone'> {
    const { domain, local } = client;
    const session = this.#context.session(client)?.params;
    const before = session?.moduleState(this.#context.slot);
    session?.setModuleState(this.#context.slot, JSON.stringify(subscription));
    const request = [domain, local, subscription, this.#context.timestamp(), this.#nodesMax] as const;
    let result: 'ok' | 'full' | 'gone' | undefined;
    try {
      result = await this.#context.store.request('push_enable', ...request);
    } finally {
      if (result !== 'ok') session?.setModuleState(this.#context.slot, before);
    }
    if (result === 'ok') await this.#tell({ user: client.bare });
    return result;
  }

  /** A node, or (null) all nodes of a service, is told nothing more. `client`: the session that wants it, which may want something else right after. */
  async disable(user: Jid, service: string, node: string | null, client?: Jid): Promise<void> {
    const news: Disabled = { service, node };
    const own = client === undefined ? undefined : this.#context.session(client)?.params;
    if (own !== undefined) this.disabled(own, news);
    this.#context.sendEvent(user, news, ({ shard, number }) => {
      return shard !== own?.sid?.shard || number !== own.sid.number;
    });
    await this.#context.store.request('push_disable', user.domain, user.local, service, node);
    await this.#tell({ user: user.bare });
  }

  /** A session was told (`foreign_event`). */
  disabled(session: C2sParams, { service, node }: Disabled): undefined {
    const own = this.ofSession(session);
    if (own?.service !== service || (node !== null && own.node !== node)) return;
    session.setModuleState(this.#context.slot, undefined);
  }

  /** The one that the session's client has enabled. */
  ofSession(session: C2sParams): PushSubscription | undefined {
    const state = session.moduleState(this.#context.slot);
    return typeof state === 'string' ? (JSON.parse(state) as PushSubscription) : undefined;
  }

  async removeUser({ domain, local, bare }: Jid): Promise<undefined> {
    const removed = await this.#context.store.request('push_remove_user', domain, local);
    if (removed > 0) await this.#tell({ user: bare });
  }

  async removeDomain(domain: string): Promise<void> {
    await this.#context.store.request('push_remove_domain', domain);
    await this.#tell({ domain });
  }

  async personalData(
    data: readonly PersonalData[],
    { domain, local }: Jid,
  ): Promise<readonly PersonalData[]> {
    const found = await this.#context.store.request('push_list', domain, local);
    const rows = found.map(({ service, node, form }) => [
      service,
      node,
      form === null ? '' : JSON.stringify(Object.fromEntries(form)),
    ]);
    return [...data, { name: 'push_subscription', columns: ['service', 'node', 'options'], rows }];
  }

  /** Until all shards know: whoever is answered after it meets no old answer. */
  async #tell(news: Changed): Promise<void> {
    this.#context.announce(news);
    await this.#context.whenHandled();
  }

  #changed(news: Changed): void {
    this.#changes++;
    if ('user' in news) {
      this.#cache.delete(news.user);
      this.#errors.forget(news.user);
    } else this.#cache.clear();
  }
}

/** The services that were told of a message already, because the client that enabled one of them did not acknowledge it. */
export function publishedServices(acc: Accumulator): readonly (readonly [service: string, node: string])[] {
  return acc.get<readonly (readonly [string, string])[]>('event_pusher', 'published_services') ?? [];
}
