/**
 * A text from outside as one segment of a URL's path (RFC 3986 §3.3): nothing in it can lead anywhere else (threat T63). Undefined for one that cannot be a segment:
 * empty, `.` and `..`, which mean something however they are written, or not well-formed.
 */
export function pathSegment(text: string): string | undefined {
  if (text === '' || text === '.' || text === '..' || !text.isWellFormed()) return undefined;
  return encodeURIComponent(text);
}
