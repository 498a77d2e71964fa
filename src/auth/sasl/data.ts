import { decodeBase64 } from '../base64.ts';
import { failure, type SaslFailure } from './result.ts';

/** The character data of one SASL element. What a stream reads before login is no longer (T34, docs/security.md). */
export const SASL_TEXT_CHARS_MAX = 8192;

/** `data` is undefined when the element was empty: no initial response. */
export interface SaslData {
  readonly kind: 'data';
  readonly data: Buffer | undefined;
}

const NO_DATA: SaslData = { kind: 'data', data: undefined };
const TOO_LONG = failure('malformed-request', 'SASL data too long');
const NOT_BASE64 = failure('incorrect-encoding', 'SASL data must be base64 (RFC 4648, section 4)');

/**
 * Reads the character data of `<auth/>` or `<response/>` (RFC 6120 §6.4.2): nothing means no data, `=` means data of length
 * zero, all else is base64 without white space. Fails with `incorrect-encoding`, or with `malformed-request` if it is longer than
 * {@link SASL_TEXT_CHARS_MAX}.
 */
export function decodeSaslData(text: string): SaslData | SaslFailure {
  if (text.length === 0) return NO_DATA;
  return text === '=' ? { kind: 'data', data: Buffer.alloc(0) } : decodeSasl2Data(text);
}

/** The same for the elements of SASL2 (XEP-0388 §2.2): an element that is not there means no data, an empty one data of length zero. */
export function decodeSasl2Data(text: string | undefined): SaslData | SaslFailure {
  if (text === undefined) return NO_DATA;
  if (text.length > SASL_TEXT_CHARS_MAX) return TOO_LONG;
  const data = decodeBase64(text);
  return data === undefined ? NOT_BASE64 : { kind: 'data', data };
}
