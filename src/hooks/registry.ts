import { type AnyHandler, Chain, type ChainHost, type HandlerEntry } from './chain.ts';
import { type Handler, HOOK_INDEX, HOOK_NAMES, type HookName, POINTS } from './points.ts';

/** The compiled chains of one tag, by the number of the hook; `null` where nobody registered. */
export type ChainTable = readonly (Chain | null)[];

/** The table of a tag that nobody registered anything for. */
export const EMPTY_TABLE: ChainTable = HOOK_NAMES.map(() => null);

/** The tag of global hooks. */
export const GLOBAL = 'global';

interface Registration extends HandlerEntry {
  readonly hook: HookName;
  readonly tag: string;
}

export interface HandlerOptions {
  /** See {@link HandlerEntry.hasEffects}. */
  readonly hasEffects?: boolean;
}

/**
 * All registered handlers of one shard. Adding and deleting stays invisible until {@link compile}: a batch of changes
 * becomes visible at once, between two stanzas.
 */
export class HookRegistry {
  readonly #host: ChainHost;
  readonly #registrations: Registration[] = [];
  readonly #warn: (message: string, fields: Record<string, unknown>) => void;
  #version = 0;

  constructor(host: ChainHost, warn: (message: string, fields: Record<string, unknown>) => void = () => {}) {
    this.#host = host;
    this.#warn = warn;
  }

  /** Raised by every {@link compile}. */
  get version(): number {
    return this.#version;
  }

  /**
   * Registers a handler. `tag` is a host type's name or {@link GLOBAL}; `priority` is a positive integer, lower runs first.
   * The same handler for the same hook, tag and priority twice is ignored with a warning.
   */
  add<N extends HookName>(
    hook: N,
    tag: string,
    priority: number,
    module: string,
    handler: { [K in HookName]: Handler<K> }[N],
    options: HandlerOptions = {},
  ): void {
    if (!Number.isInteger(priority) || priority <= 0) {
      throw new RangeError(`priority of ${hook} must be a positive integer, not ${priority}`);
    }
    if (!Object.hasOwn(HOOK_INDEX, hook)) throw new RangeError(`there is no hook named ${hook}`);
    if (typeof handler !== 'function') throw new TypeError(`handler of ${hook} must be a function`);
    const known = this.#registrations.some(
      (r) =>
        r.hook === hook &&
        r.tag === tag &&
        r.priority === priority &&
        r.fn === handler &&
        r.module === module,
    );
    if (known) {
      this.#warn('duplicated_handler', { hook, tag, priority, module });
      return;
    }
    this.#registrations.push({
      hook,
      tag,
      priority,
      module,
      fn: handler as AnyHandler,
      extra: { hook_name: hook, hook_tag: tag, host_type: tag === GLOBAL ? undefined : tag },
      hasEffects: options.hasEffects ?? false,
    });
  }

  /** Removes every handler that `module` registered under `tag`. Unknown ones are a no-op. */
  removeModule(module: string, tag: string): void {
    for (let i = this.#registrations.length - 1; i >= 0; i--) {
      const r = this.#registrations[i]!;
      if (r.module === module && r.tag === tag) this.#registrations.splice(i, 1);
    }
  }

  /** Builds the chains of one tag as they are now. Runs counted so far are kept. */
  compile(tag: string, previous: ChainTable = EMPTY_TABLE): ChainTable {
    this.#version++;
    const table: (Chain | null)[] = [...EMPTY_TABLE];
    for (const name of HOOK_NAMES) {
      const index = HOOK_INDEX[name];
      // Array.prototype.sort is stable: ties keep the order of registration.
      const entries = this.#registrations
        .filter((r) => r.hook === name && r.tag === tag)
        .sort((a, b) => a.priority - b.priority);
      if (entries.length === 0) continue;
      const spec = POINTS[name];
      const chain = new Chain(name, entries, this.#host, spec.failure === 'closed', spec.refusal);
      chain.runs = previous[index]?.runs ?? 0;
      table[index] = chain;
    }
    return table;
  }
}
