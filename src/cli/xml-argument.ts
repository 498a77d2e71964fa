import { AdminError } from '../admin/errors.ts';
import { REQUEST_BYTES_MAX } from '../admin/protocol.ts';
import type { Io } from './io.ts';

/** XML that a command is given: the argument, or, without one or for `-`, all of standard input. */
export async function xmlFrom(argument: string | undefined, io: Io): Promise<string> {
  if (argument !== undefined && argument !== '-') return argument;
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of io.stdin) {
    const data = Buffer.from(part as Buffer);
    bytes += data.length;
    if (bytes > REQUEST_BYTES_MAX) {
      throw new AdminError('request_too_large', `more than ${REQUEST_BYTES_MAX} bytes`);
    }
    parts.push(data);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(Buffer.concat(parts));
  } catch {
    throw new AdminError('invalid_xml', 'standard input is not UTF-8');
  }
}

/** Controls that XML allows (C1, DEL), line separators, and marks that turn the direction of text around. */
const UNSAFE = /[\r\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** XML for a terminal or a file: what could move the cursor is a character reference, which means the same (threat T69). */
export function shownXml(xml: string): string {
  return xml.replace(UNSAFE, (character) => `&#${character.charCodeAt(0)};`);
}
