import { buildElement, type Element } from '../xml/element.ts';
import type { Scanner } from '../xml/scanner.ts';
import { NS_CLIENT } from './namespaces.ts';
import { attributeText, attributeWord } from './stanza-attributes.ts';
import { bytesOf, closeStartOf, copyTo, isRecipient, nameEndOf, type StanzaBytes } from './stanza-bytes.ts';
import { parseChildren, parseElement, scanTrusted } from './trusted-xml.ts';

export const StanzaKind = { MESSAGE: 0, PRESENCE: 1, IQ: 2, OTHER: 3 } as const;
export type StanzaKind = (typeof StanzaKind)[keyof typeof StanzaKind];

export const STANZA_NAMES = ['message', 'presence', 'iq'] as const;

/**
 * A stanza in either of its two forms: the bytes it arrived as, or a tree. The tree is made from the bytes when a handler
 * first asks for it, the bytes from the tree when it is first written.
 *
 * Immutable in meaning: a change makes a new Stanza. The bytes of a stanza that has just been read stay in the reader's
 * buffer, and are gone when its handling returns; whoever keeps the stanza longer calls {@link retain} first.
 */
export class Stanza {
  readonly kind: StanzaKind;
  /** Element name; for {@link StanzaKind.OTHER} anything. */
  readonly name: string;
  /** The `type` attribute. */
  readonly type: string | undefined;
  /** The bytes that the stanza began as. */
  #raw: StanzaBytes | undefined;
  /** The bytes made from the tree, once they were needed. */
  #written: StanzaBytes | undefined;
  #scanner: Scanner | undefined;
  #element: Element | undefined;
  /** Whether the bytes carry the right `from` and `to` already, and may be written as they are. */
  #isStamped: boolean;
  /** Serialised children to stand before the closing tag. */
  #appended: string;

  private constructor(kind: StanzaKind, name: string, type: string | undefined) {
    this.kind = kind;
    this.name = name;
    this.type = type;
    this.#raw = undefined;
    this.#written = undefined;
    this.#scanner = undefined;
    this.#element = undefined;
    this.#isStamped = false;
    this.#appended = '';
  }

  /** The element that `scanner` has just read from `buffer`. Valid until the next scan, unless retained. */
  static read(scanner: Scanner, buffer: Buffer, kind: StanzaKind, name: string): Stanza {
    const { base, tokens } = scanner;
    const stanza = new Stanza(kind, name, attributeWord(scanner, buffer, scanner.typeToken));
    const hasPrefix = tokens[3]! >= 0;
    if (scanner.usesStreamPrefix || hasPrefix) {
      // A prefix of the stream's opening tag would be unbound elsewhere. And where the stanza itself has a prefix, its children
      // need not be in the namespace that the default one becomes elsewhere.
      stanza.#element = buildElement(scanner, buffer);
      return stanza;
    }
    const from = scanner.fromToken;
    const to = scanner.toToken;
    stanza.#raw = {
      buffer,
      isBorrowed: true,
      start: base,
      end: scanner.pos,
      nameEnd: scanner.nameEnd,
      closeStart: scanner.closeStart,
      isEmpty: scanner.isEmptyElement,
      fromStart: from < 0 ? -1 : tokens[from + 1]!,
      fromEnd: from < 0 ? -1 : tokens[from + 4]! + 1,
      toStart: to < 0 ? -1 : tokens[to + 1]!,
      toEnd: to < 0 ? -1 : tokens[to + 4]! + 1,
    };
    stanza.#scanner = scanner;
    return stanza;
  }

  /** A stanza made by the server. The element must be in `jabber:client`, or be a nonza. */
  static of(element: Element): Stanza {
    const kind = element.ns === NS_CLIENT ? kindOf(element.name) : StanzaKind.OTHER;
    const stanza = new Stanza(kind, element.name, element.attribute('type'));
    stanza.#element = element;
    return stanza;
  }

  /**
   * A whole stanza in bytes that {@link write} or {@link toBuffer} made (from a ring, or from storage). `isStamped`: `from` and `to` are in them;
   * otherwise neither is. The bytes are borrowed as in {@link read}.
   */
  static ofBytes(
    kind: StanzaKind,
    type: string | undefined,
    buffer: Buffer,
    start: number,
    end: number,
    isStamped = true,
  ): Stanza {
    const name = kind === StanzaKind.OTHER ? '' : STANZA_NAMES[kind];
    const stanza = new Stanza(kind, name, type);
    const isEmpty = buffer[end - 2] === 0x2f;
    stanza.#raw = {
      buffer,
      isBorrowed: true,
      start,
      end,
      nameEnd: kind === StanzaKind.OTHER ? nameEndOf(buffer, start) - start : name.length + 1,
      closeStart: (isEmpty ? end - 2 : closeStartOf(buffer, end)) - start,
      isEmpty,
      fromStart: -1,
      fromEnd: -1,
      toStart: -1,
      toEnd: -1,
    };
    stanza.#isStamped = isStamped;
    return stanza;
  }

  /**
   * A stanza in bytes that {@link toBuffer} made without addresses, and that somebody kept. They are the stanza's from now on; no tree is
   * built before somebody asks for it.
   */
  static ofStored(bytes: Buffer): Stanza {
    const scanner = scanTrusted(bytes, 0, bytes.length);
    const name = bytes.latin1Slice(1, scanner.nameEnd);
    const stanza = Stanza.read(scanner, bytes, kindOf(name), name);
    if (stanza.#raw !== undefined) stanza.#raw = { ...stanza.#raw, isBorrowed: false };
    stanza.#scanner = undefined;
    return stanza;
  }

  /** The tree. Treat it as read-only; a changed copy becomes a stanza by {@link Stanza.of}. */
  get element(): Element {
    if (this.#element === undefined) {
      const raw = this.#raw!;
      const element =
        this.#scanner !== undefined
          ? buildElement(this.#scanner, raw.buffer)
          : parseElement(raw.buffer, raw.start, raw.end);
      for (const child of parseChildren(this.#appended)) element.children.push(child);
      this.#element = element;
    }
    return this.#element;
  }

  /** The value of an attribute of the stanza itself. */
  attribute(name: 'id' | 'from' | 'to' | 'xml:lang'): string | undefined {
    const scanner = this.#scanner;
    if (this.#element !== undefined || scanner === undefined) return this.element.attribute(name);
    const token =
      name === 'id'
        ? scanner.idToken
        : name === 'to'
          ? scanner.toToken
          : name === 'from'
            ? scanner.fromToken
            : scanner.langToken;
    return attributeText(scanner, this.#raw!.buffer, token);
  }

  get id(): string | undefined {
    return this.attribute('id');
  }

  /** The same stanza with a serialised child added at its end (`<delay/>`, `<stanza-id/>`). Bytes stay bytes: no tree is built. */
  append(childXml: string): Stanza {
    const copy = new Stanza(this.kind, this.name, this.type);
    if (this.#raw === undefined) {
      copy.#element = this.#element!.copy();
      for (const child of parseChildren(childXml)) copy.#element.children.push(child);
      return copy;
    }
    copy.#raw = this.#raw;
    copy.#scanner = this.#scanner;
    copy.#isStamped = this.#isStamped;
    copy.#appended = this.#appended + childXml;
    return copy;
  }

  /** Whether it has no content at all: then nobody needs its tree. */
  get isEmpty(): boolean {
    if (this.#element !== undefined) return this.#element.children.length === 0;
    return this.#raw!.isEmpty && this.#appended === '';
  }

  /**
   * Whether it certainly has no extensions: nothing in it is of another namespace. Cheap, without a tree; false means that one must look.
   */
  get isPlain(): boolean {
    const raw = this.#raw;
    // Prefixes of the stream do not get here: such a stanza begins as a tree.
    if (raw === undefined || this.#appended !== '') return false;
    return !raw.buffer.subarray(raw.start, raw.end).includes('xmlns', 0, 'latin1');
  }

  /**
   * Whether there may be an element of this local name inside: false is certain. Cheap, without a tree, and not to be deceived: names cannot be written in
   * any other way than letter by letter. The name must be ASCII.
   */
  mayContain(name: string): boolean {
    const raw = this.#raw;
    if (raw === undefined || this.#appended !== '') return true;
    return raw.buffer.subarray(raw.start, raw.end).includes(name, 0, 'latin1');
  }

  /**
   * Whether its first child certainly is an element of this local name, without attributes, in the namespace of the stanza. Cheap, without a tree; false means that one must
   * look. The name must be ASCII.
   */
  beginsWith(name: string): boolean {
    const raw = this.#raw;
    if (raw === undefined || raw.isEmpty) return false;
    // No `<` may stand in the opening tag; and none of the prefixes that a stanza may have gets here.
    const first = raw.buffer.indexOf(0x3c, raw.start + 1);
    const end = first + 1 + name.length;
    if (first < 0 || end >= raw.end) return false;
    for (let i = 0; i < name.length; i++) if (raw.buffer[first + 1 + i] !== name.charCodeAt(i)) return false;
    return raw.buffer[end] === 0x3e;
  }

  /** The stanza without addresses, in one character a byte: the smallest form to keep. {@link Stanza.fromText} reads it. */
  toText(): string {
    const bytes = this.toBuffer('', '');
    return bytes.latin1Slice(0, bytes.length);
  }

  /** A stanza of this kind that {@link toText} wrote. No tree is built before somebody asks for it. */
  static fromText(kind: StanzaKind, type: string | undefined, text: string): Stanza {
    const buffer = Buffer.from(text, 'latin1');
    const stanza = Stanza.ofBytes(kind, type, buffer, 0, buffer.length, false);
    stanza.#raw!.isBorrowed = false;
    return stanza;
  }

  /** The same without addresses in its bytes: those are written as they are. */
  get unstamped(): Stanza {
    return this.#isStamped ? Stanza.of(this.element) : this;
  }

  /** Says that the bytes belong to nobody else: they need not be copied to be kept. Returns itself. */
  own(): this {
    if (this.#raw !== undefined) this.#raw = { ...this.#raw, isBorrowed: false };
    return this;
  }

  /** Makes the stanza independent of the buffer that it was read from. Returns itself. */
  retain(): this {
    const raw = this.#raw;
    if (raw?.isBorrowed) {
      const copy = Buffer.allocUnsafeSlow(raw.end - raw.start);
      raw.buffer.copy(copy, 0, raw.start, raw.end);
      this.#raw = { ...raw, buffer: copy, isBorrowed: false, start: 0, end: copy.length };
      this.#scanner = undefined;
    }
    return this;
  }

  /** Upper bound of the bytes that {@link write} produces. `from` and `to` are wire forms (one character a byte). */
  sizeMax(from: string, to: string): number {
    const raw = this.#bytes();
    const addressed = raw.end - raw.start + from.length + to.length + 24;
    return this.#appended === '' ? addressed : addressed + this.#appended.length * 3 + raw.nameEnd + 4;
  }

  /**
   * Writes the stanza at `at` with the given `from` and `to` (wire forms; an empty one is left out). There must be room for
   * {@link sizeMax} bytes. Returns the position after it.
   */
  write(target: Buffer, at: number, from: string, to: string): number {
    const raw = this.#bytes();
    let pos = at;
    let done = 0;
    if (!this.#isStamped) {
      pos = copyTo(raw, target, pos, 0, raw.nameEnd);
      if (from !== '') {
        pos += target.latin1Write(" from='", pos);
        pos += target.latin1Write(from, pos);
        target[pos++] = 0x27;
      }
      const keepTo = to !== '' && raw.toStart >= 0 && isRecipient(raw, to);
      if (to !== '' && !keepTo) {
        pos += target.latin1Write(" to='", pos);
        pos += target.latin1Write(to, pos);
        target[pos++] = 0x27;
      }
      done = raw.nameEnd;
      const toFirst = raw.toStart >= 0 && raw.toStart < raw.fromStart;
      if (toFirst && !keepTo) {
        pos = copyTo(raw, target, pos, done, raw.toStart);
        done = raw.toEnd;
      }
      if (raw.fromStart >= 0) {
        pos = copyTo(raw, target, pos, done, raw.fromStart);
        done = raw.fromEnd;
      }
      if (raw.toStart >= 0 && !toFirst && !keepTo) {
        pos = copyTo(raw, target, pos, done, raw.toStart);
        done = raw.toEnd;
      }
    }
    const length = raw.end - raw.start;
    if (this.#appended === '') return copyTo(raw, target, pos, done, length);
    pos = copyTo(raw, target, pos, done, raw.closeStart);
    if (raw.isEmpty) target[pos++] = 0x3e;
    pos += target.utf8Write(this.#appended, pos);
    if (!raw.isEmpty) return copyTo(raw, target, pos, raw.closeStart, length);
    pos += target.latin1Write('</', pos);
    pos = copyTo(raw, target, pos, 1, raw.nameEnd);
    target[pos++] = 0x3e;
    return pos;
  }

  #bytes(): StanzaBytes {
    if (this.#raw !== undefined) return this.#raw;
    this.#written ??= bytesOf(this.#element!);
    return this.#written;
  }

  /** The written form in a buffer of its own. */
  toBuffer(from: string, to: string): Buffer {
    const buffer = Buffer.allocUnsafe(this.sizeMax(from, to));
    return buffer.subarray(0, this.write(buffer, 0, from, to));
  }
}

export function kindOf(name: string): StanzaKind {
  return name === 'message'
    ? StanzaKind.MESSAGE
    : name === 'presence'
      ? StanzaKind.PRESENCE
      : name === 'iq'
        ? StanzaKind.IQ
        : StanzaKind.OTHER;
}
