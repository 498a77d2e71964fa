import type { HostType } from '../hooks/host-type.ts';
import { GLOBAL } from '../hooks/registry.ts';
import type { Logger } from '../observe/log.ts';
import type { ShardServices } from './services.ts';

/** What every part of a module's context needs: whose it is, what to undo at its end, and timers. */
export abstract class ModuleContextBase {
  readonly module: string;
  readonly options: unknown;
  readonly hostType: string;
  readonly slot: number;
  readonly log: Logger;
  protected readonly services: ShardServices;
  /** The host type that the module runs for. */
  protected readonly host: HostType;
  /** What ends with the module, in the order it was registered. */
  protected readonly undo: ((isRestart: boolean) => void)[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(services: ShardServices, host: HostType, module: string, options: unknown, slot: number) {
    this.services = services;
    this.host = host;
    this.module = module;
    this.options = options;
    this.hostType = host.name;
    this.slot = slot;
    this.log = services.log.child({ module });
  }

  get hosts(): readonly string[] {
    return this.services.domains.hostsOf(this.hostType);
  }

  get shard(): number {
    return this.services.shard;
  }

  get product(): { readonly name: string; readonly version: string } {
    return this.services.product;
  }

  get registrationTimeoutMs(): number {
    return this.services.registrationTimeoutMs;
  }

  onStop(callback: (isRestart: boolean) => void): void {
    this.undo.push(callback);
  }

  /** Ends the module: its hooks first, then everything else that it registered, the last first. `isRestart`: it is started again at once. */
  stop(isRestart = false): void {
    this.services.registry.removeModule(this.module, this.hostType);
    this.services.registry.removeModule(`${this.module} (${this.hostType})`, GLOBAL);
    for (const undo of this.undo.reverse()) {
      try {
        undo(isRestart);
      } catch (cause) {
        this.log.error({ err: cause, what: 'module_stop_failed' }, 'stopping a module failed');
      }
    }
    this.undo.length = 0;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  timestamp(): number {
    return this.services.timestamp();
  }

  atTurnEnd(callback: () => void): void {
    this.services.atTurnEnd(() => this.guarded(callback));
  }

  every(ms: number, callback: () => void): void {
    const timer = setInterval(() => this.guarded(callback), ms);
    timer.unref();
    this.undo.push(() => clearInterval(timer));
  }

  after(ms: number, callback: () => void): () => void {
    if (this.withheld('timer', `${ms} ms`)) return () => {};
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.guarded(callback);
    }, ms);
    timer.unref();
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }

  /** Whether a route is only being explained; then the effect is noted, and must not happen. */
  protected withheld(step: string, outcome: string): boolean {
    const { dryRun } = this.services;
    if (!dryRun.isActive) return false;
    dryRun.note(`${this.module} ${step}`, `would happen: ${outcome}`);
    return true;
  }

  /** Runs a module's callback outside of any stanza: a turn is completed after it, and an error ends nothing else. */
  protected guarded(callback: () => void): void {
    this.services.touch();
    try {
      callback();
    } catch (cause) {
      this.log.error({ err: cause, what: 'timer_failed' }, 'a timer or announcement of a module failed');
    }
  }
}
