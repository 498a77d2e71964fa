import type { Accumulator } from '../hooks/accumulator.ts';
import { DROP } from '../hooks/chain.ts';
import { HOPS_MAX } from '../limits.ts';
import { DONE, type FilterResult, type RouteResult, type RoutingModule } from './routing-module.ts';

/** Where the router reports to. */
export interface RouterHost {
  /** A routing module dropped the stanza, silently. */
  dropped(acc: Accumulator, module: string): void;
  /** No routing module took the stanza. */
  noRoute(acc: Accumulator): void;
  /** A routing module threw or broke its contract. */
  failed(acc: Accumulator, module: string, step: 'filter' | 'route', cause: unknown): void;
  /** The stanza was routed too often. */
  looped(acc: Accumulator): void;
}

/** Thrown at a filter that changed the addresses. */
export class AddressChangedError extends Error {}

/**
 * The chain of routing modules. Everything that goes from one address to another passes it: what clients send, replies, errors, carbons,
 * offline messages. It runs in the shard of whoever called it.
 */
export class Router {
  readonly #modules: readonly RoutingModule[];
  readonly #host: RouterHost;
  /** Stanzas that are being routed at this moment, each because of the one before. */
  #depth = 0;

  constructor(modules: readonly RoutingModule[], host: RouterHost) {
    this.#modules = modules;
    this.#host = host;
  }

  /**
   * Routes a stanza. A promise is returned only if a link returned one; it settles when routing is over, and never rejects. Ends loops: of stanzas
   * that are routed again or derived from one another, and of any that come of one another within one call.
   */
  route(acc: Accumulator): undefined | Promise<void> {
    if (acc.isRouted) acc.hopped();
    acc.isRouted = true;
    if (acc.hops > HOPS_MAX || this.#depth > HOPS_MAX) {
      this.#host.looped(acc);
      return undefined;
    }
    this.#depth++;
    try {
      return this.#from(0, acc);
    } finally {
      this.#depth--;
    }
  }

  #from(first: number, acc: Accumulator): undefined | Promise<void> {
    const modules = this.#modules;
    for (let i = first; i < modules.length; i++) {
      const module = modules[i]!;
      const { from, to } = acc;
      let step: 'filter' | 'route' = 'filter';
      try {
        if (module.filter !== undefined) {
          const result = module.filter(acc);
          if (result instanceof Promise) return this.#awaitFilter(i, acc, result);
          if (result === DROP) {
            this.#host.dropped(acc, module.name);
            return undefined;
          }
          if (acc.from !== from || acc.to !== to) throw new AddressChangedError('filter changed from or to');
        }
        step = 'route';
        if (module.route === undefined) acc.trace?.note({ step: `router ${module.name}`, outcome: 'pass' });
        else {
          // Before what the module does, so that the steps are in order.
          acc.trace?.note({ step: `router ${module.name}`, outcome: 'asked' });
          const result = module.route(acc);
          if (acc.trace !== undefined && result !== DONE) noteRoute(acc, module.name, result);
          if (result instanceof Promise) return this.#awaitRoute(i, acc, result);
          if (result === DONE) return undefined;
        }
      } catch (cause) {
        this.#host.failed(acc, module.name, step, cause);
        return undefined;
      }
    }
    this.#host.noRoute(acc);
    return undefined;
  }

  async #awaitFilter(i: number, acc: Accumulator, promise: Promise<FilterResult>): Promise<void> {
    acc.stanza?.retain();
    const module = this.#modules[i]!;
    const { from, to } = acc;
    let step: 'filter' | 'route' = 'filter';
    try {
      if ((await promise) === DROP) {
        this.#host.dropped(acc, module.name);
        return;
      }
      if (acc.from !== from || acc.to !== to) throw new AddressChangedError('filter changed from or to');
      step = 'route';
      if (module.route !== undefined && (await module.route(acc)) === DONE) return;
    } catch (cause) {
      this.#host.failed(acc, module.name, step, cause);
      return;
    }
    await this.#from(i + 1, acc);
  }

  async #awaitRoute(i: number, acc: Accumulator, promise: Promise<RouteResult>): Promise<void> {
    acc.stanza?.retain();
    try {
      if ((await promise) === DONE) return;
    } catch (cause) {
      this.#host.failed(acc, this.#modules[i]!.name, 'route', cause);
      return;
    }
    await this.#from(i + 1, acc);
  }
}

function noteRoute(acc: Accumulator, name: string, result: unknown): void {
  const outcome = result instanceof Promise ? 'suspended' : 'pass';
  acc.trace?.note({ step: `router ${name}`, outcome });
}
