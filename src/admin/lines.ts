import type { Socket } from 'node:net';

const LF = 0x0a;

/** Calls `line` for every line that arrives, and `tooLong` (once, then nothing more) for one that does not end in time. */
export function readLines(
  socket: Socket,
  bytesMax: number,
  line: (text: string) => void,
  tooLong: () => void,
): void {
  let parts: Buffer[] = [];
  let bytes = 0;
  let isOver = false;
  socket.on('data', (data: Buffer) => {
    let from = 0;
    while (!isOver) {
      const end = data.indexOf(LF, from);
      const part = data.subarray(from, end < 0 ? data.length : end);
      bytes += part.length;
      if (bytes > bytesMax) {
        isOver = true;
        parts = [];
        tooLong();
        return;
      }
      if (part.length > 0) parts.push(part);
      if (end < 0) return;
      const text = Buffer.concat(parts).toString();
      parts = [];
      bytes = 0;
      from = end + 1;
      if (text.trim() !== '') line(text);
    }
  });
}
