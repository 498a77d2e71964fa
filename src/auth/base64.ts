/**
 * Decodes base64 as RFC 4648 §4 and RFC 6120 §14.9 want it: the standard alphabet, padded, no white space, unused bits zero.
 * Undefined for anything else. (`Buffer.from` skips what it does not know.)
 */
export function decodeBase64(text: string): Buffer | undefined {
  const data = Buffer.from(text, 'base64');
  // There is exactly one canonical text per byte string, so writing it again is the whole check.
  return data.toString('base64') === text ? data : undefined;
}
