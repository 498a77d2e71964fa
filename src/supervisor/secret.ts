import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BYTES = 32;

/** The server's secret, made on first start: salts shown for accounts that do not exist are made from it, and must not change (T25). */
export function serverSecret(directory: string): Buffer {
  const file = join(directory, 'secret');
  if (existsSync(file)) {
    const known = readFileSync(file);
    if (known.length === BYTES) return known;
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const secret = randomBytes(BYTES);
  writeFileSync(`${file}.new`, secret, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return secret;
}
