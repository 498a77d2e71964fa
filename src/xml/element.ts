import { nameText } from './name-cache.ts';
import { decodeCdata, decodeText, decodeValue } from './references.ts';
import type { Scanner } from './scanner.ts';
import { XML_NS } from './stream-context.ts';
import { ATTRIBUTE, CDATA, CLOSE, KIND_MASK, OPEN, TOKEN_WORDS, WANTS_DECODING } from './tokens.ts';

/** A child of an element: another element, or character data. */
export type Node = Element | string;

/**
 * An XML element as a tree: for handlers that look inside, and for what the server says itself.
 *
 * Attribute names: as written when without a prefix, `xml:lang` for the `xml` prefix, `{uri}local` for any other namespace.
 * They live in a Map, so that `__proto__` is a name like any other.
 */
export class Element {
  readonly name: string;
  /** Namespace URI; empty for none. */
  readonly ns: string;
  readonly attributes: Map<string, string>;
  readonly children: Node[];

  constructor(name: string, ns: string, attributes: Map<string, string> = new Map(), children: Node[] = []) {
    this.name = name;
    this.ns = ns;
    this.attributes = attributes;
    this.children = children;
  }

  /** Builds an element: `Element.of('query', NS, { node: 'x' }, child, 'text')`. Undefined attributes are left out. */
  static of(
    name: string,
    ns: string,
    attributes?: Readonly<Record<string, string | undefined>>,
    ...children: Node[]
  ): Element {
    const map = new Map<string, string>();
    if (attributes !== undefined) {
      for (const [key, value] of Object.entries(attributes)) if (value !== undefined) map.set(key, value);
    }
    return new Element(name, ns, map, children);
  }

  attribute(name: string): string | undefined {
    return this.attributes.get(name);
  }

  /** The child elements, without the text between them. */
  elements(): Element[] {
    return this.children.filter((child): child is Element => typeof child !== 'string');
  }

  /** The first child element of that name and namespace (its parent's when left out). */
  child(name: string, ns: string = this.ns): Element | undefined {
    for (const child of this.children) {
      if (typeof child !== 'string' && child.name === name && child.ns === ns) return child;
    }
    return undefined;
  }

  /** The first child element of that namespace, whatever its name. */
  childOf(ns: string): Element | undefined {
    for (const child of this.children) if (typeof child !== 'string' && child.ns === ns) return child;
    return undefined;
  }

  /** All character data directly inside, joined. */
  text(): string {
    let text = '';
    for (const child of this.children) if (typeof child === 'string') text += child;
    return text;
  }

  /** The text of a child element, or undefined when there is no such child. */
  childText(name: string, ns: string = this.ns): string | undefined {
    return this.child(name, ns)?.text();
  }

  /** A copy that may be changed without touching this one (children are shared). */
  copy(): Element {
    return new Element(this.name, this.ns, new Map(this.attributes), [...this.children]);
  }
}

/** A prefix declared inside the element being built, and how deep. */
interface Declared {
  readonly prefix: string;
  readonly uri: string;
  readonly depth: number;
}

/** Builds the tree of the element that `scanner` has just read from `buffer`. */
export function buildElement(scanner: Scanner, buffer: Buffer): Element {
  return new TreeBuilder(scanner, buffer).build();
}

class TreeBuilder {
  readonly #scanner: Scanner;
  readonly #buffer: Buffer;
  readonly #uris = new Map<number, string>();
  readonly #declared: Declared[] = [];
  readonly #open: Element[] = [];

  constructor(scanner: Scanner, buffer: Buffer) {
    this.#scanner = scanner;
    this.#buffer = buffer;
  }

  build(): Element {
    const { tokens, tokenWords } = this.#scanner;
    let root: Element | undefined;
    for (let t = 0; t < tokenWords; t += TOKEN_WORDS) {
      const kind = tokens[t]! & KIND_MASK;
      if (kind === OPEN) {
        let last = t;
        while (last + TOKEN_WORDS < tokenWords && (tokens[last + TOKEN_WORDS]! & KIND_MASK) === ATTRIBUTE) {
          last += TOKEN_WORDS;
        }
        const element = this.#element(t);
        this.#attributes(element, t + TOKEN_WORDS, last);
        this.#open.at(-1)?.children.push(element);
        root ??= element;
        this.#open.push(element);
        t = last;
      } else if (kind === CLOSE) {
        this.#open.pop();
        while (this.#declared.length > 0 && this.#declared.at(-1)!.depth >= this.#open.length)
          this.#declared.pop();
      } else this.#characters(t, kind);
    }
    return root!;
  }

  #slice(start: number, end: number): string {
    return this.#buffer.utf8Slice(this.#scanner.base + start, this.#scanner.base + end);
  }

  #name(start: number, end: number): string {
    return nameText(this.#buffer, this.#scanner.base + start, this.#scanner.base + end);
  }

  #element(t: number): Element {
    const { tokens } = this.#scanner;
    const colon = tokens[t + 3]!;
    const reference = tokens[t + 4]!;
    let uri = this.#uris.get(reference);
    if (uri === undefined) {
      uri = this.#scanner.namespaceUri(this.#buffer, reference);
      this.#uris.set(reference, uri);
    }
    return new Element(this.#name(colon < 0 ? tokens[t + 1]! : colon + 1, tokens[t + 2]!), uri);
  }

  #attributes(element: Element, first: number, last: number): void {
    const { tokens } = this.#scanner;
    let prefixed: [string, string][] | undefined;
    for (let t = first; t <= last; t += TOKEN_WORDS) {
      const name = this.#name(tokens[t + 1]!, tokens[t + 2]!);
      if (name === 'xmlns') continue;
      const raw = this.#slice(tokens[t + 3]!, tokens[t + 4]!);
      const value = (tokens[t]! & WANTS_DECODING) !== 0 ? decodeValue(raw) : raw;
      const colon = name.indexOf(':');
      if (colon < 0) element.attributes.set(name, value);
      else if (name.startsWith('xmlns:')) {
        this.#declared.push({ prefix: name.slice(6), uri: value, depth: this.#open.length });
      } else {
        prefixed ??= [];
        prefixed.push([name, value]);
      }
    }
    if (prefixed === undefined) return;
    // Declarations may follow the attributes that use them.
    for (const [name, value] of prefixed) {
      const colon = name.indexOf(':');
      const uri = this.#resolve(name.slice(0, colon));
      element.attributes.set(
        uri === XML_NS ? `xml:${name.slice(colon + 1)}` : `{${uri}}${name.slice(colon + 1)}`,
        value,
      );
    }
  }

  #resolve(prefix: string): string {
    for (let i = this.#declared.length - 1; i >= 0; i--) {
      if (this.#declared[i]!.prefix === prefix) return this.#declared[i]!.uri;
    }
    return prefix === 'xml' ? XML_NS : this.#scanner.streamPrefixUri(prefix);
  }

  #characters(t: number, kind: number): void {
    const { tokens } = this.#scanner;
    const raw = this.#slice(tokens[t + 1]!, tokens[t + 2]!);
    const decoding = (tokens[t]! & WANTS_DECODING) !== 0;
    const text = !decoding ? raw : kind === CDATA ? decodeCdata(raw) : decodeText(raw);
    const siblings = this.#open.at(-1)!.children;
    const last = siblings.length - 1;
    // Text and CDATA that touch are one piece of text.
    if (typeof siblings[last] === 'string') siblings[last] += text;
    else siblings.push(text);
  }
}
