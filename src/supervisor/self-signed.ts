import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import type { CertificateConfig } from '../config/config.ts';

const DAYS = 3_650;

/** Where the certificate for listeners that have none is kept: in the storage directory. */
export function selfSignedFiles(directory: string): CertificateConfig {
  return {
    certfile: join(directory, 'selfsigned.crt'),
    keyfile: join(directory, 'selfsigned.key'),
    password: undefined,
  };
}

/** Makes that certificate, unless it is there already. Returns whether it was made just now, so that the operator is warned. */
export async function makeSelfSigned(directory: string, hosts: readonly string[]): Promise<boolean> {
  const { certfile, keyfile } = selfSignedFiles(directory);
  if (existsSync(certfile) && existsSync(keyfile)) return false;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const made = await generate([{ name: 'commonName', value: hosts[0] ?? 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + DAYS * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames: hosts.map((host) => ({ type: 2 as const, value: host })) },
    ],
  });
  writeWhole(keyfile, made.private, 0o600);
  writeWhole(certfile, made.cert, 0o644);
  return true;
}

/** Never leaves half a file behind. */
function writeWhole(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.new`, text, { mode });
  chmodSync(`${file}.new`, mode);
  renameSync(`${file}.new`, file);
}
