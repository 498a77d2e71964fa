/** What a stream's opening tag decided for everything after it: namespaces in scope, and the limits in force. */

export interface Binding {
  /** The prefix; empty for the default namespace. */
  readonly prefix: string;
  readonly uri: string;
}

/** Limits on one top-level element, and on the opening tag. Lengths in bytes. */
export interface ScanLimits {
  readonly stanzaBytesMax: number;
  readonly elementsMax: number;
  readonly depthMax: number;
  readonly attributesMax: number;
  readonly nameBytesMax: number;
  readonly namespacesMax: number;
}

/** Namespace that `xml:` is bound to, always (Namespaces in XML 1.0 §3). */
export const XML_NS = 'http://www.w3.org/XML/1998/namespace';
export const XMLNS_NS = 'http://www.w3.org/2000/xmlns/';

/**
 * The open element around a stream's top-level elements. Immutable, and shared by all streams with the same opening tag
 * and limits: an idle session holds no parser state of its own beyond this reference.
 */
export class StreamContext {
  /** Qualified name of the opening tag as written, which the closing tag must repeat. Empty while none was read. */
  readonly headerName: string;
  /**
   * What the opening tag bound. Where the content namespace is another one than `jabber:client` (s2s, components), give that here in its
   * place: then stanzas are the same in every stream, and their bytes can be forwarded.
   */
  readonly bindings: readonly Binding[];
  readonly limits: ScanLimits;
  /** Index into {@link bindings} of the default namespace, or -1. */
  readonly defaultBinding: number;
  /** The URI of the default namespace, or the empty string. */
  readonly defaultNamespace: string;
  /** Bytes of each prefix and of the header's name, for comparing without making strings. */
  readonly prefixBytes: readonly Buffer[];
  readonly headerBytes: Buffer;

  constructor(headerName: string, bindings: readonly Binding[], limits: ScanLimits) {
    this.headerName = headerName;
    this.bindings = bindings;
    this.limits = limits;
    this.defaultBinding = bindings.findIndex((binding) => binding.prefix === '');
    this.defaultNamespace = bindings[this.defaultBinding]?.uri ?? '';
    this.prefixBytes = bindings.map((binding) => Buffer.from(binding.prefix));
    this.headerBytes = Buffer.from(headerName);
  }

  /** The same stream with other limits (they widen after login). */
  withLimits(limits: ScanLimits): StreamContext {
    return new StreamContext(this.headerName, this.bindings, limits);
  }
}
