/**
 * Tokens that the scanner records: five 32-bit words each, positions relative to the element's first byte.
 *
 * | kind      | word 1     | word 2   | word 3                 | word 4              |
 * |-----------|------------|----------|------------------------|---------------------|
 * | OPEN      | name start | name end | colon of the name, -1  | namespace reference |
 * | ATTRIBUTE | name start | name end | value start            | value end           |
 * | TEXT      | start      | end      |                        |                     |
 * | CDATA     | start      | end      |                        |                     |
 * | CLOSE     | end of tag |          |                        |                     |
 *
 * The kind word may carry WANTS_DECODING: the bytes hold references, or line ends to normalise.
 */
export const TOKEN_WORDS = 5;

export const OPEN = 1;
export const ATTRIBUTE = 2;
export const TEXT = 3;
export const CDATA = 4;
export const CLOSE = 5;
export const KIND_MASK = 7;

export const PLAIN = 0;
export const WANTS_DECODING = 8;

/** Namespace references: from 0 on a declaration of the element itself; these, otherwise. */
export const NS_ABSENT = -1;
export const NS_XML = -2;
/** `NS_STREAM - k` is binding number k of the stream's opening tag. */
export const NS_STREAM = -3;
