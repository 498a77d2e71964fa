import { skip } from './bytes.ts';
import { CLASS, isNameChar, isNameStart, NAME, NAME_START, SPACE, TEXT, VALUE } from './classes.ts';
import { ElementRecord } from './element-record.ts';
import { referenceEnd } from './references.ts';
import { Scan } from './scan.ts';
import { PROBLEM } from './scan-problem.ts';
import { CDATA, PLAIN, TEXT as TEXT_TOKEN, WANTS_DECODING } from './tokens.ts';
import { characterEnd, codePointOf, decodeUtf8, lengthOf } from './utf8.ts';

// Not imported from anywhere: V8 folds the constants of a module but loads imported ones at each use, 9 % of a scan.
const AMP = 0x26;
const APOS = 0x27;
const BANG = 0x21;
const COLON = 0x3a;
const CR = 0x0d;
const EQUALS = 0x3d;
const GT = 0x3e;
const LT = 0x3c;
const MINUS = 0x2d;
const QUESTION = 0x3f;
const QUOT = 0x22;
const RBRACKET = 0x5d;
const SLASH = 0x2f;

/** Where reading goes on after bytes had run out. Up to BETWEEN no element has begun. */
export const Step = {
  PROLOG: 0,
  PROLOG_SPACE: 1,
  BETWEEN: 2,
  TAG: 3,
  OPEN_NAME: 4,
  IN_TAG: 5,
  ATTRIBUTE_NAME: 6,
  EQUALS: 7,
  QUOTE: 8,
  VALUE: 9,
  EMPTY: 10,
  CLOSE_NAME: 11,
  CLOSE_SPACE: 12,
  CONTENT: 13,
  MARKUP: 14,
  CDATA: 15,
} as const;

const CDATA_START = '![CDATA[';
const CDATA_END = ']]>';

/**
 * Reads one top-level element, or the opening tag of a stream.
 *
 * Each step reads one construct and hands over to the next. It returns the position after what it has read, or a negative
 * number: a reason to stop (`~Scan.…`), or a problem. A step that runs out of bytes notes where to go on, and is called
 * again with the same bytes and more.
 */
export class ElementScanner extends ElementRecord {
  /** Where scanning stopped. */
  pos = 0;

  protected step: number = Step.PROLOG;
  #nameStart = 0;
  /** Where the name's colon is, or -1. */
  #colon = -1;
  #quote = 0;
  #valueStart = 0;
  #textStart = 0;
  /** Of the value or text being read: PLAIN or WANTS_DECODING. */
  #flags: number = PLAIN;

  /** Goes on with the step that bytes ran out in. */
  protected resume(buffer: Buffer, i: number, stop: number): number {
    switch (this.step) {
      case Step.TAG:
        return this.#tag(buffer, i, stop);
      case Step.OPEN_NAME:
        return this.#openName(buffer, i, stop);
      case Step.IN_TAG:
        return this.#inTag(buffer, i, stop);
      case Step.ATTRIBUTE_NAME:
        return this.#attributeName(buffer, i, stop);
      case Step.EQUALS:
        return this.#equals(buffer, i, stop);
      case Step.QUOTE:
        return this.#openQuote(buffer, i, stop);
      case Step.VALUE:
        return this.#value(buffer, i, stop);
      case Step.EMPTY:
        return this.#empty(buffer, i, stop);
      case Step.CLOSE_NAME:
        return this.#closeName(buffer, i, stop);
      case Step.CLOSE_SPACE:
        return this.#closeSpace(buffer, i, stop);
      case Step.CONTENT:
        return this.#content(buffer, i, stop);
      case Step.MARKUP:
        return this.#markup(buffer, i, stop);
      default:
        return this.#cdata(buffer, i, stop);
    }
  }

  /** After a `<`. */
  #tag(buffer: Buffer, i: number, stop: number): number {
    if (i >= stop) return this.wait(Step.TAG, i);
    const c = buffer[i]!;
    if (c === SLASH) {
      if (this.depth === 0 && this.context!.headerName === '') return PROBLEM.CLOSED_FIRST;
      this.#nameStart = i + 1 - this.base;
      return this.#closeName(buffer, i + 1, stop);
    }
    if (c === BANG) return this.#markup(buffer, i, stop);
    if (c === QUESTION) return PROBLEM.PROCESSING_INSTRUCTION;
    this.#nameStart = i - this.base;
    return this.#openName(buffer, i, stop);
  }

  #openName(buffer: Buffer, from: number, stop: number): number {
    const i = this.#name(buffer, from, stop, Step.OPEN_NAME);
    if (i < 0) return i;
    const problem = this.openElement(this.#nameStart, i - this.base, this.#colon);
    return problem < 0 ? problem : this.#inTag(buffer, i, stop);
  }

  /** Inside an opening tag, after its name or an attribute. */
  #inTag(buffer: Buffer, from: number, stop: number): number {
    let i = from;
    for (;;) {
      i = skip(buffer, i, stop, SPACE);
      if (i >= stop) return this.wait(Step.IN_TAG, i);
      const c = buffer[i]!;
      if (c === GT) return this.#endTag(buffer, i + 1);
      if (c === SLASH) return this.#empty(buffer, i + 1, stop);
      if ((CLASS[buffer[i - 1]!]! & SPACE) === 0) return PROBLEM.NO_SPACE;
      this.#nameStart = i - this.base;
      i = this.#attributeName(buffer, i, stop);
      if (i < 0) return i;
    }
  }

  #attributeName(buffer: Buffer, from: number, stop: number): number {
    const i = this.#name(buffer, from, stop, Step.ATTRIBUTE_NAME);
    if (i < 0) return i;
    const problem = this.attributeName(buffer, this.#nameStart, i - this.base);
    return problem < 0 ? problem : this.#equals(buffer, i, stop);
  }

  #equals(buffer: Buffer, from: number, stop: number): number {
    const i = skip(buffer, from, stop, SPACE);
    if (i >= stop) return this.wait(Step.EQUALS, i);
    return buffer[i] === EQUALS ? this.#openQuote(buffer, i + 1, stop) : PROBLEM.NO_VALUE;
  }

  #openQuote(buffer: Buffer, from: number, stop: number): number {
    const i = skip(buffer, from, stop, SPACE);
    if (i >= stop) return this.wait(Step.QUOTE, i);
    const c = buffer[i]!;
    if (c !== APOS && c !== QUOT) return PROBLEM.NO_QUOTES;
    this.#quote = c;
    this.#valueStart = i + 1 - this.base;
    this.#flags = PLAIN;
    return this.#value(buffer, i + 1, stop);
  }

  #value(buffer: Buffer, from: number, stop: number): number {
    let i = from;
    for (;;) {
      i = skip(buffer, i, stop, VALUE);
      if (i >= stop) return this.wait(Step.VALUE, i);
      const c = buffer[i]!;
      if (c === this.#quote) break;
      if (c === APOS || c === QUOT) i++;
      else if ((CLASS[c]! & SPACE) !== 0) {
        // Tab and line ends become spaces (XML 1.0 §3.3.3).
        i++;
        this.#flags = WANTS_DECODING;
      } else if (c === LT) return PROBLEM.LESS_THAN;
      else {
        const after = this.#special(buffer, i, stop, Step.VALUE);
        if (after < 0) return after;
        i = after;
      }
    }
    const problem = this.attributeValue(buffer, this.#colon, this.#valueStart, i - this.base, this.#flags);
    if (problem < 0) return problem;
    this.step = Step.IN_TAG;
    return i + 1;
  }

  /** After the `/` of an empty element's tag. */
  #empty(buffer: Buffer, i: number, stop: number): number {
    if (i >= stop) return this.wait(Step.EMPTY, i);
    if (buffer[i] !== GT) return PROBLEM.EMPTY_TAG;
    if (this.depth === 0) return PROBLEM.CLOSED_AT_ONCE;
    const problem = this.endOpenTag(buffer);
    if (problem < 0) return problem;
    if (this.depth === 1) {
      this.isEmptyElement = true;
      this.closeStart = i - 1 - this.base;
    }
    return this.#elementEnd(i + 1);
  }

  /** After the `>` of an opening tag. */
  #endTag(buffer: Buffer, i: number): number {
    const problem = this.endOpenTag(buffer);
    if (problem < 0) return problem;
    if (this.depth > 0) return this.#startContent(i);
    this.wait(Step.BETWEEN, i);
    return ~Scan.STREAM_OPEN;
  }

  /** After the last byte of an element. */
  #elementEnd(i: number): number {
    if (!this.closeElement(i - this.base)) return this.#startContent(i);
    this.wait(Step.BETWEEN, i);
    return ~Scan.ELEMENT;
  }

  #startContent(i: number): number {
    this.#textStart = i - this.base;
    this.#flags = PLAIN;
    this.step = Step.CONTENT;
    return i;
  }

  #content(buffer: Buffer, from: number, stop: number): number {
    let i = from;
    for (;;) {
      i = skip(buffer, i, stop, TEXT);
      if (i >= stop) return this.wait(Step.CONTENT, i);
      const c = buffer[i]!;
      if (c === LT) break;
      if (c === RBRACKET && this.#isCdataEnd(buffer, i, stop)) return PROBLEM.CDATA_END;
      const after = this.#special(buffer, i, stop, Step.CONTENT);
      if (after < 0) return after;
      i = after;
    }
    if (i - this.base > this.#textStart) {
      this.characters(TEXT_TOKEN | this.#flags, this.#textStart, i - this.base);
    }
    return this.#tag(buffer, i + 1, stop);
  }

  /** At a `!` after `<`. All that may stand here is `<![CDATA[`; anything else is refused by its first differing byte. */
  #markup(buffer: Buffer, i: number, stop: number): number {
    for (let k = 0; k < CDATA_START.length; k++) {
      if (i + k >= stop) return this.wait(Step.MARKUP, i);
      if (buffer[i + k] === CDATA_START.charCodeAt(k)) continue;
      if (k > 1) return PROBLEM.MARKUP;
      return buffer[i + k] === MINUS ? PROBLEM.COMMENT : PROBLEM.DOCUMENT_TYPE;
    }
    if (this.depth === 0) {
      return this.context!.headerName === '' ? PROBLEM.NO_OPENING_TAG : PROBLEM.TEXT_BETWEEN;
    }
    const after = i + CDATA_START.length;
    this.#textStart = after - this.base;
    this.#flags = PLAIN;
    return this.#cdata(buffer, after, stop);
  }

  #cdata(buffer: Buffer, from: number, stop: number): number {
    let i = from;
    for (;;) {
      i = skip(buffer, i, stop, TEXT);
      if (i >= stop) return this.wait(Step.CDATA, i);
      const c = buffer[i]!;
      if (c === LT || c === AMP) i++;
      else if (c === RBRACKET && this.#isCdataEnd(buffer, i, stop)) break;
      else {
        const after = this.#special(buffer, i, stop, Step.CDATA);
        if (after < 0) return after;
        i = after;
      }
    }
    if (i - this.base > this.#textStart) {
      this.characters(CDATA | this.#flags, this.#textStart, i - this.base);
    }
    return this.#startContent(i + CDATA_END.length);
  }

  #isCdataEnd(buffer: Buffer, i: number, stop: number): boolean {
    return i + 2 < stop && buffer[i + 1] === RBRACKET && buffer[i + 2] === GT;
  }

  /** Steps over what is neither ordinary nor of meaning to the construct being read: a reference, a `]`, a character's bytes. */
  #special(buffer: Buffer, i: number, stop: number, step: number): number {
    const c = buffer[i]!;
    if (c >= 0x80) {
      const after = characterEnd(buffer, i, stop);
      return after === 0 ? this.wait(step, i) : after;
    }
    switch (c) {
      case AMP: {
        this.#flags = WANTS_DECODING;
        const after = referenceEnd(buffer, i, stop);
        return after === 0 ? this.wait(step, i) : after;
      }
      case CR:
        this.#flags = WANTS_DECODING;
        return i + 1;
      case RBRACKET:
        // It may be the start of a `]]>`.
        if (i + 1 < stop && buffer[i + 1] !== RBRACKET) return i + 1;
        return i + 2 < stop ? i + 1 : this.wait(step, i);
      default:
        return PROBLEM.CONTROL;
    }
  }

  /** After `</`: the name must be that of the innermost open element, or of the stream's opening tag. */
  #closeName(buffer: Buffer, from: number, stop: number): number {
    const isStream = this.depth === 0;
    const open = isStream ? this.context!.headerBytes : buffer;
    const start = isStream ? 0 : this.base + this.openNameStart;
    const length = isStream ? open.length : this.openNameLength;
    let i = from;
    for (let k = i - this.base - this.#nameStart; k < length; k++, i++) {
      if (i >= stop) return this.wait(Step.CLOSE_NAME, i);
      if (buffer[i] !== open[start + k]) return PROBLEM.CLOSING_TAG;
    }
    if (this.depth === 1) this.closeStart = this.#nameStart - 2;
    return this.#closeSpace(buffer, i, stop);
  }

  #closeSpace(buffer: Buffer, from: number, stop: number): number {
    const i = skip(buffer, from, stop, SPACE);
    if (i >= stop) return this.wait(Step.CLOSE_SPACE, i);
    if (buffer[i] !== GT) return PROBLEM.CLOSING_TAG;
    if (this.depth > 0) return this.#elementEnd(i + 1);
    this.wait(Step.BETWEEN, i + 1);
    return ~Scan.STREAM_CLOSE;
  }

  /** Reads (on) in the name that starts at `#nameStart`. Returns where it ends. */
  #name(buffer: Buffer, from: number, stop: number, step: number): number {
    if (from - this.base === this.#nameStart) {
      this.#colon = -1;
      // Nearly every name is ASCII, has no prefix and has arrived whole.
      if (from < stop && (CLASS[buffer[from]!]! & NAME_START) !== 0) {
        const i = skip(buffer, from + 1, stop, NAME);
        const isLong = i - from > this.context!.limits.nameBytesMax;
        if (!isLong && i < stop && buffer[i]! < 0x80 && buffer[i] !== COLON) return i;
      }
    }
    return this.#anyName(buffer, from, stop, step);
  }

  #anyName(buffer: Buffer, from: number, stop: number, step: number): number {
    const start = this.base + this.#nameStart;
    let i = from;
    for (;;) {
      // The first character of the name, or of its part after the colon.
      const isFirst = i === start || (this.#colon >= 0 && i === this.base + this.#colon + 1);
      if (!isFirst) i = skip(buffer, i, stop, NAME);
      if (i - start > this.context!.limits.nameBytesMax) return PROBLEM.NAME_BYTES;
      if (i >= stop) return this.wait(step, i);
      const c = buffer[i]!;
      if (c >= 0x80) {
        const decoded = decodeUtf8(buffer, i, stop);
        if (decoded === 0) return this.wait(step, i);
        const isAllowed = isFirst ? isNameStart : isNameChar;
        if (decoded < 0 || !isAllowed(codePointOf(decoded))) return PROBLEM.NAME;
        i += lengthOf(decoded);
      } else if (isFirst) {
        if ((CLASS[c]! & NAME_START) === 0) return PROBLEM.NAME;
        i++;
      } else if (c !== COLON) return i;
      else if (this.#colon >= 0) return PROBLEM.COLONS;
      else {
        this.#colon = i - this.base;
        i++;
      }
    }
  }

  /** Notes where to go on. */
  protected wait(step: number, i: number): number {
    this.step = step;
    this.pos = i;
    return ~Scan.MORE;
  }
}
