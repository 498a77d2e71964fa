import { deriveKeys, makePasswordDetails } from '../src/auth/derive.ts';
import type { ScramHash } from '../src/auth/scram.ts';

/** Work for the task pool (Piscina): what takes long on a processor, one function each, by name. */

export function derive(args: readonly [string, ScramHash, Uint8Array, number]): unknown {
  const [password, hash, salt, iterations] = args;
  return deriveKeys(password, hash, Buffer.from(salt), iterations);
}

export function password_details(args: readonly [string, readonly ScramHash[], number]): unknown {
  const [password, hashes, iterations] = args;
  return makePasswordDetails(password, hashes, iterations);
}

export async function backup(args: readonly [string, string]): Promise<number> {
  // The threads that derive keys need no database.
  const { copyDatabase } = await import('../src/store/sqlite/backup.ts');
  const [directory, file] = args;
  return copyDatabase(directory, file);
}
