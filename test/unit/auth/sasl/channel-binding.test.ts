import { createHash, X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tlsServerEndPoint } from '../../../../src/auth/sasl/channel-binding.ts';
import { CERTIFICATES } from './certificates.ts';

/** What RFC 5929 §4.1 wants, by the name that OpenSSL gives to a signature algorithm. */
const DIGESTS: Record<string, string> = {
  sha1WithRSAEncryption: 'sha256',
  sha256WithRSAEncryption: 'sha256',
  sha384WithRSAEncryption: 'sha384',
  sha512WithRSAEncryption: 'sha512',
  'ecdsa-with-SHA256': 'sha256',
  'ecdsa-with-SHA384': 'sha384',
  'ecdsa-with-SHA512': 'sha512',
};

describe('tls-server-end-point', () => {
  it.each(CERTIFICATES)('$signature: $digest', ({ digest, base64 }) => {
    const der = Buffer.from(base64, 'base64');
    const expected = digest === undefined ? undefined : createHash(digest).update(der).digest();
    expect(tlsServerEndPoint(der)).toEqual(expected);
  });

  it('is right for all the certificates that Node trusts', () => {
    const seen = new Set<string>();
    for (const pem of rootCertificates) {
      const certificate = new X509Certificate(pem);
      const name = certificate.signatureAlgorithm!;
      const expected = createHash(DIGESTS[name]!).update(certificate.raw).digest();
      expect(tlsServerEndPoint(certificate.raw)).toEqual(expected);
      seen.add(name);
    }
    expect(seen.size).toBeGreaterThan(3);
  });

  it('is undefined for what is no certificate; no byte makes it throw', () => {
    expect(tlsServerEndPoint(Buffer.alloc(0))).toBeUndefined();
    expect(tlsServerEndPoint(Buffer.from('3003020100', 'hex'))).toBeUndefined();
    const original = Buffer.from(CERTIFICATES[5]!.base64, 'base64');
    fc.assert(
      fc.property(fc.nat(original.length - 1), fc.nat(255), fc.nat(original.length), (at, byte, end) => {
        const damaged = Buffer.from(original);
        damaged[at] = byte;
        tlsServerEndPoint(damaged);
        tlsServerEndPoint(damaged.subarray(0, end));
      }),
      { numRuns: 2000 },
    );
  });
});
