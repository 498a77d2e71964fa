import { hash as digestOf } from 'node:crypto';
import { DER_CONTEXT_0, DER_OID, DER_SEQUENCE, readDer } from '../der.ts';

/** Channel-binding types (XEP-0440), the stronger first; also the order in which they are advertised. */
export const CHANNEL_BINDING_TYPES = ['tls-exporter', 'tls-server-end-point'] as const;
export type ChannelBindingType = (typeof CHANNEL_BINDING_TYPES)[number];

/** Arguments of `tlsSocket.exportKeyingMaterial(length, label, context)` for `tls-exporter` (RFC 9266 §2). */
export const TLS_EXPORTER_LABEL = 'EXPORTER-Channel-Binding';
export const TLS_EXPORTER_BYTES = 32;

/** What SASL needs to know about the TLS connection under a stream. */
export interface TlsFacts {
  /** As `tlsSocket.getProtocol()` says, such as `TLSv1.3`. */
  readonly protocol: string;
  /**
   * Exports the {@link TLS_EXPORTER_BYTES} bytes of `tls-exporter`; called once, in a login that uses them. Undefined where there is
   * no access to the TLS connection (BOSH, WebSocket).
   */
  readonly exporter: (() => Buffer) | undefined;
  /** {@link tlsServerEndPoint} of the certificate that was presented, likewise. */
  readonly serverEndPoint: Buffer | undefined;
  /** The client's own certificate in DER, if it showed one that TLS has verified; for EXTERNAL. */
  readonly clientCertificate?: Uint8Array | undefined;
}

/**
 * The types that a connection can use. `tls-exporter` needs TLS 1.3: under 1.2 it is safe only with the extended master secret
 * (RFC 9266 §4.2), about which Node says nothing.
 */
export function channelBindingTypes(tls: TlsFacts | undefined): ChannelBindingType[] {
  const types: ChannelBindingType[] = [];
  if (tls?.exporter !== undefined && tls.protocol === 'TLSv1.3') types.push('tls-exporter');
  if (tls?.serverEndPoint !== undefined) types.push('tls-server-end-point');
  return types;
}

/** The channel-binding data of one type that {@link channelBindingTypes} listed. Undefined when it cannot be had. */
export function channelBindingData(tls: TlsFacts | undefined, type: string): Buffer | undefined {
  if (type === 'tls-exporter') return tls?.exporter?.();
  if (type === 'tls-server-end-point') return tls?.serverEndPoint;
  return undefined;
}

/**
 * The data of `tls-server-end-point` for a certificate in DER (`tlsSocket.getCertificate().raw`): its digest with the hash of
 * its own signature, or SHA-256 in place of MD5 and SHA-1 (RFC 5929 §4.1). Undefined where the RFC leaves it undefined, as
 * for Ed25519. It depends on the certificate alone: compute it when one is loaded, not once per connection.
 */
export function tlsServerEndPoint(certificate: Buffer): Buffer | undefined {
  const digest = signatureDigest(certificate);
  return digest === undefined ? undefined : digestOf(digest, certificate, 'buffer');
}

/** Signature algorithms by the hexadecimal content of their OID. */
const SIGNATURE_DIGESTS: ReadonlyMap<string, string> = new Map([
  ['2a864886f70d010104', 'sha256'], // md5WithRSAEncryption
  ['2a864886f70d010105', 'sha256'], // sha1WithRSAEncryption
  ['2a864886f70d01010e', 'sha224'], // sha224WithRSAEncryption
  ['2a864886f70d01010b', 'sha256'],
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  ['2a8648ce3d0401', 'sha256'], // ecdsa-with-SHA1
  ['2a8648ce3d040301', 'sha224'], // ecdsa-with-SHA224
  ['2a8648ce3d040302', 'sha256'],
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
]);
const RSASSA_PSS = '2a864886f70d01010a';

/** Hash algorithms by the hexadecimal content of their OID, for RSASSA-PSS. */
const HASH_DIGESTS: ReadonlyMap<string, string> = new Map([
  ['2b0e03021a', 'sha256'], // sha1
  ['608648016503040204', 'sha224'],
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
]);

/**
 * ```
 * Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OID, parameters }, signature }
 * RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0] SEQUENCE { OID, … } DEFAULT sha1, … }
 * ```
 * Node tells the OID of the algorithm but not its parameters, hence this short walk.
 */
function signatureDigest(der: Buffer): string | undefined {
  const certificate = readDer(der, 0, der.length, DER_SEQUENCE);
  const tbs = certificate && readDer(der, certificate.start, certificate.end, DER_SEQUENCE);
  const algorithm = tbs && readDer(der, tbs.end, certificate.end, DER_SEQUENCE);
  const oid = algorithm && readDer(der, algorithm.start, algorithm.end, DER_OID);
  if (oid === undefined) return undefined;
  const name = der.toString('hex', oid.start, oid.end);
  if (name !== RSASSA_PSS) return SIGNATURE_DIGESTS.get(name);
  const parameters = readDer(der, oid.end, algorithm!.end, DER_SEQUENCE);
  if (parameters === undefined) return undefined;
  const tagged = readDer(der, parameters.start, parameters.end, DER_CONTEXT_0);
  if (tagged === undefined) return 'sha256'; // the default, SHA-1, is replaced
  const hashAlgorithm = readDer(der, tagged.start, tagged.end, DER_SEQUENCE);
  const hashOid = hashAlgorithm && readDer(der, hashAlgorithm.start, hashAlgorithm.end, DER_OID);
  return hashOid === undefined
    ? undefined
    : HASH_DIGESTS.get(der.toString('hex', hashOid.start, hashOid.end));
}
