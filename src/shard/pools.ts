import { isDeepStrictEqual } from 'node:util';
import type { HttpPoolConfig, LdapPoolConfig, ProgramConfig } from '../config/config.ts';
import type { Logger } from '../observe/log.ts';
import { HttpPool } from '../outgoing/http-pool.ts';
import { LdapPool } from '../outgoing/ldap-pool.ts';
import { ProgramPool } from '../outgoing/program-pool.ts';

type PoolOf = { http: HttpPool; ldap: LdapPool; program: ProgramPool };
type ConfigOf = { http: HttpPoolConfig; ldap: LdapPoolConfig; program: ProgramConfig };

interface Entry {
  readonly config: unknown;
  readonly pool: { close(): void };
}

/**
 * This shard's connections to servers of others. They outlive a reload that does not change them. Made when they are first asked for; nothing is
 * connected before somebody needs an answer.
 */
export class Pools {
  readonly #log: Logger;
  #entries = new Map<string, Entry>();
  /** Those that the configuration which is being applied wants. */
  #wanted = new Map<string, Entry>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The pool of one host type, or the one that all share if its scope says so. Throws when its files cannot be read. */
  http(config: HttpPoolConfig, hostType: string): HttpPool {
    const scope = config.scope === 'global' ? '' : hostType;
    return this.#pool('http', config, scope, () => new HttpPool(config, this.#log));
  }

  ldap(config: LdapPoolConfig, hostType: string): LdapPool {
    const scope = config.scope === 'global' ? '' : hostType;
    return this.#pool('ldap', config, scope, () => new LdapPool(config, this.#log));
  }

  /** Programs are the same for all host types that name the same one: the domain is in each question. */
  program(config: ProgramConfig): ProgramPool {
    return this.#pool('program', config, '', () => new ProgramPool(config, this.#log));
  }

  /** A configuration is applied: what nobody asks for until {@link settle} is not needed any more. */
  begin(): void {
    this.#wanted = new Map();
  }

  /** Closes what is not needed any more. */
  settle(): void {
    const before = this.#entries;
    this.#entries = this.#wanted;
    for (const [key, entry] of before) if (this.#wanted.get(key) !== entry) entry.pool.close();
  }

  /** The configuration could not be applied: what was made for it goes. */
  abandon(): void {
    for (const [key, entry] of this.#wanted) if (this.#entries.get(key) !== entry) entry.pool.close();
    this.#wanted = this.#entries;
  }

  close(): void {
    for (const { pool } of this.#entries.values()) pool.close();
    this.#entries.clear();
  }

  #pool<K extends keyof PoolOf>(
    kind: K,
    config: ConfigOf[K],
    scope: string,
    make: () => PoolOf[K],
  ): PoolOf[K] {
    // Two host types may each have a pool of the same tag.
    const key = JSON.stringify([kind, scope, config]);
    let entry = this.#wanted.get(key) ?? this.#entries.get(key);
    if (entry === undefined || !isDeepStrictEqual(entry.config, config)) entry = { config, pool: make() };
    this.#wanted.set(key, entry);
    return entry.pool as PoolOf[K];
  }
}
