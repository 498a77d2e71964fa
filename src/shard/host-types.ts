import { HostAuth } from '../auth/auth.ts';
import type { AuthConfig, Config, HostTypeConfig } from '../config/config.ts';
import { HostType } from '../hooks/host-type.ts';
import { EMPTY_TABLE, GLOBAL, type HookRegistry } from '../hooks/registry.ts';
import type { ModuleDefinition } from '../modules/module.ts';
import { type MethodSurroundings, makeMethod } from './auth-methods.ts';
import type { LabelledCounts } from './labelled-counts.ts';
import type { HostTypeAuth } from './login.ts';
import { ShardModuleContext } from './module-context.ts';
import { loadModule, optionsOf } from './module-loader.ts';
import { startOrder } from './module-order.ts';
import type { TaggedPools } from './pools.ts';
import type { ShardServices } from './services.ts';

/** A running module of one host type. */
interface Running {
  readonly definition: ModuleDefinition;
  readonly context: ShardModuleContext;
  readonly options: unknown;
  /** Its configuration as text, to see whether a reload changes it. */
  readonly fingerprint: string;
}

/** One host type at run time. */
interface Entry extends HostTypeAuth {
  readonly hostType: HostType;
  config: AuthConfig;
  auth: HostAuth;
  settings: HostTypeConfig;
  running: Map<string, Running>;
}

/** What one host type was before a change. */
type Before = Pick<Entry, 'config' | 'auth' | 'settings' | 'running'>;

export interface HostTypesSurroundings extends MethodSurroundings {
  readonly registry: HookRegistry;
  /** Counts something under a name of a closed list, for metrics. */
  countFor(name: string): void;
  readonly counts: LabelledCounts;
  /** Registers the handlers that belong to the server itself (`ejabberd_auth`, `ejabberd_sm`, …). */
  registerCore(hostType: HostType, auth: () => HostAuth, config: () => AuthConfig): void;
}

/** The host types of this shard: their authentication, their modules, their compiled hooks. */
export class HostTypes {
  /** The holder of global hooks. */
  readonly globals = { chains: EMPTY_TABLE };
  /** Whether every module runs that should. If not, this shard is not fit to go on. */
  isWhole = true;
  readonly #around: HostTypesSurroundings;
  readonly #entries = new Map<string, Entry>();
  readonly #slots = new Map<string, number>();
  /** What the last {@link apply} found. */
  #before: ReadonlyMap<string, Before> = new Map();

  constructor(around: HostTypesSurroundings) {
    this.#around = around;
  }

  get(name: string): HostType | undefined {
    return this.#entries.get(name)?.hostType;
  }

  auth(name: string): HostTypeAuth | undefined {
    return this.#entries.get(name);
  }

  settings(name: string): HostTypeConfig | undefined {
    return this.#entries.get(name)?.settings;
  }

  all(): HostType[] {
    return [...this.#entries.values()].map((entry) => entry.hostType);
  }

  /** The pool `[outgoing_pools.KIND.TAG]` of a host type. Throws if there is none. */
  pool<K extends keyof TaggedPools>(kind: K, name: string, tag: string): TaggedPools[K] {
    const config = this.#entries.get(name)?.settings.pools[kind].get(tag);
    if (config === undefined) throw new Error(`no [outgoing_pools.${kind}] has the tag "${tag}"`);
    return this.#around.pools.tagged(kind, config, name);
  }

  /** The modules that run for a host type. */
  modules(name: string): ModuleDefinition[] {
    return [...(this.#entries.get(name)?.running.values() ?? [])].map((running) => running.definition);
  }

  /** The contexts of the modules that run for a host type. */
  *contexts(name: string): IterableIterator<ShardModuleContext> {
    for (const { context } of this.#entries.get(name)?.running.values() ?? []) yield context;
  }

  /**
   * Starts, restarts and stops modules until everything is as the configuration says; then publishes the hooks of all host types at once.
   * Modules that cannot be loaded are found before anything changes; when one cannot be started, everything is brought back. Host types that the
   * configuration does not have any more keep theirs until {@link retire}.
   */
  async apply(config: Config, version: number, services: ShardServices): Promise<void> {
    const plans = new Map<string, { definitions: ModuleDefinition[]; settings: HostTypeConfig }>();
    for (const settings of config.hostTypes.values()) {
      const loaded = await Promise.all(
        [...settings.modules.values()].map((module) => loadModule(module, version)),
      );
      plans.set(settings.name, { definitions: startOrder(loaded), settings });
      for (const definition of loaded) optionsOf(settings.modules.get(definition.name)!, definition);
    }
    const auths = this.#hostAuths(config);
    this.#before = new Map([...this.#entries].map(([name, entry]) => [name, beforeOf(entry)]));
    try {
      for (const [name, { definitions, settings }] of plans) {
        const entry = this.#entry(name, settings, auths);
        this.#stopChanged(entry, definitions, version);
        for (const definition of definitions) this.#startConfigured(entry, definition, version, services);
      }
    } catch (cause) {
      this.restore(services);
      throw cause;
    } finally {
      this.publish();
    }
  }

  /**
   * Undoes the last {@link apply}: modules that it stopped are started again, as they were loaded then, whatever their files say now. If one of
   * them does not start again, {@link isWhole} says so from then on.
   */
  restore(services: ShardServices): void {
    this.#around.pools.abandon();
    for (const [name, entry] of this.#entries) {
      const before = this.#before.get(name);
      for (const running of [...entry.running.values()].reverse())
        if (before?.running.get(running.definition.name) !== running) running.context.stop();
      const { running: still } = entry;
      entry.running = new Map();
      if (before === undefined) continue;
      entry.settings = before.settings;
      entry.config = before.config;
      entry.auth = before.auth;
      for (const [module, running] of before.running) {
        if (still.get(module) === running) {
          entry.running.set(module, running);
          running.context.keepPools();
        } else this.#startAgain(entry, running, services);
      }
    }
    this.publish();
  }

  #startAgain(entry: Entry, { definition, options, fingerprint }: Running, services: ShardServices): void {
    try {
      this.#start(entry, definition, options, fingerprint, services);
    } catch (cause) {
      const module = definition.name;
      this.#around.log.error(
        { err: cause, what: 'module_restore_failed', module },
        'a module did not start again',
      );
      this.isWhole = false;
    }
  }

  /** Ends what the configuration does not have any more: modules of host types, whose sessions must have ended, and pools. */
  retire(config: Config): void {
    for (const [name, entry] of this.#entries) if (!config.hostTypes.has(name)) this.#stopAll(entry);
    this.publish();
    this.#around.pools.settle();
  }

  /** Stops all modules, the last started first. */
  stop(): void {
    for (const entry of this.#entries.values()) this.#stopAll(entry);
    this.publish();
    this.#around.pools.close();
  }

  #stopAll(entry: Entry): void {
    for (const running of [...entry.running.values()].reverse()) running.context.stop();
    entry.running.clear();
  }

  /** Makes changed registrations visible, between two stanzas. */
  publish(): void {
    const { registry } = this.#around;
    this.globals.chains = registry.compile(GLOBAL, this.globals.chains);
    for (const { hostType } of this.#entries.values()) {
      hostType.chains = registry.compile(hostType.name, hostType.chains);
    }
  }

  #entry(name: string, settings: HostTypeConfig, auths: ReadonlyMap<string, HostAuth>): Entry {
    const auth = auths.get(name)!;
    const known = this.#entries.get(name);
    if (known !== undefined) {
      known.settings = settings;
      known.config = settings.auth;
      known.auth = auth;
      return known;
    }
    const hostType = new HostType(name, EMPTY_TABLE);
    const entry: Entry = { hostType, settings, config: settings.auth, auth, running: new Map() };
    this.#entries.set(name, entry);
    this.#around.registerCore(
      hostType,
      () => entry.auth,
      () => entry.config,
    );
    return entry;
  }

  /** Authentication of all host types. Throws, and changes nothing, when one cannot be made; pools of the configuration before stay until {@link retire}. */
  #hostAuths(config: Config): Map<string, HostAuth> {
    const { pools } = this.#around;
    pools.begin();
    try {
      const auths = [...config.hostTypes.values()].map(
        (settings) => [settings.name, this.#hostAuth(settings)] as const,
      );
      return new Map(auths);
    } catch (cause) {
      pools.abandon();
      throw cause;
    }
  }

  #stopChanged(entry: Entry, definitions: readonly ModuleDefinition[], version: number): void {
    const wanted = new Map(definitions.map((definition) => [definition.name, definition]));
    for (const [name, running] of [...entry.running].reverse()) {
      const definition = wanted.get(name);
      const isSame =
        definition !== undefined && this.#fingerprint(entry, definition, version) === running.fingerprint;
      if (isSame) continue;
      running.context.stop(definition !== undefined);
      entry.running.delete(name);
    }
  }

  #startConfigured(
    entry: Entry,
    definition: ModuleDefinition,
    version: number,
    services: ShardServices,
  ): void {
    const running = entry.running.get(definition.name);
    if (running !== undefined) {
      running.context.keepPools();
      return;
    }
    const options = optionsOf(entry.settings.modules.get(definition.name)!, definition);
    this.#start(entry, definition, options, this.#fingerprint(entry, definition, version), services);
  }

  #start(
    entry: Entry,
    definition: ModuleDefinition,
    options: unknown,
    fingerprint: string,
    services: ShardServices,
  ): void {
    const slot = this.#slot(definition.name);
    const context = new ShardModuleContext(services, entry.hostType, definition.name, options, slot);
    try {
      definition.setup(context);
    } catch (cause) {
      context.stop();
      throw new Error(`${definition.name} did not start: ${String(cause)}`, { cause });
    }
    entry.running.set(definition.name, { definition, context, options, fingerprint });
  }

  /** What makes a module start anew: other options, or (for a file of the operator's) any reload. */
  #fingerprint(entry: Entry, definition: ModuleDefinition, version: number): string {
    const config = entry.settings.modules.get(definition.name)!;
    const own = config.path === undefined ? '' : String(version);
    return JSON.stringify([config.path, config.options, entry.settings.hosts, own], (_key, value: unknown) =>
      value === Number.POSITIVE_INFINITY ? 'infinity' : value,
    );
  }

  /** One number for a module in all host types and after every reload: sessions keep its state under it. */
  #slot(module: string): number {
    let slot = this.#slots.get(module);
    if (slot === undefined) {
      slot = this.#slots.size;
      this.#slots.set(module, slot);
    }
    return slot;
  }

  #hostAuth(settings: HostTypeConfig): HostAuth {
    const { log, countFor, counts } = this.#around;
    const { auth: config } = settings;
    // Methods refer to the rules over all of them, and the other way round.
    let auth: HostAuth;
    const methods = config.methods.map((name) =>
      makeMethod(name, settings, this.#around, (domain, username) => auth.existence(domain, username)),
    );
    auth = new HostAuth({
      methods,
      usersPerDomainMax: config.maxUsersPerDomain,
      observer: {
        count: (event) => countFor(`auth_${event}`),
        asked: (question, method, answer, seconds) => {
          counts.add('auth_questions_total', [method, question, answer]);
          counts.add('auth_question_seconds_total', [method, question, answer], seconds);
        },
        failed: (method, cause) =>
          log.error({ err: cause, what: 'auth_method_failed', method }, 'an authentication method failed'),
      },
    });
    return auth;
  }
}

function beforeOf({ config, auth, settings, running }: Entry): Before {
  return { config, auth, settings, running: new Map(running) };
}
