import type { DerivedKeys, PasswordTasks } from '../auth/scram.ts';
import type { FromShard } from './boot.ts';

/** What the main thread does for shards, by name. */
export interface Asks {
  /** PBKDF2, in the task pool. */
  derive: {
    args: readonly [password: string, hash: string, salt: Uint8Array, iterations: number];
    value: DerivedKeys | undefined;
  };
  /** Serialised SCRAM keys of a password, in the task pool. */
  password_details: {
    args: readonly [password: string, hashes: readonly string[], iterations: number];
    value: string | undefined;
  };
  /** The full JID of a session that is too long for the directory; undefined when there is no such session. */
  long_jid: { args: readonly [handle: number]; value: string | undefined };
  /** Takes a place in a server-wide rate limit; true if it was free. */
  take_turn: { args: readonly [limit: string, key: string, periodMs: number]; value: boolean };
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (cause: Error) => void;
}

/** Questions of this shard to the main thread. There are few: a login with a new password, a registration. */
export class Asker {
  readonly #post: (message: FromShard) => void;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  constructor(post: (message: FromShard) => void) {
    this.#post = post;
  }

  ask<W extends keyof Asks>(what: W, ...args: Asks[W]['args']): Promise<Asks[W]['value']> {
    const id = this.#nextId++;
    this.#post({ kind: 'ask', id, what, args });
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  answered(id: number, value: unknown, error: string | undefined): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if (error === undefined) pending.resolve(value);
    else pending.reject(new Error(error));
  }
}

/** Password work by way of the main thread's task pool: never on a shard's loop (threat T27). */
export function passwordTasks(asker: Asker): PasswordTasks {
  return {
    derive: (password, hash, salt, iterations) => asker.ask('derive', password, hash, salt, iterations),
    makePasswordDetails: (password, hashes, iterations) =>
      asker.ask('password_details', password, hashes, iterations),
  };
}
