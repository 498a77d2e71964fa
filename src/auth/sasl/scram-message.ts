import { isUtf8 } from 'node:buffer';
import { decodeBase64 } from '../base64.ts';

/**
 * The messages of SCRAM (RFC 5802 §7). The readers return the condition to fail with when a message is not one of these: they scan once,
 * without regular expressions, and take unknown optional attributes as the grammar allows.
 */

/** A nonce is as long as its maker likes; one of this length is nobody's need. */
export const CLIENT_NONCE_CHARS_MAX = 256;

/** What is wrong with a message: its form, or a mandatory extension (`m=`), none of which is known here. */
export type MessageProblem = 'malformed-request' | 'not-authorized';

/** `gs2-header client-first-message-bare` */
export interface ClientFirst {
  /** `n`: client has no channel binding; `y`: it has, and believes that the server has not; `p`: it uses one. */
  readonly flag: 'n' | 'y' | 'p';
  /** The channel-binding type with flag `p`; else empty. */
  readonly bindingType: string;
  /** Decoded; empty when absent. */
  readonly authzid: string;
  /** With its final comma. */
  readonly gs2Header: string;
  /** What becomes part of AuthMessage. */
  readonly bare: string;
  /** Decoded, not prepared. */
  readonly username: string;
  readonly nonce: string;
}

/** `client-final-message` */
export interface ClientFinal {
  /** Decoded value of `c=`. */
  readonly binding: Buffer;
  readonly nonce: string;
  readonly proof: Buffer;
  /** What becomes part of AuthMessage. */
  readonly withoutProof: string;
}

/** Reads a client-first-message. */
export function parseClientFirst(data: Buffer): ClientFirst | MessageProblem {
  const text = textOf(data);
  if (text === undefined) return 'malformed-request';
  const flagEnd = text.indexOf(',');
  const headerEnd = text.indexOf(',', flagEnd + 1);
  if (flagEnd < 0 || headerEnd < 0) return 'malformed-request';

  const flag = text[0];
  if (flag !== 'n' && flag !== 'y' && flag !== 'p') return 'malformed-request';
  const bindingType = flag === 'p' ? text.slice(2, flagEnd) : '';
  const isFlagWhole = flag === 'p' ? text.startsWith('p=') && isBindingName(bindingType) : flagEnd === 1;
  const authzid = headerEnd === flagEnd + 1 ? '' : decodeName(text, 'a=', flagEnd + 1, headerEnd);
  if (!isFlagWhole || authzid === undefined) return 'malformed-request';

  const bareStart = headerEnd + 1;
  if (text.startsWith('m=', bareStart)) return 'not-authorized';
  const nameEnd = text.indexOf(',', bareStart);
  if (nameEnd < 0) return 'malformed-request';
  const username = decodeName(text, 'n=', bareStart, nameEnd);
  const nonceEnd = attributeEnd(text, nameEnd + 1);
  if (username === undefined || !text.startsWith('r=', nameEnd + 1)) return 'malformed-request';
  const nonce = text.slice(nameEnd + 3, nonceEnd);
  if (nonce.length > CLIENT_NONCE_CHARS_MAX || !isPrintable(nonce)) return 'malformed-request';
  const problem = extensionProblem(text, nonceEnd, text.length);
  if (problem !== undefined) return problem;
  return {
    flag,
    bindingType,
    authzid,
    gs2Header: text.slice(0, bareStart),
    bare: text.slice(bareStart),
    username,
    nonce,
  };
}

/** Reads a client-final-message. */
export function parseClientFinal(data: Buffer): ClientFinal | MessageProblem {
  const text = textOf(data);
  if (text === undefined) return 'malformed-request';
  if (text.startsWith('m=')) return 'not-authorized';
  const bindingEnd = text.indexOf(',');
  const proofStart = text.lastIndexOf(',');
  const nonceEnd = attributeEnd(text, bindingEnd + 1);
  const isOrdered =
    text.startsWith('c=') &&
    text.startsWith('r=', bindingEnd + 1) &&
    text.startsWith('p=', proofStart + 1) &&
    nonceEnd <= proofStart;
  if (!isOrdered) return 'malformed-request';
  const nonce = text.slice(bindingEnd + 3, nonceEnd);
  const binding = decodeBase64(text.slice(2, bindingEnd));
  const proof = decodeBase64(text.slice(proofStart + 3));
  if (binding === undefined || proof === undefined || !isPrintable(nonce)) return 'malformed-request';
  const problem = extensionProblem(text, nonceEnd, proofStart);
  if (problem !== undefined) return problem;
  return { binding, nonce, proof, withoutProof: text.slice(0, proofStart) };
}

/** The message as text, if it is UTF-8 without NUL, which no part of the grammar has. */
function textOf(data: Buffer): string | undefined {
  return isUtf8(data) && !data.includes(0) ? data.utf8Slice(0, data.length) : undefined;
}

function attributeEnd(text: string, start: number): number {
  const comma = text.indexOf(',', start);
  return comma < 0 ? text.length : comma;
}

/** A `saslname` after `prefix`, in which `=2C` and `=3D` stand for comma and equals sign. Undefined when it is none. */
function decodeName(text: string, prefix: string, start: number, end: number): string | undefined {
  const from = start + prefix.length;
  if (from >= end || !text.startsWith(prefix, start)) return undefined;
  let name = '';
  let done = from;
  for (let at = text.indexOf('=', from); at >= 0 && at < end; at = text.indexOf('=', at + 3)) {
    const isComma = text.startsWith('=2C', at);
    if (at + 3 > end || !(isComma || text.startsWith('=3D', at))) return undefined;
    name += text.slice(done, at) + (isComma ? ',' : '=');
    done = at + 3;
  }
  return name + text.slice(done, end);
}

/** `extensions` between `start` (a comma, or `end`) and `end`: each `ALPHA "=" 1*value-char`, none with a name of RFC 5802's own. */
function extensionProblem(text: string, start: number, end: number): MessageProblem | undefined {
  for (let at = start; at < end; ) {
    const name = text.charCodeAt(at + 1) | 0x20;
    const next = attributeEnd(text, at + 1);
    if (text.startsWith('m=', at + 1)) return 'not-authorized';
    const isLetter = name >= 0x61 && name <= 0x7a;
    if (!isLetter || text[at + 2] !== '=' || next < at + 4) return 'malformed-request';
    if (RESERVED_ATTRIBUTES.includes(text[at + 1]!)) return 'malformed-request';
    at = next;
  }
  return undefined;
}

/** A second nonce or proof could mean one thing to us and another to somebody else. */
const RESERVED_ATTRIBUTES = 'acinprsve';

/** `1*( %x21-2B / %x2D-7E )`; there is no comma left in an attribute. */
function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x21 || code > 0x7e) return false;
  }
  return text.length > 0;
}

/** `1*(ALPHA / DIGIT / "." / "-")` */
function isBindingName(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const lower = code | 0x20;
    const isDigitDotDash = (code >= 0x30 && code <= 0x39) || code === 0x2e || code === 0x2d;
    if (!isDigitDotDash && (lower < 0x61 || lower > 0x7a)) return false;
  }
  return text.length > 0;
}
