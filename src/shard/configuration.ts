import type { ListenerSettings } from '../c2s/c2s-host.ts';
import type { Config } from '../config/config.ts';
import { SCAN_LIMITS } from '../limits.ts';
import type { HostTypes } from './host-types.ts';
import type { ShardServices } from './services.ts';
import type { Subhosts } from './subhosts.ts';
import type { Tls } from './tls.ts';

export interface ConfigurationSurroundings {
  readonly hostTypes: HostTypes;
  readonly subhosts: Subhosts;
  readonly tls: Tls;
  readonly services: ShardServices;
  /** A configuration is in force, and its host types run: whoever keeps something of the one before lets go of it. */
  inForce(config: Config): void;
}

/** What a configuration that was taken over would replace. */
interface Pending {
  readonly before: Config;
  /** Takes the certificates into use. */
  readonly useCertificates: () => void;
}

/**
 * The configuration of this shard. A change comes in two steps, so that it is made in all shards or in none: {@link prepare} does everything that may
 * fail, and takes nothing away from anybody; {@link settle} does the rest, or brings back what was.
 */
export class Configuration {
  readonly #around: ConfigurationSurroundings;
  #current: Config;
  /** While a change is pending: the domains of before, too. */
  #hosts: ReadonlyMap<string, string>;
  #listeners: readonly ListenerSettings[] = [];
  #pending: Pending | undefined;
  #isPreparing = false;
  #version = 0;

  constructor(config: Config, around: ConfigurationSurroundings) {
    this.#current = config;
    this.#hosts = config.hosts;
    this.#around = around;
  }

  get current(): Config {
    return this.#current;
  }

  /** The host type of each domain that is served. */
  get hosts(): ReadonlyMap<string, string> {
    return this.#hosts;
  }

  listener(index: number): ListenerSettings | undefined {
    return this.#listeners[index];
  }

  /** Starts what `config` adds. Rejects, with everything as it was, when that cannot be; else {@link settle} must follow. */
  async prepare(config: Config): Promise<void> {
    if (this.#isPreparing || this.#pending !== undefined) throw new Error('another change is under way');
    const { hostTypes, subhosts, tls, services } = this.#around;
    const before = this.#current;
    this.#isPreparing = true;
    try {
      const useCertificates = tls.prepare(config.listen.c2s.map((listener) => listener.tls));
      this.#current = config;
      this.#hosts = new Map([...this.#hosts, ...config.hosts]);
      subhosts.hold();
      await hostTypes.apply(config, ++this.#version, services);
      this.#pending = { before, useCertificates };
    } catch (cause) {
      this.#current = before;
      this.#hosts = before.hosts;
      this.#around.inForce(before);
      throw cause;
    } finally {
      subhosts.release();
      this.#isPreparing = false;
    }
  }

  /**
   * Ends what {@link prepare} began, if it did: what the new configuration does not have any more goes (`isKept`), or what it brought. Throws if
   * modules that ran before could not be started again; then the shard is not fit to go on.
   */
  settle(isKept: boolean): void {
    if (this.#pending !== undefined) this.#settle(this.#pending, isKept);
    if (!this.#around.hostTypes.isWhole) throw new Error('modules did not start again');
  }

  #settle(pending: Pending, isKept: boolean): void {
    this.#pending = undefined;
    const { hostTypes, subhosts, services } = this.#around;
    try {
      if (isKept) {
        pending.useCertificates();
        this.#listeners = listenerSettings(this.#current);
      } else {
        this.#current = pending.before;
        subhosts.hold();
        hostTypes.restore(services);
      }
    } finally {
      this.#hosts = this.#current.hosts;
      subhosts.release();
      this.#around.inForce(this.#current);
    }
    if (isKept) hostTypes.retire(this.#current);
  }
}

function listenerSettings({ listen, general }: Config): ListenerSettings[] {
  return listen.c2s.map((listener, index) => ({
    index,
    limits: { ...SCAN_LIMITS, stanzaBytesMax: listener.maxStanzaSizeBytes },
    stateTimeoutMs: listener.stateTimeoutMs,
    isBackwardsCompatibleSession: true,
    hidesServiceName: general.hideServiceName,
    tls: listener.tls,
    access: listener.access,
    shaper: listener.shaper,
    authMethods: listener.allowedAuthMethods,
  }));
}
