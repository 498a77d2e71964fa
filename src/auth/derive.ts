import { createHmac, hash as digestOf, pbkdf2Sync, randomBytes } from 'node:crypto';
import { preparePassword } from './password.ts';
import {
  type DerivedKeys,
  HASH_FACTS,
  isIterationCount,
  SCRAM_SALT_BYTES,
  type ScramCredentials,
  type ScramHash,
  type ScramKeys,
} from './scram.ts';
import { serializeCredentials } from './scram-text.ts';

/**
 * The expensive half of SCRAM. It runs in the task pool only: some milliseconds of CPU per call, and the tables of SASLprep, which
 * no shard needs to load.
 */

/**
 * The keys of RFC 5802 §3 from an unprepared password. Undefined when the password is unusable (see {@link preparePassword}).
 * Throws RangeError when the iteration count is out of bounds, which is checked where it enters.
 */
export function deriveKeys(
  password: string,
  hash: ScramHash,
  salt: Uint8Array,
  iterations: number,
): DerivedKeys | undefined {
  if (!isIterationCount(iterations)) throw new RangeError(`SCRAM iteration count ${iterations}`);
  const prepared = preparePassword(password);
  return prepared === undefined ? undefined : keysOf(prepared, hash, salt, iterations);
}

function keysOf(prepared: string, hash: ScramHash, salt: Uint8Array, iterations: number): DerivedKeys {
  const { digest, bytes } = HASH_FACTS[hash];
  const saltedPassword = pbkdf2Sync(prepared, salt, iterations, bytes, digest);
  const clientKey = createHmac(digest, saltedPassword).update('Client Key').digest();
  return {
    storedKey: digestOf(digest, clientKey, 'buffer'),
    serverKey: createHmac(digest, saltedPassword).update('Server Key').digest(),
  };
}

/** Fresh credentials for each of `hashes`, each with a salt of its own (XEP-0438). Undefined and errors as {@link deriveKeys}. */
export function makeCredentials(
  password: string,
  hashes: readonly ScramHash[],
  iterations: number,
): ScramCredentials | undefined {
  if (!isIterationCount(iterations)) throw new RangeError(`SCRAM iteration count ${iterations}`);
  const prepared = preparePassword(password);
  if (prepared === undefined) return undefined;
  const made = new Map<ScramHash, ScramKeys>();
  for (const hash of hashes) {
    const salt = randomBytes(SCRAM_SALT_BYTES);
    made.set(hash, { salt, ...keysOf(prepared, hash, salt, iterations) });
  }
  return { iterations, hashes: made };
}

/** {@link makeCredentials} in the text form that a store keeps, which crosses threads as it is. */
export function makePasswordDetails(
  password: string,
  hashes: readonly ScramHash[],
  iterations: number,
): string | undefined {
  const credentials = makeCredentials(password, hashes, iterations);
  return credentials === undefined ? undefined : serializeCredentials(credentials);
}
