import { isUtf8 } from 'node:buffer';
import {
  DER_BOOLEAN,
  DER_CONTEXT_0,
  DER_IA5_STRING,
  DER_OCTET_STRING,
  DER_PRINTABLE_STRING,
  DER_SEQUENCE,
  DER_SET,
  DER_UTF8_STRING,
  type DerElement,
  oidOf,
  readChildren,
  readDer,
} from './der.ts';

/** Whom a certificate names. Texts are as they stand in it, not prepared. */
export interface CertificateNames {
  /** The subjectAltName entries of type id-on-xmppAddr (RFC 6120 §13.7.1.4). */
  readonly xmppAddresses: readonly string[];
  /** The common name of the subject, if it has exactly one. */
  readonly commonName: string | undefined;
}

const OID_COMMON_NAME = '550403';
const OID_SUBJECT_ALT_NAME = '551d11';
/** 1.3.6.1.5.5.7.8.5 */
const OID_XMPP_ADDR = '2b06010505070805';
/** `[3]`, constructed: the extensions of a TBSCertificate. */
const EXTENSIONS = 0xa3;
/** More names than anybody has (T75). */
const NAMES_MAX = 64;

const NOBODY: CertificateNames = { xmppAddresses: [], commonName: undefined };

/**
 * Reads the names out of a certificate in DER. What Node tells about a subject is one text, in which a value can pose as another field
 * (T31: `OU="CN=admin"`), and of xmppAddr it tells nothing; so the structure itself is walked:
 *
 * ```
 * Certificate ::= SEQUENCE { tbs SEQUENCE { version [0]?, serial, signature, issuer, validity, subject, key, …, extensions [3]? }, … }
 * Name        ::= SEQUENCE OF SET OF SEQUENCE { OID, string }
 * Extension   ::= SEQUENCE { OID, critical BOOLEAN?, value OCTET STRING }
 * SubjectAltName ::= SEQUENCE OF GeneralName;  otherName [0] ::= { OID, [0] EXPLICIT UTF8String }
 * ```
 *
 * A certificate that is not built like this names nobody.
 */
export function certificateNames(certificate: Uint8Array): CertificateNames {
  const der = Buffer.from(certificate.buffer, certificate.byteOffset, certificate.byteLength);
  const outer = readDer(der, 0, der.length, DER_SEQUENCE);
  const tbs = outer && readDer(der, outer.start, outer.end, DER_SEQUENCE);
  const fields = tbs && readChildren(der, tbs);
  if (fields === undefined) return NOBODY;
  const subject = fields[fields[0]?.type === DER_CONTEXT_0 ? 5 : 4];
  return {
    xmppAddresses: xmppAddresses(
      der,
      fields.find(({ type }) => type === EXTENSIONS),
    ),
    commonName: commonName(der, subject),
  };
}

function commonName(der: Buffer, subject: DerElement | undefined): string | undefined {
  if (subject?.type !== DER_SEQUENCE) return undefined;
  const found: (string | undefined)[] = [];
  for (const set of readChildren(der, subject) ?? []) {
    if (set.type !== DER_SET) return undefined;
    for (const attribute of readChildren(der, set) ?? []) {
      const [oid, value] = readChildren(der, attribute) ?? [];
      if (oidOf(der, oid) === OID_COMMON_NAME) found.push(textOf(der, value));
    }
  }
  return found.length === 1 ? found[0] : undefined;
}

function xmppAddresses(der: Buffer, extensions: DerElement | undefined): string[] {
  const list = extensions && readDer(der, extensions.start, extensions.end, DER_SEQUENCE);
  for (const extension of (list && readChildren(der, list)) ?? []) {
    const parts = readChildren(der, extension) ?? [];
    if (oidOf(der, parts[0]) !== OID_SUBJECT_ALT_NAME) continue;
    const value = parts[1]?.type === DER_BOOLEAN ? parts[2] : parts[1];
    if (value?.type !== DER_OCTET_STRING) return [];
    const names = readDer(der, value.start, value.end, DER_SEQUENCE);
    // RFC 5280 §4.2: an extension comes once.
    return names === undefined ? [] : addressesIn(der, names);
  }
  return [];
}

function addressesIn(der: Buffer, names: DerElement): string[] {
  const found: string[] = [];
  for (const name of readChildren(der, names) ?? []) {
    if (name.type !== DER_CONTEXT_0) continue;
    const [oid, wrapped] = readChildren(der, name) ?? [];
    if (oidOf(der, oid) !== OID_XMPP_ADDR || wrapped?.type !== DER_CONTEXT_0) continue;
    const text = textOf(der, readDer(der, wrapped.start, wrapped.end, DER_UTF8_STRING));
    // One that cannot be read may be the one that matters: then the certificate names nobody for sure.
    if (text === undefined || found.length === NAMES_MAX) return [];
    found.push(text);
  }
  return found;
}

/** A string of the kinds that are a subset of UTF-8. Undefined for others, and for one with a NUL in it. */
function textOf(der: Buffer, element: DerElement | undefined): string | undefined {
  if (element === undefined) return undefined;
  const { type, start, end } = element;
  if (type !== DER_UTF8_STRING && type !== DER_PRINTABLE_STRING && type !== DER_IA5_STRING) return undefined;
  const bytes = der.subarray(start, end);
  return isUtf8(bytes) && !bytes.includes(0) ? bytes.utf8Slice(0, bytes.length) : undefined;
}
