/** Reading DER (X.690): just enough to walk a certificate. Nothing is copied, and nothing outside of the given bytes is read. */

/** One DER element: `start` and `end` enclose its content. */
export interface DerElement {
  /** The identifier octet: class, form and number. */
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

export const DER_SEQUENCE = 0x30;
export const DER_SET = 0x31;
export const DER_OID = 0x06;
export const DER_BOOLEAN = 0x01;
export const DER_OCTET_STRING = 0x04;
export const DER_UTF8_STRING = 0x0c;
export const DER_PRINTABLE_STRING = 0x13;
export const DER_IA5_STRING = 0x16;
/** `[0]`, constructed. */
export const DER_CONTEXT_0 = 0xa0;

/** The element at `at`. Undefined when it does not fit before `limit`, or is not DER. */
export function readElement(der: Buffer, at: number, limit: number): DerElement | undefined {
  if (at + 2 > limit) return undefined;
  const type = der[at]!;
  // Numbers above 30 take more octets; X.509 has none.
  if ((type & 0x1f) === 0x1f) return undefined;
  let length = der[at + 1]!;
  let start = at + 2;
  if (length >= 0x80) {
    const lengthBytes = length & 0x7f;
    if (lengthBytes === 0 || lengthBytes > 3 || start + lengthBytes > limit) return undefined;
    length = der.readUIntBE(start, lengthBytes);
    start += lengthBytes;
  }
  return start + length > limit ? undefined : { type, start, end: start + length };
}

/** The element of type `type` at `at`; undefined also when there is another one. */
export function readDer(der: Buffer, at: number, limit: number, type: number): DerElement | undefined {
  const element = readElement(der, at, limit);
  return element?.type === type ? element : undefined;
}

/** All elements inside of one. Undefined when they do not fill it exactly. */
export function readChildren(der: Buffer, { start, end }: DerElement): DerElement[] | undefined {
  const children: DerElement[] = [];
  for (let at = start; at < end; ) {
    const child = readElement(der, at, end);
    if (child === undefined) return undefined;
    children.push(child);
    at = child.end;
  }
  return children;
}

/** The content of an OID, in hexadecimal. */
export function oidOf(der: Buffer, element: DerElement | undefined): string | undefined {
  return element?.type === DER_OID ? der.toString('hex', element.start, element.end) : undefined;
}
