import type { Accumulator } from '../hooks/accumulator.ts';
import type { HostType } from '../hooks/host-type.ts';
import { foldHook, type Hooked } from '../hooks/run.ts';
import type { Route, RouteTable } from '../router/route-table.ts';

/**
 * Subdomains that modules serve, and the hooks that tell of any domain beside the hosts. While modules are being started the hooks wait:
 * the handlers of modules that start later are to hear of every domain too.
 */
export class Subhosts {
  readonly #globals: Hooked;
  readonly #routes: () => RouteTable;
  readonly #subdomains = new Map<string, Route>();
  #waiting: { readonly ldomain: string; readonly isHidden: boolean }[] | undefined;

  constructor(globals: Hooked, routes: () => RouteTable) {
    this.#globals = globals;
    this.#routes = routes;
  }

  /** A module serves a subdomain of the host type's hosts. Throws if another host type has it: a name can belong to one only. */
  add(hostType: HostType, domain: string, handler: (acc: Accumulator) => undefined | Promise<unknown>): void {
    const owner = this.#subdomains.get(domain)?.hostType;
    if (owner !== undefined && owner !== hostType) {
      throw new Error(`${domain} is served for ${owner.name} already`);
    }
    const route: Route = { domain, hostType, handler };
    this.#subdomains.set(domain, route);
    this.#routes().add(route);
    this.registered(domain, false);
  }

  /** Ends {@link add}. */
  remove(domain: string): void {
    if (!this.#subdomains.delete(domain)) return;
    this.#routes().remove(domain);
    this.unregistered(domain);
  }

  get(domain: string): Route | undefined {
    return this.#subdomains.get(domain);
  }

  /** The subdomains of a host type. */
  of(hostType: string): string[] {
    return [...this.#subdomains.values()]
      .filter((route) => route.hostType?.name === hostType)
      .map((route) => route.domain);
  }

  /** Runs `register_subhost`: a domain beside the hosts is served here from now on. */
  registered(ldomain: string, isHidden: boolean): void {
    if (this.#waiting !== undefined) this.#waiting.push({ ldomain, isHidden });
    else void foldHook(this.#globals, 'register_subhost', undefined, { ldomain, isHidden });
  }

  /** Runs `unregister_subhost`: it is not any more. */
  unregistered(ldomain: string): void {
    const waiting = this.#waiting?.findIndex((each) => each.ldomain === ldomain) ?? -1;
    if (waiting !== -1) this.#waiting!.splice(waiting, 1);
    else void foldHook(this.#globals, 'unregister_subhost', undefined, { ldomain });
  }

  /** Keeps `register_subhost` waiting until {@link release}. */
  hold(): void {
    this.#waiting ??= [];
  }

  release(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const { ldomain, isHidden } of waiting) this.registered(ldomain, isHidden);
  }
}
