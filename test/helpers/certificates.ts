import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A certificate and its key, in PEM, and where they lie. */
export interface TestCertificate {
  readonly certfile: string;
  readonly keyfile: string;
  readonly cert: string;
  readonly key: string;
}

/** Certificates made for a test, in a directory of their own. */
export class TestCertificates {
  readonly directory = mkdtempSync(join(tmpdir(), 'mk-cert-'));

  /** Makes a certificate for some names; signed by itself, or by `ca`. */
  async make(
    name: string,
    altNames: readonly string[] = [name],
    ca?: TestCertificate,
  ): Promise<TestCertificate> {
    const made = await generate([{ name: 'commonName', value: name }], {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      extensions: [
        { name: 'basicConstraints', cA: name.endsWith(' CA'), critical: true },
        ...(name.endsWith(' CA')
          ? [{ name: 'keyUsage' as const, keyCertSign: true, digitalSignature: true, critical: true }]
          : []),
        { name: 'subjectAltName', altNames: altNames.map((value) => ({ type: 2 as const, value })) },
      ],
      ...(ca === undefined ? {} : { ca: { key: ca.key, cert: ca.cert } }),
    });
    const file = name.replaceAll(/[^a-z0-9]/g, '-');
    return this.write(file, made.cert, made.private);
  }

  /** Puts a pair of files in place, over those of the same name. */
  write(file: string, cert: string, key: string): TestCertificate {
    const certfile = join(this.directory, `${file}.crt`);
    const keyfile = join(this.directory, `${file}.key`);
    writeFileSync(certfile, cert);
    writeFileSync(keyfile, key, { mode: 0o600 });
    return { certfile, keyfile, cert, key };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
