import { statSync } from 'node:fs';
import type {
  HttpPoolConfig,
  LdapPoolConfig,
  OutgoingTlsConfig,
  PoolConfig,
  ProgramConfig,
  RabbitPoolConfig,
} from '../config/config.ts';
import type { Logger } from '../observe/log.ts';
import { HttpPool } from '../outgoing/http-pool.ts';
import { LdapPool } from '../outgoing/ldap-pool.ts';
import { ProgramPool } from '../outgoing/program-pool.ts';
import { RabbitPool } from '../outgoing/rabbit-pool.ts';

/** Pools that the configuration names by a tag. */
export type TaggedPools = { http: HttpPool; ldap: LdapPool; rabbit: RabbitPool };

type PoolOf = TaggedPools & { program: ProgramPool };
type ConfigOf = {
  http: HttpPoolConfig;
  ldap: LdapPoolConfig;
  rabbit: RabbitPoolConfig;
  program: ProgramConfig;
};

type Pool = PoolOf[keyof PoolOf];

/**
 * This shard's connections to servers of others. They outlive a reload that changes neither them nor their files. Made when they are first asked for; nothing is
 * connected before somebody needs an answer.
 */
export class Pools {
  readonly #log: Logger;
  readonly #count: (name: string, by: number) => void;
  #pools = new Map<string, Pool>();
  /** Those that the configuration which is being applied wants. */
  #wanted = new Map<string, Pool>();

  /** `count` adds to a counter of metrics. */
  constructor(log: Logger, count: (name: string, by: number) => void) {
    this.#log = log;
    this.#count = count;
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

  rabbit(config: RabbitPoolConfig, hostType: string): RabbitPool {
    const scope = config.scope === 'global' ? '' : hostType;
    const name = config.name.replace('.', '_');
    return this.#pool('rabbit', config, scope, () => {
      return new RabbitPool(config, this.#log, (event, by) => this.#count(`${name}_${event}`, by));
    });
  }

  /** The pool of any kind that has tags. */
  tagged<K extends keyof TaggedPools>(kind: K, config: PoolConfig, hostType: string): TaggedPools[K] {
    const makers: { readonly [P in keyof TaggedPools]: () => TaggedPools[P] } = {
      http: () => this.http(config as HttpPoolConfig, hostType),
      ldap: () => this.ldap(config as LdapPoolConfig, hostType),
      rabbit: () => this.rabbit(config as RabbitPoolConfig, hostType),
    };
    return makers[kind]();
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
    const before = this.#pools;
    this.#pools = this.#wanted;
    for (const [key, pool] of before) if (this.#wanted.get(key) !== pool) pool.close();
  }

  /** The configuration could not be applied: what was made for it goes. */
  abandon(): void {
    for (const [key, pool] of this.#wanted) if (this.#pools.get(key) !== pool) pool.close();
    this.#wanted = this.#pools;
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }

  #pool<K extends keyof PoolOf>(
    kind: K,
    config: ConfigOf[K],
    scope: string,
    make: () => PoolOf[K],
  ): PoolOf[K] {
    // Two host types may each have a pool of the same tag; and certificates may be renewed in place.
    const stamps = 'tls' in config && config.tls !== undefined ? stampsOf(config.tls) : [];
    const key = JSON.stringify([kind, scope, config, stamps]);
    const pool = this.#wanted.get(key) ?? this.#pools.get(key) ?? make();
    this.#wanted.set(key, pool);
    return pool as PoolOf[K];
  }
}

/** When the files of a TLS section were written. Throws if one is gone. */
function stampsOf({ cacertfile, certificate }: OutgoingTlsConfig): number[] {
  return [cacertfile, certificate?.certfile, certificate?.keyfile].flatMap((file) =>
    file === undefined ? [] : [statSync(file).mtimeMs],
  );
}
