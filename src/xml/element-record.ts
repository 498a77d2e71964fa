import { grow, sameBytes, spells } from './bytes.ts';
import { NamespaceScope } from './namespace-scope.ts';
import { PROBLEM } from './scan-problem.ts';
import type { Binding, StreamContext } from './stream-context.ts';
import { ATTRIBUTE, CLOSE, NS_ABSENT, NS_STREAM, OPEN, TOKEN_WORDS } from './tokens.ts';

const COLON = 0x3a;

/** An open element: name start, name length, and the namespaces in scope before it (how many, which default). */
const STACK_WORDS = 4;

/**
 * What has been read of one top-level element: its tokens, and the checks that concern more than one of them (nesting,
 * attributes given twice, namespace prefixes, limits on structure). The scanner fills it; `element.ts` builds trees from it.
 *
 * Positions count from the first byte of the top-level element (`base`), so that an unfinished element may be copied
 * elsewhere and read on.
 */
export class ElementRecord {
  /** Where the current or last top-level element starts in the buffer scanned. */
  base = 0;
  /** Tokens of the current element, `TOKEN_WORDS` words each; `tokenWords` are in use. */
  tokens = new Int32Array(64 * TOKEN_WORDS);
  tokenWords = 0;
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

  /** How many elements are open; the stream's opening tag is none of them. */
  protected depth = 0;
  protected context: StreamContext | undefined;
  #isHeader = false;
  #elements = 0;
  #stack = new Int32Array(16 * STACK_WORDS);
  readonly #scope = new NamespaceScope();
  /** Token of the opening tag being read. */
  #openToken = 0;
  #attributes = 0;
  #prefixedAttributes = 0;

  /** The URI of a namespace reference found in a token. */
  namespaceUri(buffer: Buffer, reference: number): string {
    return this.#scope.uri(buffer, this.base, reference);
  }

  /** The URI that the stream's opening tag bound to `prefix`; empty when it bound none. */
  streamPrefixUri(prefix: string): string {
    return this.#scope.streamPrefixUri(prefix);
  }

  /** The namespace declarations made in the current element. */
  protected declaredBindings(buffer: Buffer): Binding[] {
    return this.#scope.bindings(buffer, this.base);
  }

  /** Starts on the element (or opening tag of a stream) whose first byte is at `base`. */
  protected begin(base: number, context: StreamContext): void {
    this.base = base;
    this.context = context;
    this.#isHeader = context.headerName === '';
    this.tokenWords = 0;
    this.depth = 0;
    this.#elements = 0;
    this.usesStreamPrefix = false;
    this.toToken = this.fromToken = this.idToken = this.typeToken = this.langToken = -1;
    this.isEmptyElement = false;
    this.#scope.begin(context);
  }

  /** An opening tag has got its name. */
  protected openElement(nameStart: number, nameEnd: number, colon: number): number {
    if (!this.#isHeader) {
      const { limits } = this.context!;
      if (++this.#elements > limits.elementsMax) return PROBLEM.ELEMENTS;
      if (this.depth >= limits.depthMax) return PROBLEM.DEPTH;
      const frame = this.depth++ * STACK_WORDS;
      if (frame + STACK_WORDS > this.#stack.length) this.#stack = grow(this.#stack);
      const stack = this.#stack;
      stack[frame] = nameStart;
      stack[frame + 1] = nameEnd - nameStart;
      stack[frame + 2] = this.#scope.size;
      stack[frame + 3] = this.#scope.defaultReference;
      if (frame === 0) this.nameEnd = nameEnd;
    }
    this.#openToken = this.tokenWords;
    this.#attributes = 0;
    this.#prefixedAttributes = 0;
    this.#token(OPEN, nameStart, nameEnd, colon, NS_ABSENT);
    return 0;
  }

  /** An attribute has got its name. */
  protected attributeName(buffer: Buffer, nameStart: number, nameEnd: number): number {
    if (++this.#attributes > this.context!.limits.attributesMax) return PROBLEM.ATTRIBUTES;
    const { base, tokens, tokenWords } = this;
    const length = nameEnd - nameStart;
    for (let t = this.#openToken + TOKEN_WORDS; t < tokenWords; t += TOKEN_WORDS) {
      const start = tokens[t + 1]!;
      if (tokens[t + 2]! - start !== length) continue;
      if (sameBytes(buffer, base + start, base + nameStart, length)) return PROBLEM.ATTRIBUTE_TWICE;
    }
    this.#token(ATTRIBUTE, nameStart, nameEnd, 0, 0);
    return 0;
  }

  /** The attribute named last has got its value. */
  protected attributeValue(
    buffer: Buffer,
    colon: number,
    valueStart: number,
    valueEnd: number,
    flags: number,
  ): number {
    const t = this.tokenWords - TOKEN_WORDS;
    const tokens = this.tokens;
    tokens[t] = ATTRIBUTE | flags;
    tokens[t + 3] = valueStart;
    tokens[t + 4] = valueEnd;
    const nameStart = tokens[t + 1]!;
    const nameEnd = tokens[t + 2]!;
    const at = this.base + nameStart;
    if (this.depth <= 1) this.#envelope(buffer, at, nameEnd - nameStart, t);
    if (colon < 0) {
      if (nameEnd - nameStart !== 5 || !spells(buffer, at, 'xmlns')) return 0;
      return this.#scope.declare(buffer, this.base, nameEnd, nameEnd, valueStart, valueEnd, flags);
    }
    if (colon - nameStart === 5 && spells(buffer, at, 'xmlns')) {
      return this.#scope.declare(buffer, this.base, colon + 1, nameEnd, valueStart, valueEnd, flags);
    }
    this.#prefixedAttributes++;
    return 0;
  }

  /** Remembers the attributes of the top-level element that routing looks at. */
  #envelope(buffer: Buffer, at: number, length: number, token: number): void {
    if (length === 2) {
      if (spells(buffer, at, 'to')) this.toToken = token;
      else if (spells(buffer, at, 'id')) this.idToken = token;
    } else if (length === 4) {
      if (spells(buffer, at, 'type')) this.typeToken = token;
      else if (spells(buffer, at, 'from')) this.fromToken = token;
    } else if (length === 8 && spells(buffer, at, 'xml:lang')) this.langToken = token;
  }

  /** An opening tag has ended: its prefixes can be resolved, for all its attributes are known. */
  protected endOpenTag(buffer: Buffer): number {
    const tokens = this.tokens;
    const open = this.#openToken;
    const colon = tokens[open + 3]!;
    if (colon < 0) tokens[open + 4] = this.#scope.defaultReference;
    else {
      const namespace = this.#resolve(buffer, tokens[open + 1]!, colon);
      if (namespace === NS_ABSENT) return PROBLEM.UNBOUND_PREFIX;
      tokens[open + 4] = namespace;
    }
    return this.#prefixedAttributes === 0 ? 0 : this.#resolveAttributes(buffer);
  }

  #resolveAttributes(buffer: Buffer): number {
    const { base, tokens } = this;
    let seen: Set<string> | undefined;
    for (let t = this.#openToken + TOKEN_WORDS; t < this.tokenWords; t += TOKEN_WORDS) {
      const start = tokens[t + 1]!;
      const end = tokens[t + 2]!;
      const colon = buffer.subarray(base + start, base + end).indexOf(COLON);
      if (colon < 0 || (colon === 5 && spells(buffer, base + start, 'xmlns'))) continue;
      const namespace = this.#resolve(buffer, start, start + colon);
      if (namespace === NS_ABSENT) return PROBLEM.UNBOUND_PREFIX;
      if (this.#prefixedAttributes < 2) return 0;
      // Two prefixes may stand for one namespace: the expanded names must differ (Namespaces 1.0 §6.3).
      seen ??= new Set();
      const identity = this.#scope.identity(buffer, base, namespace);
      const expanded = `${identity} ${buffer.utf8Slice(base + start + colon + 1, base + end)}`;
      if (seen.has(expanded)) return PROBLEM.ATTRIBUTE_TWICE;
      seen.add(expanded);
    }
    return 0;
  }

  #resolve(buffer: Buffer, start: number, end: number): number {
    const reference = this.#scope.resolve(buffer, this.base, start, end);
    if (reference <= NS_STREAM) this.usesStreamPrefix = true;
    return reference;
  }

  /** Where the innermost open element's name starts. */
  protected get openNameStart(): number {
    return this.#stack[(this.depth - 1) * STACK_WORDS]!;
  }

  protected get openNameLength(): number {
    return this.#stack[(this.depth - 1) * STACK_WORDS + 1]!;
  }

  /** The innermost element has ended. `tagEnd` is after its last byte. True when it was the top-level one. */
  protected closeElement(tagEnd: number): boolean {
    const frame = --this.depth * STACK_WORDS;
    this.#token(CLOSE, tagEnd, 0, 0, 0);
    this.#scope.leave(this.#stack[frame + 2]!, this.#stack[frame + 3]!);
    return frame === 0;
  }

  /** Character data; `kind` is a token kind with its flags. */
  protected characters(kind: number, start: number, end: number): void {
    this.#token(kind, start, end, 0, 0);
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
}
