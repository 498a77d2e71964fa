import type { Element } from '../xml/element.ts';
import { serialize } from '../xml/writer.ts';
import { NS_CLIENT } from './namespaces.ts';

/** Where a stanza's bytes lie, and the places in them that stamping and adding children need. Offsets count from `start`. */
export interface StanzaBytes {
  readonly buffer: Buffer;
  /** Whether the buffer belongs to somebody else, who will write other things into it. Settled before anybody sees the stanza. */
  isBorrowed: boolean;
  readonly start: number;
  readonly end: number;
  readonly nameEnd: number;
  readonly closeStart: number;
  readonly isEmpty: boolean;
  readonly fromStart: number;
  readonly fromEnd: number;
  readonly toStart: number;
  readonly toEnd: number;
}

/** The bytes of a tree, without `from` and `to`. */
export function bytesOf(element: Element): StanzaBytes {
  let stripped = element;
  if (element.attributes.has('from') || element.attributes.has('to')) {
    stripped = element.copy();
    stripped.attributes.delete('from');
    stripped.attributes.delete('to');
  }
  const buffer = Buffer.from(serialize(stripped, NS_CLIENT));
  const isEmpty = element.children.length === 0;
  const name = Buffer.byteLength(element.name);
  return {
    buffer,
    isBorrowed: false,
    start: 0,
    end: buffer.length,
    nameEnd: name + 1,
    closeStart: isEmpty ? buffer.length - 2 : buffer.length - name - 3,
    isEmpty,
    fromStart: -1,
    fromEnd: -1,
    toStart: -1,
    toEnd: -1,
  };
}

/** Where the name of the element that starts at `start` ends. */
export function nameEndOf(buffer: Buffer, start: number): number {
  let i = start + 1;
  while (buffer[i]! > 0x20 && buffer[i] !== 0x2f && buffer[i] !== 0x3e) i++;
  return i;
}

/** Where the closing tag that ends before `end` starts. There may be space in it. */
export function closeStartOf(buffer: Buffer, end: number): number {
  let i = end - 1;
  while (buffer[i] !== 0x3c) i--;
  return i;
}

export function copyTo(raw: StanzaBytes, target: Buffer, at: number, from: number, to: number): number {
  const length = to - from;
  if (length > 0) raw.buffer.copy(target, at, raw.start + from, raw.start + to);
  return at + length;
}

/** Whether the bytes of the `to` attribute are exactly `wire`. */
export function isRecipient(raw: StanzaBytes, wire: string): boolean {
  // The range runs from the name `to` to the closing quote; the value is its tail.
  const end = raw.start + raw.toEnd - 1;
  const start = end - wire.length;
  if (start <= raw.start + raw.toStart + 2) return false;
  // Before it stands the same quote as behind it: in `"x'y"` the value is not `y`.
  if (raw.buffer[start - 1] !== raw.buffer[end]) return false;
  for (let i = 0; i < wire.length; i++) if (raw.buffer[start + i] !== wire.charCodeAt(i)) return false;
  return true;
}
