import { grow, sameBytes, spells } from './bytes.ts';
import { nameText } from './name-cache.ts';
import { decodeValue } from './references.ts';
import { PROBLEM } from './scan-problem.ts';
import { type Binding, type StreamContext, XML_NS, XMLNS_NS } from './stream-context.ts';
import { NS_ABSENT, NS_STREAM, NS_XML, PLAIN } from './tokens.ts';

/** One declaration: prefix start, prefix end, URI start, URI end, decode flag, identity + 1 (0 = not looked up yet). */
const WORDS = 6;
const URI_START = 2;
const URI_END = 3;
const FLAGS = 4;
const IDENTITY = 5;

/**
 * The namespace declarations of one top-level element (Namespaces in XML 1.0), and which of them are in scope.
 *
 * Declarations are numbered in the order read and stay readable by number until the next element. Positions count from
 * `base`, as in tokens.
 */
export class NamespaceScope {
  /** Namespace reference of names without a prefix. */
  defaultReference: number = NS_ABSENT;
  /** How many declarations are in scope. */
  size = 0;
  #declarations = new Int32Array(8 * WORDS);
  #count = 0;
  /** Numbers of the declarations in scope, innermost last. */
  #inScope = new Int32Array(8);
  #identities: Map<string, number> | undefined;
  #context: StreamContext | undefined;

  /** Forgets the element before; what the stream's opening tag bound stays in scope. */
  begin(context: StreamContext): void {
    this.#context = context;
    this.#count = 0;
    this.size = 0;
    this.#identities = undefined;
    this.defaultReference = context.defaultBinding < 0 ? NS_ABSENT : NS_STREAM - context.defaultBinding;
  }

  /** Ends an element: what it declared goes out of scope. The arguments are what it found at its start. */
  leave(size: number, defaultReference: number): void {
    this.size = size;
    this.defaultReference = defaultReference;
  }

  /**
   * Enters a declaration, with the constraints of Namespaces 1.0 §3 on reserved prefixes and names. The prefix is empty for the
   * default namespace. Returns 0, or what is wrong.
   */
  declare(
    buffer: Buffer,
    base: number,
    prefixStart: number,
    prefixEnd: number,
    uriStart: number,
    uriEnd: number,
    flags: number,
  ): number {
    const { limits } = this.#context!;
    if (this.size >= limits.namespacesMax) return PROBLEM.NAMESPACES;
    const uriLength = uriEnd - uriStart;
    if (uriLength > limits.nameBytesMax) return PROBLEM.NAME_BYTES;
    const n = this.#count++;
    const at = n * WORDS;
    if (at + WORDS > this.#declarations.length) this.#declarations = grow(this.#declarations);
    const declarations = this.#declarations;
    declarations[at] = prefixStart;
    declarations[at + 1] = prefixEnd;
    declarations[at + URI_START] = uriStart;
    declarations[at + URI_END] = uriEnd;
    declarations[at + FLAGS] = flags;
    declarations[at + IDENTITY] = 0;
    if (this.size >= this.#inScope.length) this.#inScope = grow(this.#inScope);
    this.#inScope[this.size++] = n;
    const isDefault = prefixStart === prefixEnd;
    if (isDefault) this.defaultReference = uriLength === 0 ? NS_ABSENT : n;
    else if (uriLength === 0) return PROBLEM.EMPTY_NAMESPACE;
    return this.#checkReserved(buffer, base, n, isDefault);
  }

  #checkReserved(buffer: Buffer, base: number, n: number, isDefault: boolean): number {
    const at = n * WORDS;
    const declarations = this.#declarations;
    // Neither reserved name is that long; anything with references in it is decoded to be sure.
    const uriLength = declarations[at + URI_END]! - declarations[at + URI_START]!;
    const maybeReserved =
      uriLength === XML_NS.length || uriLength === XMLNS_NS.length || declarations[at + FLAGS] !== PLAIN;
    const uri = maybeReserved ? this.uri(buffer, base, n) : '';
    const prefixStart = declarations[at]!;
    const prefix = isDefault ? '' : buffer.utf8Slice(base + prefixStart, base + declarations[at + 1]!);
    const isReserved = prefix === 'xmlns' || uri === XMLNS_NS || (prefix === 'xml') !== (uri === XML_NS);
    return isReserved ? PROBLEM.RESERVED_NAMESPACE : 0;
  }

  /** The namespace reference of the prefix at `[start, end)`, or NS_ABSENT when it is not bound. */
  resolve(buffer: Buffer, base: number, start: number, end: number): number {
    const length = end - start;
    const at = base + start;
    const declarations = this.#declarations;
    for (let s = this.size - 1; s >= 0; s--) {
      const n = this.#inScope[s]!;
      const from = declarations[n * WORDS]!;
      if (declarations[n * WORDS + 1]! - from !== length) continue;
      if (sameBytes(buffer, base + from, at, length)) return n;
    }
    if (length === 3 && spells(buffer, at, 'xml')) return NS_XML;
    const prefixes = this.#context!.prefixBytes;
    for (let p = 0; p < prefixes.length; p++) {
      if (isAt(buffer, at, length, prefixes[p]!)) return NS_STREAM - p;
    }
    return NS_ABSENT;
  }

  /** The URI of a namespace reference. */
  uri(buffer: Buffer, base: number, reference: number): string {
    if (reference >= 0) {
      const at = reference * WORDS;
      const declarations = this.#declarations;
      const raw = nameText(buffer, base + declarations[at + URI_START]!, base + declarations[at + URI_END]!);
      return declarations[at + FLAGS] === PLAIN ? raw : decodeValue(raw);
    }
    if (reference === NS_ABSENT) return '';
    if (reference === NS_XML) return XML_NS;
    return this.#context!.bindings[NS_STREAM - reference]!.uri;
  }

  /** A number that two references share if, and only if, their URIs are the same. Each URI is looked at once. */
  identity(buffer: Buffer, base: number, reference: number): number {
    if (reference >= 0) {
      const known = this.#declarations[reference * WORDS + IDENTITY]!;
      if (known !== 0) return known;
    }
    this.#identities ??= new Map();
    const uri = this.uri(buffer, base, reference);
    let identity = this.#identities.get(uri);
    if (identity === undefined) {
      identity = this.#identities.size + 1;
      this.#identities.set(uri, identity);
    }
    if (reference >= 0) this.#declarations[reference * WORDS + IDENTITY] = identity;
    return identity;
  }

  /** All declarations made so far. */
  bindings(buffer: Buffer, base: number): Binding[] {
    const bindings: Binding[] = [];
    for (let n = 0; n < this.#count; n++) {
      const at = n * WORDS;
      const prefix = buffer.utf8Slice(base + this.#declarations[at]!, base + this.#declarations[at + 1]!);
      bindings.push({ prefix, uri: this.uri(buffer, base, n) });
    }
    return bindings;
  }

  /** The URI that the stream's opening tag bound to `prefix`; empty when it bound none. */
  streamPrefixUri(prefix: string): string {
    return this.#context!.bindings.find((binding) => binding.prefix === prefix)?.uri ?? '';
  }
}

function isAt(buffer: Buffer, at: number, length: number, bytes: Buffer): boolean {
  if (bytes.length !== length) return false;
  for (let k = 0; k < length; k++) if (bytes[k] !== buffer[at + k]) return false;
  return true;
}
