import type { Accumulator } from '../hooks/accumulator.ts';
import { type Hooked, runHook } from '../hooks/run.ts';
import type { MaybePromise } from '../sm/delivery-host.ts';
import type { Jid } from '../xmpp/jid.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import type { Routing } from './routing.ts';
import type { Subhosts } from './subhosts.ts';

/** Takes the stanzas for a component that is served on this shard. */
export type ComponentReceiver = (acc: Accumulator) => MaybePromise;

/** How a component is offered. */
export interface ComponentOptions {
  /** Left out of service discovery for ordinary users. */
  readonly isHidden?: boolean;
  /** The access rule that senders must pass; `all` if absent. */
  readonly access?: string;
}

/** What components need of their shard. */
export interface ComponentSurroundings {
  readonly shard: number;
  readonly globals: Hooked;
  readonly subhosts: Subhosts;
  routing(): Routing;
  /** Whether the domain is a host or a subdomain of this server. */
  isTaken(domain: string): boolean;
  /** The value of an access rule, in the context of the server's default domain. */
  access(rule: string, jid: Jid): string | number;
  /** Tells the other shards, or only one of them. */
  tell(notice: 'component_up' | 'component_down', component: ComponentNotice, shard?: number): void;
  /** Hands a stanza to the shard that serves the component. False when it cannot. */
  forward(shard: number, acc: Accumulator): boolean;
}

/** What other shards learn of a component. */
export interface ComponentNotice {
  readonly shard: number;
  readonly domain: string;
  readonly isHidden: boolean;
}

interface OwnComponent extends ComponentNotice {
  readonly receive: ComponentReceiver;
  readonly access: string;
}

/**
 * Domains that are served outside of the host types (XEP-0114's components). Each is known to all shards and served by one or several:
 * a shard that serves it keeps its stanzas, others hand them to the first that does.
 */
export class Components {
  readonly #around: ComponentSurroundings;
  readonly #own = new Map<string, OwnComponent>();

  constructor(around: ComponentSurroundings) {
    this.#around = around;
  }

  /** Serves a domain on this shard. False if it is taken: a host, a subdomain, or served here already. */
  open(domain: string, receive: ComponentReceiver, options: ComponentOptions = {}): boolean {
    const { shard, subhosts } = this.#around;
    if (this.#own.has(domain) || this.#around.isTaken(domain)) return false;
    const { isHidden = false, access = 'all' } = options;
    this.#own.set(domain, { shard, domain, isHidden, receive, access });
    this.up({ shard, domain, isHidden });
    this.#around.tell('component_up', { shard, domain, isHidden });
    subhosts.registered(domain, isHidden);
    return true;
  }

  /** Ends {@link open}. */
  close(domain: string): void {
    const component = this.#own.get(domain);
    if (component === undefined) return;
    const { shard, isHidden } = component;
    this.#own.delete(domain);
    this.down(component);
    this.#around.tell('component_down', { shard, domain, isHidden });
    this.#around.subhosts.unregistered(domain);
  }

  /** A component is served, on this or another shard. */
  up({ shard, domain, isHidden }: ComponentNotice): void {
    const handler = (acc: Accumulator): MaybePromise =>
      shard === this.#around.shard ? this.receive(acc) : this.#forward(shard, acc);
    this.#around.routing().components.remove(domain, shard);
    this.#around.routing().components.add({ domain, shard, isHidden, hostType: undefined, handler });
  }

  /** A component is served no more. */
  down({ shard, domain }: ComponentNotice): void {
    this.#around.routing().components.remove(domain, shard);
  }

  /** A shard has started: it learns what is served here. */
  shardUp(shard: number): void {
    for (const { domain, isHidden } of this.#own.values()) {
      this.#around.tell('component_up', { shard: this.#around.shard, domain, isHidden }, shard);
    }
  }

  /** A shard has died, and what it served with it. */
  shardLost(shard: number): void {
    const { components } = this.#around.routing();
    for (const component of components.all()) {
      if (component.shard === shard) components.remove(component.domain, shard);
    }
  }

  /** A stanza for a component of this shard: access rule, `packet_to_component`, then the component itself. */
  receive(acc: Accumulator): MaybePromise {
    const component = this.#own.get(acc.to.domain);
    if (component === undefined) return this.routeAgain(acc);
    const { from, to } = acc;
    const routing = this.#around.routing();
    if (component.access !== 'all' && this.#around.access(component.access, from) !== 'allow') {
      return routing.refuse(acc, new StanzaError('not-allowed'));
    }
    const verdict = runHook(this.#around.globals, 'packet_to_component', acc, { from, to });
    if (verdict instanceof Promise) return verdict.then(() => this.#give(component, acc));
    return this.#give(component, acc);
  }

  #give(component: OwnComponent, acc: Accumulator): MaybePromise {
    this.#around.routing().outcomes.ended(acc, 'delivered');
    return acc.trace?.isDryRun ? undefined : component.receive(acc);
  }

  #forward(shard: number, acc: Accumulator): MaybePromise {
    const routing = this.#around.routing();
    if (this.#around.forward(shard, acc)) routing.outcomes.ended(acc, 'forwarded');
    else routing.refuse(acc, new StanzaError('resource-constraint'));
    return undefined;
  }

  /** A stanza that found no component where it was sent: somebody else may serve the domain by now. The router ends it if that goes on. */
  routeAgain(acc: Accumulator): MaybePromise {
    return this.#around.routing().routeOn(acc);
  }
}
