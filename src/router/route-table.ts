import type { Accumulator } from '../hooks/accumulator.ts';
import type { HostType } from '../hooks/host-type.ts';

/** What a packet handler leaves to wait for. */
export type Handled = undefined | Promise<unknown>;

/** Takes the stanzas of one domain, after local delivery's filter. */
export type PacketHandler = (acc: Accumulator) => Handled;

/** Where the stanzas of one domain go. */
export interface Route {
  readonly domain: string;
  /** Undefined for a plain external component: then there is no host type and no `filter_local_packet`. */
  readonly hostType: HostType | undefined;
  readonly handler: PacketHandler;
  /** Whether local addresses of the domain are users: the handler gives stanzas for them to the session manager. */
  readonly isUsers?: boolean;
}

/** Domains that are delivered here: hosted ones, and subdomains of modules. One per shard. */
export class RouteTable {
  readonly #routes = new Map<string, Route>();

  add(route: Route): void {
    this.#routes.set(route.domain, route);
  }

  remove(domain: string): void {
    this.#routes.delete(domain);
  }

  get(domain: string): Route | undefined {
    return this.#routes.get(domain);
  }

  domains(): string[] {
    return [...this.#routes.keys()];
  }
}

/** An external component that is connected somewhere. */
export interface ComponentRoute extends Route {
  /** Which shard holds the connection. */
  readonly shard: number;
  readonly isHidden: boolean;
}

/** Connected components, on this shard and on others. */
export class ComponentTable {
  readonly #components = new Map<string, ComponentRoute[]>();

  /** Adds a component. Several connections may serve one domain, on different shards. */
  add(component: ComponentRoute): void {
    const known = this.#components.get(component.domain) ?? [];
    this.#components.set(component.domain, [...known, component]);
  }

  /** Removes the component of that domain on that shard. */
  remove(domain: string, shard: number): void {
    const left = (this.#components.get(domain) ?? []).filter((component) => component.shard !== shard);
    if (left.length > 0) this.#components.set(domain, left);
    else this.#components.delete(domain);
  }

  /** The component of that domain on that shard. */
  on(domain: string, shard: number): ComponentRoute | undefined {
    return this.#components.get(domain)?.find((component) => component.shard === shard);
  }

  /** The component of that domain on whichever shard; the first that connected. */
  anywhere(domain: string): ComponentRoute | undefined {
    return this.#components.get(domain)?.[0];
  }

  /** Every connected component, for service discovery. */
  all(): ComponentRoute[] {
    return [...this.#components.values()].flat();
  }
}
