import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4_096;

const pool = Buffer.allocUnsafeSlow(POOL_BYTES);
let used = POOL_BYTES;

/**
 * Random text that nobody can guess, in `bytes` bytes of randomness (at most 256): for names and nonces, of which a login takes several. Asking the system for a
 * few bytes costs as much as for many, so they are fetched for a few hundred calls at once; each byte is given out once and then wiped.
 */
export function randomText(bytes: number, encoding: 'hex' | 'base64' | 'base64url'): string {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const text = pool.toString(encoding, used, used + bytes);
  pool.fill(0, used, used + bytes);
  used += bytes;
  return text;
}
