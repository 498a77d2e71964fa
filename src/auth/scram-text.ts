import { decodeBase64 } from './base64.ts';
import {
  HASH_FACTS,
  isIterationCount,
  SCRAM_HASHES,
  type ScramCredentials,
  type ScramHash,
  type ScramKeys,
} from './scram.ts';

/**
 * The text form of SCRAM credentials in the column `pass_details`, the same as MongooseIM's, so that its tables can be taken over:
 *
 * ```
 * ==MULTI_SCRAM==,10000,===SHA1===<salt>|<storedkey>|<serverkey>,==SHA224==<salt>|…      written and read
 * ==SCRAM==,<storedkey>,<serverkey>,<salt>,<iterations>                                  SHA-1; read only
 * ```
 */
const MULTI = '==MULTI_SCRAM==,';
const LEGACY = '==SCRAM==,';
/** How such a text begins; a password that does is taken for one. */
export const SCRAM_TEXT_PREFIXES: readonly string[] = [MULTI, LEGACY];
const PREFIX_CHARS = 10;
const PREFIXES: Readonly<Record<ScramHash, string>> = {
  sha: '===SHA1===',
  sha224: '==SHA224==',
  sha256: '==SHA256==',
  sha384: '==SHA384==',
  sha512: '==SHA512==',
};
const HASH_OF_PREFIX: ReadonlyMap<string, ScramHash> = new Map(
  SCRAM_HASHES.map((hash) => [PREFIXES[hash], hash]),
);

/** Salts of other servers that are accepted: shorter ones are guessable, longer ones are not salts. */
const SALT_BYTES_MIN = 8;
const SALT_BYTES_MAX = 64;
/** Five hashes with the longest salts fit in half of it. */
const TEXT_CHARS_MAX = 4096;

/** The text form of `credentials`, hashes in the order of {@link SCRAM_HASHES}. */
export function serializeCredentials(credentials: ScramCredentials): string {
  let text = `${MULTI}${credentials.iterations}`;
  for (const hash of SCRAM_HASHES) {
    const keys = credentials.hashes.get(hash);
    if (keys === undefined) continue;
    const { salt, storedKey, serverKey } = keys;
    text += `,${PREFIXES[hash]}${salt.toString('base64')}|${storedKey.toString('base64')}|${serverKey.toString('base64')}`;
  }
  return text;
}

/**
 * Reads either text form. Undefined unless every part is right: canonical base64, key lengths of the hash, no hash twice or
 * unknown, iterations within 4096 and 1,000,000 (T27).
 */
export function parseCredentials(text: string): ScramCredentials | undefined {
  if (text.length > TEXT_CHARS_MAX) return undefined;
  if (text.startsWith(MULTI)) return parseMulti(text.slice(MULTI.length).split(','));
  if (text.startsWith(LEGACY)) return parseLegacy(text.slice(LEGACY.length).split(','));
  return undefined;
}

function parseMulti(parts: readonly string[]): ScramCredentials | undefined {
  const iterations = parseIterations(parts[0]!);
  if (iterations === undefined || parts.length < 2) return undefined;
  const hashes = new Map<ScramHash, ScramKeys>();
  for (let i = 1; i < parts.length; i++) {
    const part = parts[i]!;
    const hash = HASH_OF_PREFIX.get(part.slice(0, PREFIX_CHARS));
    if (hash === undefined || hashes.has(hash)) return undefined;
    const values = part.slice(PREFIX_CHARS).split('|');
    const keys = values.length === 3 ? parseKeys(hash, values[0]!, values[1]!, values[2]!) : undefined;
    if (keys === undefined) return undefined;
    hashes.set(hash, keys);
  }
  return { iterations, hashes };
}

function parseLegacy(parts: readonly string[]): ScramCredentials | undefined {
  if (parts.length !== 4) return undefined;
  const keys = parseKeys('sha', parts[2]!, parts[0]!, parts[1]!);
  const iterations = parseIterations(parts[3]!);
  if (keys === undefined || iterations === undefined) return undefined;
  return { iterations, hashes: new Map([['sha', keys]]) };
}

function parseKeys(
  hash: ScramHash,
  saltText: string,
  storedText: string,
  serverText: string,
): ScramKeys | undefined {
  const salt = decodeBase64(saltText);
  const storedKey = decodeBase64(storedText);
  const serverKey = decodeBase64(serverText);
  if (salt === undefined || storedKey === undefined || serverKey === undefined) return undefined;
  if (salt.length < SALT_BYTES_MIN || salt.length > SALT_BYTES_MAX) return undefined;
  const { bytes } = HASH_FACTS[hash];
  if (storedKey.length !== bytes || serverKey.length !== bytes) return undefined;
  return { salt, storedKey, serverKey };
}

function parseIterations(text: string): number | undefined {
  const iterations = Number(text);
  // The second condition leaves the plain decimal form only: no sign, exponent, leading zero or blank.
  return isIterationCount(iterations) && String(iterations) === text ? iterations : undefined;
}
