/** What each byte may be, as one table lookup. Bytes from 0x80 on belong to UTF-8 sequences and are looked at apart. */

/** May start a name (a colon is not among them: names are QNames). */
export const NAME_START = 1;
/** May continue a name. */
export const NAME = 2;
/** Space, tab, carriage return, line feed. */
export const SPACE = 4;
/** Ordinary character data: nothing to decide. */
export const TEXT = 8;
/** Ordinary inside an attribute value in either kind of quotes. */
export const VALUE = 16;

export const CLASS = new Uint8Array(256);

for (let c = 0x20; c < 0x80; c++) CLASS[c] = TEXT | VALUE;
for (const c of ' \t\n\r') CLASS[c.charCodeAt(0)]! |= SPACE;
for (const c of '\t\n') CLASS[c.charCodeAt(0)]! |= TEXT;
for (const c of '&<]') CLASS[c.charCodeAt(0)]! &= ~TEXT;
for (const c of `&<'"`) CLASS[c.charCodeAt(0)]! &= ~VALUE;
for (let c = 0x61; c <= 0x7a; c++) {
  CLASS[c]! |= NAME_START | NAME;
  CLASS[c - 32]! |= NAME_START | NAME;
}
for (let c = 0x30; c <= 0x39; c++) CLASS[c]! |= NAME;
CLASS[0x5f]! |= NAME_START | NAME; // _
CLASS[0x2d]! |= NAME; // -
CLASS[0x2e]! |= NAME; // .

/** XML 1.0 §2.2 Char, for code points from 0x80 on (UTF-8 decoding has already excluded surrogates). */
export function isXmlChar(codePoint: number): boolean {
  return codePoint !== 0xfffe && codePoint !== 0xffff && codePoint <= 0x10ffff;
}

/** XML 1.0 §2.3 NameStartChar, for code points from 0x80 on. */
export function isNameStart(c: number): boolean {
  return (
    (c >= 0xc0 && c <= 0x2ff && c !== 0xd7 && c !== 0xf7) ||
    (c >= 0x370 && c <= 0x1fff && c !== 0x37e) ||
    c === 0x200c ||
    c === 0x200d ||
    (c >= 0x2070 && c <= 0x218f) ||
    (c >= 0x2c00 && c <= 0x2fef) ||
    (c >= 0x3001 && c <= 0xd7ff) ||
    (c >= 0xf900 && c <= 0xfdcf) ||
    (c >= 0xfdf0 && c <= 0xfffd) ||
    (c >= 0x10000 && c <= 0xeffff)
  );
}

/** XML 1.0 §2.3 NameChar, for code points from 0x80 on. */
export function isNameChar(c: number): boolean {
  return isNameStart(c) || c === 0xb7 || (c >= 0x300 && c <= 0x36f) || c === 0x203f || c === 0x2040;
}
