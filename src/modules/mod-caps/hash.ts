import { createHash } from 'node:crypto';

/** Hash functions by their names in XMPP (XEP-0300), with the names that Node has for them and the length of their values in bytes. */
const FUNCTIONS: ReadonlyMap<string, { readonly node: string; readonly bytes: number }> = new Map([
  ['sha-1', { node: 'sha1', bytes: 20 }],
  ['sha-224', { node: 'sha224', bytes: 28 }],
  ['sha-256', { node: 'sha256', bytes: 32 }],
  ['sha-384', { node: 'sha384', bytes: 48 }],
  ['sha-512', { node: 'sha512', bytes: 64 }],
  ['sha3-256', { node: 'sha3-256', bytes: 32 }],
  ['sha3-512', { node: 'sha3-512', bytes: 64 }],
  ['blake2b-512', { node: 'blake2b512', bytes: 64 }],
]);

export const HASH_NAMES: readonly string[] = [...FUNCTIONS.keys()];

/** Service discovery has names of its own for some functions (XEP-0300 §9.3). */
const FEATURE_NAMES: ReadonlyMap<string, string> = new Map([['blake2b-512', 'id-blake2b512']]);

/** What is announced for the functions by service discovery (XEP-0300 §5). */
export const HASH_FEATURES: readonly string[] = HASH_NAMES.map(
  (name) => `urn:xmpp:hash-function-text-names:${FEATURE_NAMES.get(name) ?? name}`,
);

/** Base64 in the alphabet and with the padding of RFC 4648 §4, as far as its form goes. */
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** The hash of a text in UTF-8, in base64. `name` is one of {@link HASH_NAMES}. */
export function hashOf(name: string, input: string): string {
  return createHash(FUNCTIONS.get(name)!.node).update(input).digest('base64');
}

/** Whether a text could be a value of the hash function: what could not need not be looked up, and is never asked for. */
export function isHashValue(name: string, value: string): boolean {
  const bytes = FUNCTIONS.get(name)?.bytes;
  return bytes !== undefined && value.length === Math.ceil(bytes / 3) * 4 && BASE64.test(value);
}
