import { SaxesParser } from 'saxes';
import { messageTo } from '../load/frames.ts';

/** Processor time that `saxes` needs merely to parse the canonical message, in microseconds. */
export function saxesCost(messages: number): number {
  const text = messageTo('u000001@localhost/bench', 0).toString();
  const parser = new SaxesParser({ xmlns: true, fragment: false });
  let elements = 0;
  parser.on('closetag', () => {
    elements++;
  });
  parser.write("<stream xmlns='jabber:client'>");
  for (let i = 0; i < messages / 10; i++) parser.write(text);
  const from = process.cpuUsage();
  for (let i = 0; i < messages; i++) parser.write(text);
  const used = process.cpuUsage(from);
  if (elements === 0) throw new Error('nothing was parsed');
  return (used.user + used.system) / messages;
}
