/**
 * SCRAM credentials (RFC 5802 §2.2, §3): what a server keeps instead of a password. How they are made from a password is in
 * `derive.ts`, which only the task pool loads; how they are stored is in `scram-text.ts`.
 */

/** Hash functions, in the words of the option `auth.password.hash`; also the order in which they are stored and tried. */
export const SCRAM_HASHES = ['sha', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
export type ScramHash = (typeof SCRAM_HASHES)[number];

interface HashFacts {
  /** The name that `node:crypto` knows. */
  readonly digest: string;
  /** Length of the digest, and of both keys. */
  readonly bytes: number;
  /** The SASL mechanism without channel binding. */
  readonly mechanism: string;
}

export const HASH_FACTS: Readonly<Record<ScramHash, HashFacts>> = {
  sha: { digest: 'sha1', bytes: 20, mechanism: 'SCRAM-SHA-1' },
  sha224: { digest: 'sha224', bytes: 28, mechanism: 'SCRAM-SHA-224' },
  sha256: { digest: 'sha256', bytes: 32, mechanism: 'SCRAM-SHA-256' },
  sha384: { digest: 'sha384', bytes: 48, mechanism: 'SCRAM-SHA-384' },
  sha512: { digest: 'sha512', bytes: 64, mechanism: 'SCRAM-SHA-512' },
};

/** RFC 5802 §5.1 asks for at least 4096; the upper bound keeps an imported account from occupying the pool (T27). */
export const SCRAM_ITERATIONS_MIN = 4096;
export const SCRAM_ITERATIONS_MAX = 1_000_000;
/** Default of `auth.password.scram_iterations`, and the minimum that XEP-0438 recommends. */
export const SCRAM_ITERATIONS = 10_000;
/** Length of the salts that we make (XEP-0438: at least 16). */
export const SCRAM_SALT_BYTES = 16;

/** What a client's proof is checked against, and what ours is made of. */
export interface DerivedKeys {
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** The part of an account's credentials that belongs to one hash function. */
export interface ScramKeys extends DerivedKeys {
  readonly salt: Buffer;
}

export interface ScramCredentials {
  readonly iterations: number;
  readonly hashes: ReadonlyMap<ScramHash, ScramKeys>;
}

/**
 * PBKDF2 on another thread (T27, T56); `workers/task.ts` answers with the functions of `derive.ts`. Buffers may come back as
 * plain Uint8Arrays, as structured cloning makes of them. Undefined is the answer for an unusable password; a rejection
 * (queue full, worker lost) ends a login with `temporary-auth-failure`.
 */
export interface PasswordTasks {
  /** `deriveKeys` of `derive.ts`. */
  derive(
    password: string,
    hash: ScramHash,
    salt: Buffer,
    iterations: number,
  ): Promise<{ readonly storedKey: Uint8Array; readonly serverKey: Uint8Array } | undefined>;
  /** `makePasswordDetails` of `derive.ts`: fresh credentials, serialised. */
  makePasswordDetails(
    password: string,
    hashes: readonly ScramHash[],
    iterations: number,
  ): Promise<string | undefined>;
}

/** Whether an iteration count may be used at all. */
export function isIterationCount(iterations: number): boolean {
  return (
    Number.isInteger(iterations) && iterations >= SCRAM_ITERATIONS_MIN && iterations <= SCRAM_ITERATIONS_MAX
  );
}
