import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { JwtConfig } from '../config.ts';
import type { Path } from '../path.ts';
import type { AuthTable } from '../schema/auth.ts';
import { JWT_ALGORITHMS } from '../schema/auth-methods.ts';
import type { ResolveContext } from './context.ts';
import { absolute } from './files.ts';

/** Longer secrets are no secrets: the largest keys in PEM have some kilobytes. */
const SECRET_CHARS_MAX = 65_536;
/** RFC 7518 §3.3. */
const RSA_BITS_MIN = 2048;
/** RFC 7518 §3.4: an algorithm has one curve. */
const CURVES = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' } as const;

type JwtTable = NonNullable<AuthTable['jwt']>;
type Algorithm = JwtConfig['algorithm'];

/** `[auth.jwt]`, with its secret read and tried: a key that goes with the algorithm, or an error here and not at the first login. */
export function jwtOf({ jwt }: AuthTable, authPath: Path, context: ResolveContext): JwtConfig | undefined {
  const path = [...authPath, 'jwt'];
  if (jwt === undefined) {
    context.report.error(path, 'missing, the method "jwt" needs this section');
    return undefined;
  }
  const algorithm = JWT_ALGORITHMS.find((name) => name === jwt.algorithm.replace('386', '384'))!;
  const secret = secretOf(jwt, [...path, 'secret'], context) ?? '';
  const problem = secret === '' ? undefined : problemOf(secret, algorithm);
  if (problem !== undefined) context.report.error([...path, 'secret'], problem);
  return {
    secret,
    algorithm,
    usernameKey: jwt.username_key,
    issuer: jwt.issuer,
    audience: jwt.audience,
  };
}

function secretOf({ secret }: JwtTable, path: Path, context: ResolveContext): string | undefined {
  const { report } = context;
  const given = Object.values(secret).filter((value) => value !== undefined);
  if (given.length !== 1) {
    report.error(path, 'expected exactly one of "value", "file" and "env"');
    return undefined;
  }
  if (secret.value !== undefined) return secret.value;
  if (secret.env !== undefined) {
    const value = context.env[secret.env];
    if (value === undefined || value === '')
      report.error([...path, 'env'], `the environment has no ${secret.env}`, { value: secret.env });
    return value;
  }
  const file = absolute(context, secret.file!);
  try {
    const text = readFileSync(file, 'utf8');
    if (text === '' || text.length > SECRET_CHARS_MAX) throw new Error('it is empty, or far too long');
    return text;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    report.error([...path, 'file'], `cannot use ${file}: ${code ?? message}`, { value: secret.file });
    return undefined;
  }
}

/** Why the secret is no key for the algorithm. Says nothing of what it is. */
function problemOf(secret: string, algorithm: Algorithm): string | undefined {
  if (algorithm.startsWith('HS')) {
    // A public key as shared secret: whoever knows it, and that is everybody, could sign (T33).
    return secret.includes('-----BEGIN') ? `is a key in PEM, which is no secret for ${algorithm}` : undefined;
  }
  let key: KeyObject;
  try {
    key = createPublicKey(secret);
  } catch {
    return `is no public key in PEM, which ${algorithm} needs`;
  }
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (algorithm.startsWith('RS')) {
    if (key.asymmetricKeyType !== 'rsa') return `is no RSA key, which ${algorithm} needs`;
    return modulusLength < RSA_BITS_MIN ? `has fewer than ${RSA_BITS_MIN} bits` : undefined;
  }
  const curve = CURVES[algorithm as keyof typeof CURVES];
  return namedCurve === curve ? undefined : `is no key on the curve ${curve}, which ${algorithm} needs`;
}
