import { createHmac } from 'node:crypto';
import { HASH_FACTS, SCRAM_HASHES, SCRAM_SALT_BYTES, type ScramHash } from '../scram.ts';
import type { AccountKeys } from './exchange.ts';

/**
 * Keys for a user who does not exist, so that SCRAM answers alike for everybody and fails only at the end (T25): a salt that is the
 * same on every attempt, and keys that no password has.
 */
export function decoySalt(secret: Buffer, domain: string, username: string, hash: ScramHash): Buffer {
  return createHmac('sha256', secret)
    .update(`${hash}\0${domain}\0${username}`)
    .digest()
    .subarray(0, SCRAM_SALT_BYTES);
}

const NO_KEYS: ReadonlyMap<ScramHash, Buffer> = new Map(
  SCRAM_HASHES.map((hash) => [hash, Buffer.alloc(HASH_FACTS[hash].bytes)]),
);

export function decoyKeys(salt: Buffer, hash: ScramHash, iterations: number): AccountKeys {
  const none = NO_KEYS.get(hash)!;
  return { salt, storedKey: none, serverKey: none, iterations };
}
