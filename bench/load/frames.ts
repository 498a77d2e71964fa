/** The canonical message: 283 bytes as the sender writes it, with its sequence number in the id. */

const BYTES = 283;

export function messageTo(to: string, sequence: number): Buffer {
  const head = `<message to='${to}' id='${String(sequence).padStart(10, '0')}' type='chat'><body>`;
  const tail = '</body></message>';
  const filler = 'The quick brown fox jumps over the lazy dog. '.repeat(8);
  return Buffer.from(head + filler.slice(0, BYTES - head.length - tail.length) + tail);
}

/** The sequence number of a message, wherever its `id` stands; -1 when it has none. */
export function sequenceOf(buffer: Buffer, start: number, end: number): number {
  let at = buffer.indexOf(" id='", start, 'latin1');
  if (at < 0 || at > end) return -1;
  at += 5;
  let value = 0;
  for (let i = 0; i < 10; i++) value = value * 10 + buffer[at + i]! - 48;
  return value;
}
