import { createHmac } from 'node:crypto';

/** The mechanisms of tokens (HT-*): a hash, and which data of the channel go into it. */
export interface TokenMechanism {
  readonly name: string;
  readonly digest: string;
  /** The type of channel binding; undefined for none. */
  readonly binding: 'tls-exporter' | 'tls-server-end-point' | undefined;
}

const HASHES = [
  ['SHA-256', 'sha256'],
  ['SHA-384', 'sha384'],
  ['SHA-512', 'sha512'],
  ['SHA-3-256', 'sha3-256'],
  ['SHA-3-384', 'sha3-384'],
  ['SHA-3-512', 'sha3-512'],
] as const;

const BINDINGS = [
  ['EXPR', 'tls-exporter'],
  ['ENDP', 'tls-server-end-point'],
  ['NONE', undefined],
] as const;

/** All of them, those that bind to the channel first. */
export const TOKEN_MECHANISMS: ReadonlyMap<string, TokenMechanism> = new Map(
  BINDINGS.flatMap(([suffix, binding]) =>
    HASHES.map(([hash, digest]) => {
      const name = `HT-${hash}-${suffix}`;
      return [name, { name, digest, binding }] as const;
    }),
  ),
);

/** What a side proves to have the token with. */
export function proof(
  { digest }: TokenMechanism,
  token: string,
  side: 'Initiator' | 'Responder',
  binding: Buffer,
): Buffer {
  return createHmac(digest, token).update(side).update(binding).digest();
}

/** `authcid NUL hashed-token`; undefined when it is none. */
export function parseInitiator(
  data: Buffer,
): { readonly authcid: string; readonly hashed: Buffer } | undefined {
  const end = data.indexOf(0);
  if (end < 1) return undefined;
  return { authcid: data.utf8Slice(0, end), hashed: data.subarray(end + 1) };
}
