import type { Scanner } from '../xml/scanner.ts';
import { NS_STREAM } from '../xmpp/namespaces.ts';

/** Whether the unfinished element is a stream's opening tag: it would stay unfinished until the stream ends. */
export function isStreamTag(scanner: Scanner, buffer: Buffer): boolean {
  const { tokens, tokenWords, base } = scanner;
  if (tokenWords === 0) return false;
  const colon = tokens[3]!;
  const start = base + (colon < 0 ? tokens[1]! : colon + 1);
  if (base + tokens[2]! - start !== 6 || buffer.latin1Slice(start, start + 6) !== 'stream') return false;
  return scanner.namespaceUri(buffer, tokens[4]!) === NS_STREAM;
}
