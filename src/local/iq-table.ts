import { type IqDiscipline, type IqHandler, IqRunner } from './iq.ts';

/** Whom requests are addressed to: the server (`local`) or a bare JID (`sm`). */
export type IqComponent = 'local' | 'sm';

/** Handlers of requests by host type, component and namespace. One per shard. */
export class IqTable {
  readonly #runners = new Map<string, IqRunner>();
  readonly #namespaces = new Map<string, Set<string>>();

  add(
    hostType: string,
    component: IqComponent,
    namespace: string,
    handler: IqHandler,
    discipline: IqDiscipline,
  ): void {
    this.#runners.set(key(hostType, component, namespace), new IqRunner(handler, discipline));
    const scope = `${component} ${hostType}`;
    const known = this.#namespaces.get(scope);
    if (known === undefined) this.#namespaces.set(scope, new Set([namespace]));
    else known.add(namespace);
  }

  remove(hostType: string, component: IqComponent, namespace: string): void {
    this.#runners.delete(key(hostType, component, namespace));
    this.#namespaces.get(`${component} ${hostType}`)?.delete(namespace);
  }

  get(hostType: string, component: IqComponent, namespace: string): IqRunner | undefined {
    return this.#runners.get(key(hostType, component, namespace));
  }

  /** The namespaces that have a handler, for service discovery. */
  namespaces(hostType: string, component: IqComponent): string[] {
    return [...(this.#namespaces.get(`${component} ${hostType}`) ?? [])];
  }
}

function key(hostType: string, component: IqComponent, namespace: string): string {
  return `${component} ${hostType} ${namespace}`;
}
