/** Where elements begin and end in what a server sends: enough of a parser for a client that trusts it. */

/** Whether an element is `<r/>` or `<a/>`: their names have one letter. */
export function isNonza(data: Buffer, start: number): boolean {
  return data[start + 2] === 0x20;
}

const MESSAGE_END = Buffer.from('</message>');
/** How the content of a copy (XEP-0280) and of a result (XEP-0313) begins: there is a message in the message. */
const SENT = Buffer.from('<sent ');
const RECEIVED = Buffer.from('<received ');
const RESULT = Buffer.from('<result ');
const PRESENCE_END = Buffer.from('</presence>');
const IQ_END = Buffer.from('</iq>');
/** The refusal of a resumption (XEP-0198 §5). */
const FAILED_END = Buffer.from('</failed>');

/** Where the element that starts at `start` ends; -1 while it is incomplete. */
export function elementEnd(data: Buffer, start: number, end: number): number {
  const second = data[start + 1]!;
  const marker = endOf(second);
  const close = data.indexOf(0x3e, start);
  if (close < 0 || close >= end) return -1;
  if (data[close - 1] === 0x2f) return close + 1;
  let at = data.indexOf(marker, close);
  if (at > 0 && second === 0x6d && isAround(data, close + 1)) at = data.indexOf(marker, at + 1);
  return at < 0 || at + marker.length > end ? -1 : at + marker.length;
}

function endOf(second: number): Buffer {
  if (second === 0x6d) return MESSAGE_END;
  if (second === 0x70) return PRESENCE_END;
  return second === 0x66 ? FAILED_END : IQ_END;
}

function isAround(data: Buffer, at: number): boolean {
  return startsWith(data, at, SENT) || startsWith(data, at, RECEIVED) || startsWith(data, at, RESULT);
}

function startsWith(data: Buffer, at: number, word: Buffer): boolean {
  return data.compare(word, 0, word.length, at, Math.min(at + word.length, data.length)) === 0;
}

/** The name of the element there. */
export function nameAt(data: Buffer, start: number, stop: number): string {
  return /^<([^\s/>]*)/.exec(data.latin1Slice(start, stop))?.[1] ?? '';
}
