/**
 * Methods that every Node Buffer has had for a decade without documentation. `latin1Slice(a, b)` costs a third of
 * `toString('latin1', a, b)`, because it skips the search for the encoding's name; it matters on the path of every stanza.
 */
interface Buffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number): number;
  utf8Write(text: string, offset: number): number;
}
