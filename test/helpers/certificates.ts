import { generateKeyPairSync, sign } from 'node:crypto';
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

  /**
   * Makes a certificate with a key that few clients take (Ed25519), signed by itself, that ends at `until`. Written out byte by byte (RFC 5280 §4.1,
   * RFC 8410): a version 1 certificate has no extensions.
   */
  makeEd25519(name: string, until = new Date(Date.now() + 86_400_000)): TestCertificate {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const algorithm = der(0x30, Buffer.from([0x06, 0x03, 0x2b, 0x65, 0x70]));
    const commonName = der(0x30, Buffer.from([0x06, 0x03, 0x55, 0x04, 0x03]), der(0x0c, Buffer.from(name)));
    const subject = der(0x30, der(0x31, commonName));
    const validity = der(0x30, time(new Date(until.getTime() - 864_000_000)), time(until));
    const key = publicKey.export({ format: 'der', type: 'spki' });
    const signed = der(0x30, Buffer.from([0x02, 0x01, 0x01]), algorithm, subject, validity, subject, key);
    const signature = der(0x03, Buffer.from([0]), sign(null, signed, privateKey));
    const cert = der(0x30, signed, algorithm, signature).toString('base64');
    return this.write(
      `${name.replaceAll(/[^a-z0-9]/g, '-')}-ed25519`,
      `-----BEGIN CERTIFICATE-----\n${cert.replaceAll(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`,
      privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    );
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

/** One DER value: tag, length, content. */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

/** A GeneralizedTime. */
function time(at: Date): Buffer {
  return der(0x18, Buffer.from(`${at.toISOString().replaceAll(/\.\d+|[-:T]/g, '')}`));
}
