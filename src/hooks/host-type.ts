import type { ChainTable } from './registry.ts';

/**
 * A set of modules and options that serves one or more domains. Handlers of a hook are looked up through it; `chains` is
 * swapped as a whole when modules start or stop.
 */
export class HostType {
  readonly name: string;
  chains: ChainTable;

  constructor(name: string, chains: ChainTable) {
    this.name = name;
    this.chains = chains;
  }
}
