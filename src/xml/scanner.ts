import {
  CLASS,
  isNameChar,
  isNameStart,
  isXmlChar,
  NAME,
  NAME_START,
  SPACE,
  TEXT,
  VALUE,
} from './classes.ts';
import { type Binding, type StreamContext, XML_NS, XMLNS_NS } from './stream-context.ts';
import {
  ATTRIBUTE,
  CDATA,
  CLOSE,
  NS_ABSENT,
  NS_STREAM,
  NS_XML,
  OPEN,
  PLAIN,
  TEXT as TEXT_TOKEN,
  TOKEN_WORDS,
  WANTS_DECODING,
} from './tokens.ts';

/**
 * The only parser of what arrives on a stream: one strict, incremental pass over the bytes.
 *
 * It takes any split of the input, checks well-formedness completely (names, nesting, attributes, namespace prefixes, references,
 * UTF-8, XML characters; XML 1.0 and Namespaces 1.0), refuses what XMPP forbids (RFC 6120 §11.1: comments, processing
 * instructions, DTD, other entities), enforces limits while reading, and records tokens from which `element.ts` can
 * build a tree without looking at the bytes a second time.
 *
 * A scanner has no memory of its stream between top-level elements: then it can serve any other stream. Only while an
 * element is unfinished does it belong to one connection.
 *
 * Positions in tokens count from the first byte of the top-level element (`base`), so that an unfinished element may be
 * copied elsewhere and scanned on.
 */

/** What {@link Scanner.scan} stopped for. */
export const Scan = {
  /** All complete input is used up; `pos` is where to go on once there are more bytes. */
  MORE: 0,
  /** The stream's opening tag is complete: `openStream()` tells what it said. */
  STREAM_OPEN: 1,
  /** A whole top-level element is at `[base, pos)`. */
  ELEMENT: 2,
  /** The stream's closing tag. */
  STREAM_CLOSE: 3,
  /** The input is not acceptable: `error` and `errorText`. */
  ERROR: 4,
} as const;
export type Scan = (typeof Scan)[keyof typeof Scan];

/** Stream error conditions (RFC 6120 §4.9.3) that reading can end in. */
export type ScanError =
  | 'not-well-formed'
  | 'restricted-xml'
  | 'policy-violation'
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'unsupported-encoding';

const LT = 0x3c;
const GT = 0x3e;
const AMP = 0x26;
const SLASH = 0x2f;
const BANG = 0x21;
const QUESTION = 0x3f;
const EQUALS = 0x3d;
const COLON = 0x3a;
const APOS = 0x27;
const QUOT = 0x22;
const RBRACKET = 0x5d;

const Step = {
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
  AFTER_VALUE: 10,
  EMPTY: 11,
  CLOSE_NAME: 12,
  CLOSE_SPACE: 13,
  CONTENT: 14,
  MARKUP: 15,
  CDATA: 16,
  STREAM_CLOSE_NAME: 17,
  STREAM_CLOSE_SPACE: 18,
} as const;

/** Longest reference that can be right: `&#1114111;` or `&#x10FFFF;`, with leading zeros allowed for. */
const REFERENCE_BYTES_MAX = 16;
/** Longest XML declaration taken. */
const DECLARATION_BYTES_MAX = 256;
const STACK_WORDS = 5;

export class Scanner {
  /** After ELEMENT and MORE: where the current or last top-level element starts in the buffer scanned. */
  base = 0;
  /** Where scanning stopped. */
  pos = 0;
  error: ScanError = 'not-well-formed';
  errorText = '';

  /** Tokens of the current element, `TOKEN_WORDS` words each; `tokenWords` are in use. */
  tokens = new Int32Array(64 * TOKEN_WORDS);
  tokenWords = 0;
  /** Namespace declarations inside the current element: prefix start, prefix end, URI start, URI end, decode flag. */
  namespaces = new Int32Array(8 * 5);
  /** How many declarations the current element made altogether (they stay readable by number until the next element). */
  namespaceCount = 0;
  /** Whether a prefix of the stream's opening tag is used, so that the bytes cannot be forwarded as they are. */
  usesStreamPrefix = false;
  /** Token index (in words) of the top-level element's attributes, or -1. */
  toToken = -1;
  fromToken = -1;
  idToken = -1;
  typeToken = -1;
  langToken = -1;
  /** Where the top-level element's name ends; where its closing tag (or the `/>`) starts. */
  nameEnd = 0;
  closeStart = 0;
  isEmptyElement = false;

  #step: number = Step.PROLOG;
  #depth = 0;
  #elements = 0;
  #stack = new Int32Array(16 * STACK_WORDS);
  /** Bindings in scope: numbers of declarations, innermost last. */
  #scope = new Int32Array(8);
  #scopeCount = 0;
  #defaultNs = NS_ABSENT;
  #nameStart = 0;
  #colon = -1;
  #valueStart = 0;
  #quote = 0;
  #valueFlags: number = PLAIN;
  #openToken = 0;
  #attributes = 0;
  #prefixed = 0;
  #hadSpace = false;
  #textStart = -1;
  #textFlags: number = PLAIN;
  #context: StreamContext | undefined;

  /** Makes the scanner ready for a stream that has not been opened. */
  reset(): void {
    this.#step = Step.PROLOG;
    this.#depth = 0;
  }

  /** Whether an element (or the opening tag) is unfinished: the scanner must stay with its connection. */
  get isInside(): boolean {
    return this.#step !== Step.BETWEEN && this.#step !== Step.PROLOG;
  }

  /**
   * Starts (or goes on) reading top-level elements of the stream `context` describes.
   * Needed before {@link scan} whenever the scanner is not inside an element.
   */
  enter(context: StreamContext): void {
    this.#context = context;
    this.#step = context.headerName === '' ? Step.PROLOG : Step.BETWEEN;
  }

  /** Reads `buffer[pos..end)`. While inside an element, `base` must point at its first byte in this buffer. */
  scan(buffer: Buffer, pos: number, end: number): Scan {
    const context = this.#context!;
    const limits = context.limits;
    let i = pos;
    let stop = end;
    if (this.isInside && this.base + limits.stanzaBytesMax < end) stop = this.base + limits.stanzaBytesMax;
    for (;;) {
      switch (this.#step) {
        case Step.PROLOG: {
          this.base = i;
          if (i >= end) return this.#more(i);
          if (buffer[i] === LT && i + 1 >= end) return this.#more(i);
          if (buffer[i] === LT && buffer[i + 1] === QUESTION) {
            const close = buffer.subarray(0, Math.min(end, i + DECLARATION_BYTES_MAX)).indexOf('?>', i);
            if (close < 0) {
              if (end - i < DECLARATION_BYTES_MAX) return this.#more(i);
              return this.#fail(i, 'not-well-formed', 'XML declaration too long');
            }
            const problem = checkDeclaration(buffer.latin1Slice(i, close + 2));
            if (problem !== undefined) return this.#fail(i, problem, 'bad XML declaration');
            i = close + 2;
          }
          this.#step = Step.PROLOG_SPACE;
          continue;
        }
        case Step.PROLOG_SPACE: {
          i = skip(buffer, i, end, SPACE);
          if (i >= end) return this.#more(i);
          if (buffer[i] !== LT)
            return this.#fail(i, 'not-well-formed', 'expected the opening tag of a stream');
          this.#begin(i);
          stop = Math.min(end, i + limits.stanzaBytesMax);
          i++;
          this.#step = Step.TAG;
          continue;
        }
        case Step.BETWEEN: {
          i = skip(buffer, i, end, SPACE);
          this.base = i;
          if (i >= end) return this.#more(i);
          if (buffer[i] !== LT) return this.#fail(i, 'bad-format', 'text between stanzas');
          this.#begin(i);
          stop = Math.min(end, i + limits.stanzaBytesMax);
          i++;
          this.#step = Step.TAG;
          continue;
        }
        case Step.TAG: {
          if (i >= stop) return this.#outOfBytes(i, stop, end);
          const c = buffer[i]!;
          if (c === SLASH) {
            i++;
            this.#nameStart = i - this.base;
            if (this.#depth > 0) this.#step = Step.CLOSE_NAME;
            else if (context.headerName === '') return this.#fail(i, 'not-well-formed', 'closing tag first');
            else this.#step = Step.STREAM_CLOSE_NAME;
            continue;
          }
          if (c === BANG) {
            this.#step = Step.MARKUP;
            continue;
          }
          if (c === QUESTION) return this.#fail(i, 'restricted-xml', 'processing instruction');
          this.#nameStart = i - this.base;
          this.#colon = -1;
          this.#step = Step.OPEN_NAME;
          continue;
        }
        case Step.OPEN_NAME: {
          i = this.#name(buffer, i, stop);
          if (i < 0) return Scan.ERROR;
          // A name ends where something else begins; a byte above 0x7f here is a character whose rest is missing.
          if (i >= stop || buffer[i]! >= 0x80) return this.#outOfBytes(i, stop, end);
          if (!this.#openElement(i, limits.elementsMax, limits.depthMax)) return Scan.ERROR;
          this.#step = Step.IN_TAG;
          continue;
        }
        case Step.IN_TAG: {
          while (i < stop && (CLASS[buffer[i]!]! & SPACE) !== 0) {
            i++;
            this.#hadSpace = true;
          }
          if (i >= stop) return this.#outOfBytes(i, stop, end);
          const c = buffer[i]!;
          if (c === GT) {
            i++;
            if (!this.#endOpenTag(buffer, i)) return Scan.ERROR;
            if (this.#depth === 0) {
              this.pos = i;
              this.#step = Step.BETWEEN;
              return Scan.STREAM_OPEN;
            }
            this.#textStart = -1;
            this.#step = Step.CONTENT;
            continue;
          }
          if (c === SLASH) {
            i++;
            this.#step = Step.EMPTY;
            continue;
          }
          if (!this.#hadSpace) return this.#fail(i, 'not-well-formed', 'space expected before an attribute');
          if (++this.#attributes > limits.attributesMax) {
            return this.#fail(i, 'policy-violation', 'too many attributes');
          }
          this.#nameStart = i - this.base;
          this.#colon = -1;
          this.#step = Step.ATTRIBUTE_NAME;
          continue;
        }
        case Step.ATTRIBUTE_NAME: {
          i = this.#name(buffer, i, stop);
          if (i < 0) return Scan.ERROR;
          // A name ends where something else begins; a byte above 0x7f here is a character whose rest is missing.
          if (i >= stop || buffer[i]! >= 0x80) return this.#outOfBytes(i, stop, end);
          if (!this.#attributeToken(buffer, i)) return Scan.ERROR;
          this.#step = Step.EQUALS;
          continue;
        }
        case Step.EQUALS: {
          i = skip(buffer, i, stop, SPACE);
          if (i >= stop) return this.#outOfBytes(i, stop, end);
          if (buffer[i] !== EQUALS) return this.#fail(i, 'not-well-formed', 'attribute without a value');
          i++;
          this.#step = Step.QUOTE;
          continue;
        }
        case Step.QUOTE: {
          i = skip(buffer, i, stop, SPACE);
          if (i >= stop) return this.#outOfBytes(i, stop, end);
          const c = buffer[i]!;
          if (c !== APOS && c !== QUOT)
            return this.#fail(i, 'not-well-formed', 'attribute value without quotes');
          this.#quote = c;
          i++;
          this.#valueStart = i - this.base;
          this.#valueFlags = PLAIN;
          this.#step = Step.VALUE;
          continue;
        }
        case Step.VALUE: {
          const quote = this.#quote;
          for (;;) {
            i = skip(buffer, i, stop, VALUE);
            if (i >= stop) return this.#outOfBytes(i, stop, end);
            const c = buffer[i]!;
            if (c === quote) break;
            if (c === APOS || c === QUOT) i++;
            else if (c === AMP) {
              const after = this.#reference(buffer, i, stop);
              if (after < 0) return Scan.ERROR;
              if (after === 0) return this.#outOfBytes(i, stop, end);
              i = after;
              this.#valueFlags = WANTS_DECODING;
            } else if ((CLASS[c]! & SPACE) !== 0) {
              // Tab and line ends become spaces (XML 1.0 §3.3.3).
              i++;
              this.#valueFlags = WANTS_DECODING;
            } else if (c >= 0x80) {
              const after = this.#character(buffer, i, stop);
              if (after < 0) return Scan.ERROR;
              if (after === 0) return this.#outOfBytes(i, stop, end);
              i = after;
            } else if (c === LT) return this.#fail(i, 'not-well-formed', '< in an attribute value');
            else return this.#fail(i, 'not-well-formed', 'control character');
          }
          if (!this.#endAttribute(buffer, i, limits.namespacesMax)) return Scan.ERROR;
          i++;
          this.#hadSpace = false;
          this.#step = Step.IN_TAG;
          continue;
        }
        case Step.EMPTY: {
          if (i >= stop) return this.#outOfBytes(i, stop, end);
          if (buffer[i] !== GT) return this.#fail(i, 'not-well-formed', '> expected after /');
          i++;
          if (this.#depth === 0 && context.headerName === '') {
            return this.#fail(i, 'bad-format', 'the stream is closed in its opening tag');
          }
          if (!this.#endOpenTag(buffer, i)) return Scan.ERROR;
          if (this.#depth === 1) {
            this.isEmptyElement = true;
            this.closeStart = i - 2 - this.base;
          }
          if (this.#closeElement(i)) {
            this.pos = i;
            return Scan.ELEMENT;
          }
          this.#textStart = -1;
          this.#step = Step.CONTENT;
          continue;
        }
        case Step.CONTENT: {
          if (this.#textStart < 0) {
            this.#textStart = i - this.base;
            this.#textFlags = PLAIN;
          }
          for (;;) {
            i = skip(buffer, i, stop, TEXT);
            if (i >= stop) return this.#outOfBytes(i, stop, end);
            const c = buffer[i]!;
            if (c === LT) break;
            if (c >= 0x80) {
              const after = this.#character(buffer, i, stop);
              if (after < 0) return Scan.ERROR;
              if (after === 0) return this.#outOfBytes(i, stop, end);
              i = after;
            } else if (c === AMP) {
              const after = this.#reference(buffer, i, stop);
              if (after < 0) return Scan.ERROR;
              if (after === 0) return this.#outOfBytes(i, stop, end);
              i = after;
              this.#textFlags = WANTS_DECODING;
            } else if (c === RBRACKET) {
              if (i + 1 < stop && buffer[i + 1] !== RBRACKET) i += 1;
              else if (i + 2 >= stop) return this.#outOfBytes(i, stop, end);
              else if (buffer[i + 2] === GT) return this.#fail(i, 'not-well-formed', ']]> in text');
              else i += 1;
            } else if (c === 0x0d) {
              i++;
              this.#textFlags = WANTS_DECODING;
            } else return this.#fail(i, 'not-well-formed', 'control character');
          }
          if (i - this.base > this.#textStart) {
            this.#token(TEXT_TOKEN | this.#textFlags, this.#textStart, i - this.base, 0, 0);
          }
          this.#textStart = -1;
          i++;
          this.#step = Step.TAG;
          continue;
        }
        case Step.MARKUP: {
          // The shortest thing allowed here is <![CDATA[ ; everything else is refused by its first differing byte.
          const wanted = '![CDATA[';
          for (let k = 0; k < wanted.length; k++) {
            if (i + k >= stop) return this.#outOfBytes(i, stop, end);
            if (buffer[i + k] !== wanted.charCodeAt(k)) {
              const what = buffer[i + 1] === 0x2d ? 'comment' : 'document type declaration';
              return this.#fail(i, 'restricted-xml', what);
            }
          }
          if (this.#depth === 0) return this.#fail(i, 'not-well-formed', 'CDATA outside of an element');
          i += wanted.length;
          this.#textStart = i - this.base;
          this.#textFlags = PLAIN;
          this.#step = Step.CDATA;
          continue;
        }
        case Step.CDATA: {
          for (;;) {
            i = skip(buffer, i, stop, TEXT);
            if (i >= stop) return this.#outOfBytes(i, stop, end);
            const c = buffer[i]!;
            if (c === RBRACKET) {
              if (i + 1 < stop && buffer[i + 1] !== RBRACKET) i += 1;
              else if (i + 2 >= stop) return this.#outOfBytes(i, stop, end);
              else if (buffer[i + 2] === GT) break;
              else i += 1;
            } else if (c >= 0x80) {
              const after = this.#character(buffer, i, stop);
              if (after < 0) return Scan.ERROR;
              if (after === 0) return this.#outOfBytes(i, stop, end);
              i = after;
            } else if (c === LT || c === AMP) i++;
            else if (c === 0x0d) {
              i++;
              this.#textFlags = WANTS_DECODING;
            } else return this.#fail(i, 'not-well-formed', 'control character');
          }
          if (i - this.base > this.#textStart) {
            this.#token(CDATA | this.#textFlags, this.#textStart, i - this.base, 0, 0);
          }
          i += 3;
          this.#textStart = -1;
          this.#step = Step.CONTENT;
          continue;
        }
        case Step.CLOSE_NAME: {
          const frame = (this.#depth - 1) * STACK_WORDS;
          const start = this.base + this.#stack[frame]!;
          const length = this.#stack[frame + 1]!;
          let matched = i - this.base - this.#nameStart;
          while (matched < length && i < stop) {
            if (buffer[i] !== buffer[start + matched]) {
              return this.#fail(i, 'not-well-formed', 'closing tag does not match');
            }
            i++;
            matched++;
          }
          if (i >= stop) return this.#outOfBytes(i, stop, end);
          if (this.#depth === 1) this.closeStart = this.#nameStart - 2;
          this.#step = Step.CLOSE_SPACE;
          continue;
        }
        case Step.CLOSE_SPACE: {
          i = skip(buffer, i, stop, SPACE);
          if (i >= stop) return this.#outOfBytes(i, stop, end);
          if (buffer[i] !== GT) return this.#fail(i, 'not-well-formed', 'closing tag does not match');
          i++;
          if (this.#closeElement(i)) {
            this.pos = i;
            return Scan.ELEMENT;
          }
          this.#textStart = -1;
          this.#step = Step.CONTENT;
          continue;
        }
        case Step.STREAM_CLOSE_NAME: {
          const name = context.headerBytes;
          let matched = i - this.base - this.#nameStart;
          while (matched < name.length && i < stop) {
            if (buffer[i] !== name[matched]) {
              return this.#fail(i, 'not-well-formed', 'closing tag does not match');
            }
            i++;
            matched++;
          }
          if (i >= stop) return this.#outOfBytes(i, stop, end);
          this.#step = Step.STREAM_CLOSE_SPACE;
          continue;
        }
        default: {
          i = skip(buffer, i, stop, SPACE);
          if (i >= stop) return this.#outOfBytes(i, stop, end);
          if (buffer[i] !== GT) return this.#fail(i, 'not-well-formed', 'closing tag does not match');
          this.pos = i + 1;
          this.#step = Step.BETWEEN;
          return Scan.STREAM_CLOSE;
        }
      }
    }
  }

  /**
   * What the opening tag said, after {@link Scan.STREAM_OPEN}: its qualified name, its namespace and the bindings it made.
   * Its attributes are among the tokens.
   */
  openStream(buffer: Buffer): { name: string; namespace: string; bindings: Binding[] } {
    const bindings: Binding[] = [];
    for (let n = 0; n < this.namespaceCount; n++) {
      const at = n * 5;
      bindings.push({
        prefix: this.#text(buffer, this.namespaces[at]!, this.namespaces[at + 1]!),
        uri: this.namespaceUri(buffer, n),
      });
    }
    const name = this.#text(buffer, this.tokens[1]!, this.tokens[2]!);
    const ns = this.tokens[4]!;
    return { name, namespace: ns >= 0 ? bindings[ns]!.uri : ns === NS_XML ? XML_NS : '', bindings };
  }

  /** The URI of a namespace reference found in a token. */
  namespaceUri(buffer: Buffer, reference: number): string {
    if (reference >= 0) {
      const at = reference * 5;
      const raw = this.#text(buffer, this.namespaces[at + 2]!, this.namespaces[at + 3]!);
      return this.namespaces[at + 4] === PLAIN ? raw : decodeValue(raw);
    }
    if (reference === NS_ABSENT) return '';
    if (reference === NS_XML) return XML_NS;
    return this.#context!.bindings[NS_STREAM - reference]!.uri;
  }

  /** The URI that the stream's opening tag bound to `prefix`; empty when it bound none. */
  streamPrefixUri(prefix: string): string {
    return this.#context!.bindings.find((binding) => binding.prefix === prefix)?.uri ?? '';
  }

  #text(buffer: Buffer, start: number, end: number): string {
    return buffer.utf8Slice(this.base + start, this.base + end);
  }

  #more(i: number): Scan {
    this.pos = i;
    return Scan.MORE;
  }

  /** Input ended at `stop`: because it is all there is, or because the element is as large as it may be. */
  #outOfBytes(i: number, stop: number, end: number): Scan {
    if (stop < end) return this.#fail(i, 'policy-violation', 'stanza too large');
    this.pos = i;
    return Scan.MORE;
  }

  #fail(i: number, error: ScanError, text: string): Scan {
    this.pos = i;
    this.error = error;
    this.errorText = text;
    return Scan.ERROR;
  }

  #begin(at: number): void {
    this.base = at;
    this.tokenWords = 0;
    this.namespaceCount = 0;
    this.#scopeCount = 0;
    this.#depth = 0;
    this.#elements = 0;
    this.usesStreamPrefix = false;
    this.toToken = this.fromToken = this.idToken = this.typeToken = this.langToken = -1;
    this.isEmptyElement = false;
    this.#textStart = -1;
    const context = this.#context!;
    this.#defaultNs = context.defaultBinding < 0 ? NS_ABSENT : NS_STREAM - context.defaultBinding;
  }

  /** Reads on in a name. Returns where it ends, or -1 after an error. Stops before an incomplete UTF-8 sequence. */
  #name(buffer: Buffer, from: number, stop: number): number {
    let i = from;
    const start = this.base + this.#nameStart;
    let atStart = i === start || (this.#colon >= 0 && i === this.base + this.#colon + 1);
    for (;;) {
      if (!atStart) i = skip(buffer, i, stop, NAME);
      if (i - start > this.#context!.limits.nameBytesMax) {
        this.#fail(i, 'policy-violation', 'name too long');
        return -1;
      }
      if (i >= stop) return i;
      const c = buffer[i]!;
      if (c >= 0x80) {
        const length = decode(buffer, i, stop);
        if (length === 0) return i;
        if (length < 0 || !(atStart ? isNameStart(decoded) : isNameChar(decoded))) {
          this.#fail(i, 'not-well-formed', 'bad character in a name');
          return -1;
        }
        i += length;
        atStart = false;
      } else if (atStart) {
        if ((CLASS[c]! & NAME_START) === 0) {
          this.#fail(i, 'not-well-formed', 'bad name');
          return -1;
        }
        i++;
        atStart = false;
      } else if (c !== COLON) return i;
      else if (this.#colon >= 0) {
        this.#fail(i, 'not-well-formed', 'two colons in a name');
        return -1;
      } else {
        this.#colon = i - this.base;
        i++;
        atStart = true;
      }
    }
  }

  #openElement(i: number, elementsMax: number, depthMax: number): boolean {
    const isHeader = this.#context!.headerName === '';
    if (!isHeader) {
      if (++this.#elements > elementsMax) {
        this.#fail(i, 'policy-violation', 'too many elements');
        return false;
      }
      if (this.#depth >= depthMax) {
        this.#fail(i, 'policy-violation', 'nested too deeply');
        return false;
      }
      const frame = this.#depth * STACK_WORDS;
      if (frame + STACK_WORDS > this.#stack.length) this.#stack = grow(this.#stack);
      this.#stack[frame] = this.#nameStart;
      this.#stack[frame + 1] = i - this.base - this.#nameStart;
      this.#stack[frame + 2] = this.#scopeCount;
      this.#stack[frame + 3] = this.#defaultNs;
      this.#depth++;
      if (this.#depth === 1) this.nameEnd = i - this.base;
    }
    this.#openToken = this.tokenWords;
    this.#token(OPEN, this.#nameStart, i - this.base, this.#colon, NS_ABSENT);
    this.#attributes = 0;
    this.#prefixed = 0;
    this.#hadSpace = false;
    return true;
  }

  #attributeToken(buffer: Buffer, i: number): boolean {
    const length = i - this.base - this.#nameStart;
    const start = this.base + this.#nameStart;
    for (let t = this.#openToken + TOKEN_WORDS; t < this.tokenWords; t += TOKEN_WORDS) {
      if (this.tokens[t + 2]! - this.tokens[t + 1]! !== length) continue;
      if (sameBytes(buffer, this.base + this.tokens[t + 1]!, start, length)) {
        this.#fail(i, 'not-well-formed', 'attribute given twice');
        return false;
      }
    }
    this.#token(ATTRIBUTE, this.#nameStart, i - this.base, 0, 0);
    return true;
  }

  #endAttribute(buffer: Buffer, i: number, namespacesMax: number): boolean {
    const t = this.tokenWords - TOKEN_WORDS;
    const tokens = this.tokens;
    tokens[t]! |= this.#valueFlags;
    tokens[t + 3] = this.#valueStart;
    tokens[t + 4] = i - this.base;
    const start = this.base + this.#nameStart;
    const length = tokens[t + 2]! - this.#nameStart;
    if (this.#depth <= 1) this.#envelope(buffer, start, length, t);
    if (this.#colon >= 0) {
      this.#prefixed++;
      if (this.base + this.#colon - start !== 5 || !isXmlns(buffer, start)) return true;
      return this.#declare(buffer, this.#colon + 1, tokens[t + 2]!, i, namespacesMax);
    }
    if (length !== 5 || !isXmlns(buffer, start)) return true;
    return this.#declare(buffer, this.#nameStart, this.#nameStart, i, namespacesMax);
  }

  /** Remembers the attributes of the top-level element that routing looks at. */
  #envelope(buffer: Buffer, start: number, length: number, token: number): void {
    const c = buffer[start];
    if (length === 2) {
      if (c === 0x74 && buffer[start + 1] === 0x6f) this.toToken = token;
      else if (c === 0x69 && buffer[start + 1] === 0x64) this.idToken = token;
    } else if (length === 4) {
      if (c === 0x66 && buffer.latin1Slice(start, start + 4) === 'from') this.fromToken = token;
      else if (c === 0x74 && buffer.latin1Slice(start, start + 4) === 'type') this.typeToken = token;
    } else if (length === 8 && c === 0x78 && buffer.latin1Slice(start, start + 8) === 'xml:lang') {
      this.langToken = token;
    }
  }

  /** Enters a namespace declaration (Namespaces 1.0 §3, with its constraints on reserved prefixes and names). */
  #declare(
    buffer: Buffer,
    prefixStart: number,
    prefixEnd: number,
    i: number,
    namespacesMax: number,
  ): boolean {
    if (this.#scopeCount >= namespacesMax || this.namespaceCount >= namespacesMax * 4) {
      this.#fail(i, 'policy-violation', 'too many namespace declarations');
      return false;
    }
    const n = this.namespaceCount++;
    if (n * 5 + 5 > this.namespaces.length) this.namespaces = grow(this.namespaces);
    const at = n * 5;
    this.namespaces[at] = prefixStart;
    this.namespaces[at + 1] = prefixEnd;
    this.namespaces[at + 2] = this.#valueStart;
    this.namespaces[at + 3] = i - this.base;
    this.namespaces[at + 4] = this.#valueFlags;
    const isDefault = prefixStart === prefixEnd;
    const uriLength = i - this.base - this.#valueStart;
    if (isDefault && uriLength === 0) {
      this.#defaultNs = NS_ABSENT;
      return true;
    }
    // The reserved names are 36 and 29 bytes long; anything with references in it is decoded to be sure.
    let reserved = '';
    if (uriLength === XML_NS.length || uriLength === XMLNS_NS.length || this.#valueFlags !== PLAIN) {
      const uri = this.namespaceUri(buffer, n);
      if (uri === XML_NS || uri === XMLNS_NS) reserved = uri;
    }
    const prefix = isDefault ? '' : this.#text(buffer, prefixStart, prefixEnd);
    if (prefix === 'xmlns' || reserved === XMLNS_NS || (prefix === 'xml') !== (reserved === XML_NS)) {
      this.#fail(i, 'not-well-formed', 'reserved namespace or prefix');
      return false;
    }
    if (!isDefault && uriLength === 0) {
      this.#fail(i, 'not-well-formed', 'prefix bound to no namespace');
      return false;
    }
    if (isDefault) this.#defaultNs = n;
    else {
      if (this.#scopeCount >= this.#scope.length) this.#scope = grow(this.#scope);
      this.#scope[this.#scopeCount++] = n;
    }
    return true;
  }

  /** Resolves the prefixes of an opening tag once all its attributes are known. */
  #endOpenTag(buffer: Buffer, i: number): boolean {
    const tokens = this.tokens;
    const open = this.#openToken;
    const colon = tokens[open + 3]!;
    if (colon < 0) tokens[open + 4] = this.#defaultNs;
    else {
      const ns = this.#resolve(buffer, tokens[open + 1]!, colon);
      if (ns === NS_ABSENT) {
        this.#fail(i, 'bad-namespace-prefix', 'prefix is not bound');
        return false;
      }
      tokens[open + 4] = ns;
    }
    return this.#prefixed === 0 || this.#resolveAttributes(buffer, i);
  }

  #resolveAttributes(buffer: Buffer, i: number): boolean {
    const tokens = this.tokens;
    let seen: Set<string> | undefined;
    for (let t = this.#openToken + TOKEN_WORDS; t < this.tokenWords; t += TOKEN_WORDS) {
      const start = tokens[t + 1]!;
      const end = tokens[t + 2]!;
      const colon = buffer.subarray(this.base + start, this.base + end).indexOf(COLON);
      if (colon < 0 || (colon === 5 && isXmlns(buffer, this.base + start))) continue;
      const ns = this.#resolve(buffer, start, start + colon);
      if (ns === NS_ABSENT) {
        this.#fail(i, 'bad-namespace-prefix', 'prefix is not bound');
        return false;
      }
      if (this.#prefixed < 2) return true;
      // Two prefixes may stand for one namespace: the expanded names must differ (Namespaces 1.0 §6.3).
      seen ??= new Set();
      const expanded = `${this.namespaceUri(buffer, ns)} ${this.#text(buffer, start + colon + 1, end)}`;
      if (seen.has(expanded)) {
        this.#fail(i, 'not-well-formed', 'attribute given twice');
        return false;
      }
      seen.add(expanded);
    }
    return true;
  }

  /** The namespace reference of a prefix (`start..end`, relative), or NS_ABSENT when it is not bound. */
  #resolve(buffer: Buffer, start: number, end: number): number {
    const length = end - start;
    const at = this.base + start;
    for (let s = this.#scopeCount - 1; s >= 0; s--) {
      const n = this.#scope[s]!;
      const from = this.namespaces[n * 5]!;
      if (this.namespaces[n * 5 + 1]! - from !== length) continue;
      if (sameBytes(buffer, this.base + from, at, length)) return n;
    }
    if (length === 3 && buffer[at] === 0x78 && buffer[at + 1] === 0x6d && buffer[at + 2] === 0x6c)
      return NS_XML;
    const prefixes = this.#context!.prefixBytes;
    for (let p = 0; p < prefixes.length; p++) {
      const prefix = prefixes[p]!;
      if (prefix.length !== length || length === 0) continue;
      let same = true;
      for (let k = 0; same && k < length; k++) same = prefix[k] === buffer[at + k];
      if (!same) continue;
      this.usesStreamPrefix = true;
      return NS_STREAM - p;
    }
    return NS_ABSENT;
  }

  /** Ends the innermost element. True when it was the top-level one. */
  #closeElement(i: number): boolean {
    this.#depth--;
    const frame = this.#depth * STACK_WORDS;
    this.#token(CLOSE, i - this.base, 0, 0, 0);
    this.#scopeCount = this.#stack[frame + 2]!;
    this.#defaultNs = this.#stack[frame + 3]!;
    if (this.#depth > 0) return false;
    this.#step = Step.BETWEEN;
    return true;
  }

  #token(kind: number, a: number, b: number, c: number, d: number): void {
    const at = this.tokenWords;
    if (at + TOKEN_WORDS > this.tokens.length) this.tokens = grow(this.tokens);
    const tokens = this.tokens;
    tokens[at] = kind;
    tokens[at + 1] = a;
    tokens[at + 2] = b;
    tokens[at + 3] = c;
    tokens[at + 4] = d;
    this.tokenWords = at + TOKEN_WORDS;
  }

  /** Steps over `&…;` at `i`. Returns the position after it, 0 when its end has not arrived, -1 after an error. */
  #reference(buffer: Buffer, i: number, stop: number): number {
    const last = Math.min(stop, i + REFERENCE_BYTES_MAX);
    let j = i + 1;
    while (j < last && buffer[j] !== 0x3b) {
      const c = buffer[j]!;
      if (c === LT || c === AMP || (CLASS[c]! & (SPACE | VALUE)) !== VALUE) break;
      j++;
    }
    if (j >= stop && j < i + REFERENCE_BYTES_MAX) return 0;
    if (j >= last || buffer[j] !== 0x3b) {
      this.#fail(i, 'not-well-formed', 'bad reference');
      return -1;
    }
    const name = buffer.latin1Slice(i + 1, j);
    if (name === 'amp' || name === 'lt' || name === 'gt' || name === 'quot' || name === 'apos') return j + 1;
    if (name.charCodeAt(0) !== 0x23) {
      this.#fail(i, name === '' ? 'not-well-formed' : 'restricted-xml', 'entity reference');
      return -1;
    }
    const match = /^#(?:x([0-9a-fA-F]+)|([0-9]+))$/.exec(name);
    const c = match === null ? -1 : match[1] !== undefined ? Number.parseInt(match[1], 16) : Number(match[2]);
    const good = c === 9 || c === 10 || c === 13 || (c >= 0x20 && (c < 0xd800 || c > 0xdfff) && isXmlChar(c));
    if (!good) {
      this.#fail(i, 'not-well-formed', 'bad character reference');
      return -1;
    }
    return j + 1;
  }

  /** Steps over one non-ASCII character. Returns the position after it, 0 when incomplete, -1 after an error. */
  #character(buffer: Buffer, i: number, stop: number): number {
    const length = decode(buffer, i, stop);
    if (length === 0) return 0;
    if (length < 0 || !isXmlChar(decoded)) {
      this.#fail(i, 'not-well-formed', length < 0 ? 'invalid UTF-8' : 'character not allowed in XML');
      return -1;
    }
    return i + length;
  }
}

/** The code point that {@link decode} read last. */
let decoded = 0;

/**
 * Decodes one UTF-8 sequence of two to four bytes at `i` (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
 * Returns its length, 0 when its end is beyond `stop`, -1 when it is invalid; the code point is in {@link decoded}.
 */
function decode(buffer: Buffer, i: number, stop: number): number {
  const c = buffer[i]!;
  let length: number;
  let min: number;
  let code: number;
  if (c >= 0xc2 && c <= 0xdf) {
    length = 2;
    min = 0x80;
    code = c & 0x1f;
  } else if (c >= 0xe0 && c <= 0xef) {
    length = 3;
    min = 0x800;
    code = c & 0x0f;
  } else if (c >= 0xf0 && c <= 0xf4) {
    length = 4;
    min = 0x10000;
    code = c & 0x07;
  } else return -1;
  for (let k = 1; k < length; k++) {
    if (i + k >= stop) return 0;
    const next = buffer[i + k]!;
    if ((next & 0xc0) !== 0x80) return -1;
    code = (code << 6) | (next & 0x3f);
  }
  if (code < min || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return -1;
  decoded = code;
  return length;
}

/** Steps over bytes of class `mask`. */
function skip(buffer: Buffer, from: number, stop: number, mask: number): number {
  let i = from;
  while (i < stop && (CLASS[buffer[i]!]! & mask) !== 0) i++;
  return i;
}

function sameBytes(buffer: Buffer, a: number, b: number, length: number): boolean {
  for (let k = 0; k < length; k++) if (buffer[a + k] !== buffer[b + k]) return false;
  return true;
}

function isXmlns(buffer: Buffer, at: number): boolean {
  return (
    buffer[at] === 0x78 &&
    buffer[at + 1] === 0x6d &&
    buffer[at + 2] === 0x6c &&
    buffer[at + 3] === 0x6e &&
    buffer[at + 4] === 0x73
  );
}

function grow(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

const DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:'1\.[0-9]+'|"1\.[0-9]+")(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:'([A-Za-z][\w.-]*)'|"([A-Za-z][\w.-]*)"))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:'(?:yes|no)'|"(?:yes|no)"))?[ \t\r\n]*\?>$/;

function checkDeclaration(text: string): ScanError | undefined {
  const match = DECLARATION.exec(text);
  if (match === null)
    return text.startsWith('<?xml') && !/^<\?xml[-\w.:]/.test(text) ? 'not-well-formed' : 'restricted-xml';
  const encoding = match[1] ?? match[2];
  return encoding === undefined || encoding.toUpperCase() === 'UTF-8' ? undefined : 'unsupported-encoding';
}

/** Resolves references and normalises space in an attribute value (XML 1.0 §3.3.3), the value being known as well-formed. */
export function decodeValue(raw: string): string {
  return raw.replace(/\r\n|[\t\n\r]|&([^;]*);/g, (_all, name: string | undefined) =>
    name === undefined ? ' ' : reference(name),
  );
}

/** Resolves references and line ends in character data (XML 1.0 §2.11), the text being known as well-formed. */
export function decodeText(raw: string): string {
  return raw.replace(/\r\n?|&([^;]*);/g, (_all, name: string | undefined) =>
    name === undefined ? '\n' : reference(name),
  );
}

/** Line ends only, for the inside of a CDATA section. */
export function decodeCdata(raw: string): string {
  return raw.replace(/\r\n?/g, '\n');
}

function reference(name: string): string {
  switch (name) {
    case 'amp':
      return '&';
    case 'lt':
      return '<';
    case 'gt':
      return '>';
    case 'quot':
      return '"';
    case 'apos':
      return "'";
    default:
      return String.fromCodePoint(
        name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1)),
      );
  }
}
